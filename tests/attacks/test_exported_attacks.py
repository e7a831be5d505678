"""Folders of exported models that want to run code, or read what is outside: each is refused."""

import io
import json
import pickle
import shutil
import zipfile

import jaxtyping
import numpy as np
import pandas as pd
import pytest
import torch

from mmgraph import DataError, MultimodalGraphClassifier, Tabular, load_exported

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

GRAPH = "models/model.json"
WEIGHTS = "data/weights/model_weights_config.json"
CONSTANTS = "data/constants/model_constants_config.json"
X = pd.DataFrame({"x": range(20)})


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Return the folder of a small exported model."""
    torch.manual_seed(0)
    options = {"epochs": 1, "channels": 8, "verbose": False, "device": "cpu"}
    model = MultimodalGraphClassifier([Tabular(["x"])], **options).fit(X, ["a", "b"] * 10)
    folder = tmp_path_factory.mktemp("exported") / "model"
    with pytest.MonkeyPatch.context() as patch:  # sizes are symbols while a program is traced
        patch.setattr(jaxtyping.config, "jaxtyping_disable", True)
        model.export(folder, example=X)
    return folder


@pytest.fixture
def marker(tmp_path):
    return tmp_path / "RAN"


@pytest.fixture
def changed(exported, tmp_path):
    """Return a function that changes the members of the program's archive."""

    def change(function, compression=zipfile.ZIP_STORED):
        folder = tmp_path / "changed"
        shutil.copytree(exported, folder)
        with zipfile.ZipFile(exported / "model.pt2") as archive:
            members = {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}
        function(members)
        with zipfile.ZipFile(folder / "model.pt2", "w", compression) as archive:
            for name, data in members.items():
                archive.writestr(f"model/{name}", data)
        return folder

    return change


class Evil:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        import os

        return os.mkdir, (str(self.marker),)


def evil(marker):
    buffer = io.BytesIO()
    torch.save({"x": Evil(marker)}, buffer)
    return buffer.getvalue()


def edited(members, name, function):
    described = json.loads(members[name])
    function(described)
    members[name] = json.dumps(described).encode()


def test_the_rows_of_the_one_who_exports_stay_there(exported):
    with zipfile.ZipFile(exported / "model.pt2") as archive:
        sample = torch.load(
            io.BytesIO(archive.read("model/data/sample_inputs/model.pt")), weights_only=True
        )
        assert not any(bool(value.any()) for value in sample[0][0].values())
        assert b"stack_trace" not in archive.read(f"model/{GRAPH}")


def test_torch_reads_it_as_well(exported):
    """What is left out of the file is not needed; both readers compute the same."""
    ours, theirs = (load_exported(exported, trusted=each) for each in (False, True))
    np.testing.assert_array_equal(ours.predict_proba(X), theirs.predict_proba(X))


def test_pickled_sample_inputs_are_not_read(changed, marker):
    folder = changed(lambda members: members.update({"data/sample_inputs/model.pt": evil(marker)}))
    load_exported(folder).predict(X)
    assert not marker.exists()


def test_pickled_weights(changed, marker):
    def change(members):
        def pickled(described):
            first = next(iter(described["config"].values()))
            first["use_pickle"] = True
            members[f"data/weights/{first['path_name']}"] = evil(marker)

        edited(members, WEIGHTS, pickled)

    with pytest.raises(DataError, match="unpickled"):
        load_exported(changed(change))
    assert not marker.exists()


@pytest.mark.parametrize("prefix", ["opaque_obj_", "custom_obj_"])
def test_pickled_objects_among_constants(changed, marker, prefix):
    def change(members):
        def pickled(described):
            meta = {"path_name": f"{prefix}0", "is_param": False, "use_pickle": True}
            described["config"]["evil"] = meta | {"tensor_meta": None}

        members[f"data/constants/{prefix}0"] = pickle.dumps(Evil(marker))
        edited(members, CONSTANTS, pickled)

    with pytest.raises(DataError, match="unpickled"):
        load_exported(changed(change))
    assert not marker.exists()


@pytest.mark.parametrize("place", ["data/weights/model.pt", "data/constants/model.pt"])
def test_weights_of_the_old_form_are_not_read(changed, marker, place):
    folder = changed(lambda members: members.update({place: evil(marker)}))
    load_exported(folder).predict(X)
    assert not marker.exists()


