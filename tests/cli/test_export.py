from mmgraph.estimator import MultimodalEstimator


def test_export(shell, model, table, tmp_path, monkeypatch):
    calls = []

    def export(self, path, **options):
        calls.append((self, options))
        path.mkdir(exist_ok=True)

    # Tracing takes long, and has tests of its own.
    monkeypatch.setattr(MultimodalEstimator, "export", export)
    path = tmp_path / "program"
    found = shell.json(f"export {model} {table} --format onnx --output {path}")
    estimator, options = calls[0]
    assert found == {"output": str(path), "format": "onnx", "checked_rows": 36}
    assert (options["format"], options["overwrite"]) == ("onnx", False)
    assert len(options["example"]) == 36
    # No folder of this machine is handed over.
    assert estimator.modalities_[0].root is None
    shell(f"export {model} {table} --output {path}", code=2)
    shell(f"export {model} {table} --output {path} --overwrite")
    assert calls[1][1]["overwrite"]
