"""Explain a model that runs elsewhere: all that is known of it is what it answers.

    python examples/explain_service.py

A service on this machine classifies titles and pictures that are sent as JSON. Its answers are
explained by the smallest set of words and regions without which it would say something else.
"""

from __future__ import annotations

import argparse
import base64
import json
import threading
import urllib.request
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
from explain_pipeline import make_model

from mmgraph import Image, Text
from mmgraph.datasets import load_openclipart
from mmgraph.explain import explain_model


class Service(BaseHTTPRequestHandler):
    """Answers a list of titles and pictures with the probability of each class."""

    def __init__(self, model, folder: Path, *arguments) -> None:
        self.model, self.folder = model, folder
        super().__init__(*arguments)

    def do_POST(self) -> None:
        rows = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        paths = [self.folder / f"{number}.png" for number in range(len(rows))]
        for path, row in zip(paths, rows, strict=True):
            path.write_bytes(base64.b64decode(row["picture"]))
        frame = pd.DataFrame({"text": [row["title"] for row in rows], "image": paths})
        answer = json.dumps(self.model.predict_proba(frame).tolist()).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


def ask(address: str, frame: pd.DataFrame) -> np.ndarray:
    """Return what the service says of a table's rows; the function that is explained."""
    rows = [
        {"title": title, "picture": base64.b64encode(Path(path).read_bytes()).decode()}
        for title, path in zip(frame["text"], frame["image"], strict=True)
    ]
    request = urllib.request.Request(address, json.dumps(rows).encode(), method="POST")
    with urllib.request.urlopen(request) as answer:
        return np.array(json.load(answer))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=500, help="rows to learn from")
    parser.add_argument("--samples", type=int, default=3, help="test rows to explain")
    parser.add_argument("--output", type=Path, default=Path("results/explain_service"))
    arguments = parser.parse_args()
    data = load_openclipart()
    train = data.part("train").sample(arguments.rows, random_state=0)
    model = make_model().fit(train, train["label"])
    folder = arguments.output / "received"
    folder.mkdir(parents=True, exist_ok=True)
    with HTTPServer(("127.0.0.1", 0), partial(Service, model, folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found = explain_model(
            partial(ask, f"http://127.0.0.1:{server.server_port}"),
            data.part("test").sample(arguments.samples, random_state=0),
            [Image("image"), Text("text")],
            method="counterfactual",
            outputs=model.classes_,
        )
        server.shutdown()
    print(*found, sep="\n")
    found[0].to_html(arguments.output / "service.html")


if __name__ == "__main__":
    main()