@pytest.mark.parametrize(
    "target",
    [
        "torch.os.mkdir",
        "torch.serialization.os.mkdir",
        "torch.hub.load",
        "_operator.methodcaller",
        "_operator.attrgetter",
        "math.__loader__.load_module",
        "torch.ops.load_library",
        "torch.ops.aten.from_file.default",
        "torch.ops.aten.fbgemm_linear_fp16_weight.default",
        "torch.ops.aten.__class__.default",
        "torch.ops.aten.add.__class__",
        "torch.ops.higher_order.cond",
        "#custom:evil",
    ],
)
def test_functions_that_are_no_operators(changed, marker, target):
    def change(members):
        node = {
            "target": target,
            "inputs": [{"name": "path", "arg": {"as_string": str(marker)}, "kind": 1}],
            "outputs": [],
            "metadata": {},
        }
        edited(members, GRAPH, lambda file: file["graph_module"]["graph"]["nodes"].insert(0, node))

    with pytest.raises(DataError, match="none of those known to be safe"):
        load_exported(changed(change))
    assert not marker.exists()


def test_expressions_and_conditions_are_not_evaluated(changed, marker):
    code = f"__import__('os').mkdir({str(marker)!r})"

    def change(file):
        graph = file["graph_module"]["graph"]
        for value in graph["tensor_values"].values():
            for size in value["sizes"]:
                size.update(as_expr={"expr_str": code, "hint": None})
                size.pop("as_int", None)
        file["guards_code"] = [code]
        file["range_constraints"] = {code: {"min_val": 0, "max_val": None}}

    load_exported(changed(lambda members: edited(members, GRAPH, change))).predict(X)
    assert not marker.exists()


def test_names_are_not_code(changed, marker):
    code = f"x=__import__('os').mkdir({str(marker)!r})"

    def change(members):
        text = members[GRAPH].decode()
        first = json.loads(text)["graph_module"]["graph"]["inputs"][0]["as_tensor"]["name"]
        members[GRAPH] = text.replace(json.dumps(first), json.dumps(code)).encode()

    load_exported(changed(change)).predict(X)
    assert not marker.exists()


def test_a_weight_beyond_its_bytes(changed):
    def large(described):
        first = next(iter(described["config"].values()))
        first["tensor_meta"]["sizes"] = [{"as_int": 1 << 20}]
        first["tensor_meta"]["strides"] = [{"as_int": 1}]

    with pytest.raises(DataError, match="cut off"):
        load_exported(changed(lambda members: edited(members, WEIGHTS, large)))


def test_a_weight_before_its_bytes(changed):
    def before(described):
        first = next(iter(described["config"].values()))
        first["tensor_meta"]["storage_offset"] = {"as_int": -8}

    with pytest.raises(DataError, match="a size of -8"):
        load_exported(changed(lambda members: edited(members, WEIGHTS, before)))


def test_a_file_outside_as_weight(changed):
    def outside(described):
        next(iter(described["config"].values()))["path_name"] = "../../../../etc/passwd"

    with pytest.raises(DataError, match="unpickled"):
        load_exported(changed(lambda members: edited(members, WEIGHTS, outside)))


def test_a_compressed_archive(changed):
    folder = changed(lambda members: members.update(zeros=bytes(1 << 24)), zipfile.ZIP_DEFLATED)
    with pytest.raises(DataError, match="compressed"):
        load_exported(folder)


@pytest.mark.parametrize("name", ["/etc/passwd", "../outside", "C:outside", "..", "a/b", "link"])
def test_onnx_weights_outside_the_folder(exported, tmp_path, name):
    onnx = pytest.importorskip("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto
    weight = onnx.TensorProto(name="w", data_type=kinds.FLOAT, dims=[1])
    weight.data_location = kinds.EXTERNAL
    weight.external_data.add(key="location", value=name)
    inner = helper.make_graph(
        [helper.make_node("Identity", ["w"], ["y"])], "inner", [], [], initializer=[weight]
    )
    node = helper.make_node("If", ["c"], ["outputs"], then_branch=inner, else_branch=inner)
    graph = helper.make_graph([node], "outer", [], [])
    folder = tmp_path / "changed"
    shutil.copytree(exported, folder)
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "model.onnx").write_bytes(helper.make_model(graph).SerializeToString())
    described = json.loads((folder / "export.json").read_text()) | {"format": "onnx"}
    (folder / "export.json").write_text(json.dumps(described))
    with pytest.raises(DataError, match="not beside it"):
        load_exported(folder)
