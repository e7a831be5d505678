"""Sections of Debian packages: what links between rows add to their descriptions.

    python examples/linked_rows.py

Reads what `apt-cache dumpavail` prints on a Debian or Ubuntu machine: the description of each
package, and the packages that it depends on, recommends and suggests. The section is predicted, by
three folds that keep the packages of a source together, with the links, without any, and with
links that lead to packages drawn at random.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupKFold

from mmgraph import Link, MultimodalGraphClassifier, Text

RELATIONS = ("Depends", "Recommends", "Suggests")
#: Sections with fewer packages are left out.
FEWEST = 200


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--file", type=Path, help="what apt-cache printed, in place of calling it")
    parser.add_argument("--share", type=float, default=0.33, help="share of the source packages")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--text", default=None, help='features of Text, such as "minilm"')
    return parser.parse_args()


def read_packages(text: str) -> pd.DataFrame:
    """Return a row for each package: name, description, source, section and links."""
    return pd.DataFrame(list(filter(None, map(read_package, text.split("\n\n")))))


def read_package(paragraph: str) -> dict[str, object] | None:
    fields = dict(re.findall(r"^([\w-]+): (.*)$", paragraph, re.MULTILINE))
    if not {"Package", "Description", "Section"} <= fields.keys():
        return None
    name = fields["Package"]
    return {
        "package": name,
        "description": fields["Description"],
        "source": fields.get("Source", name).split(" ")[0],
        "section": fields["Section"].split("/")[-1],
        **{each: list(names_in(fields.get(each, ""))) for each in RELATIONS},
    }


def names_in(relation: str) -> Iterator[str]:
    """Yield the packages that a relation names, without versions: "a (>= 1), b | c"."""
    for choice in re.split(r"[,|]", relation):
        if choice.strip():
            yield choice.split()[0].split(":")[0]


def choose(packages: pd.DataFrame, share: float) -> pd.DataFrame:
    """Return the packages of some sources, of sections that are not too small."""
    packages = packages.drop_duplicates("package")
    sources = packages["source"].drop_duplicates().sample(frac=share, random_state=0)
    chosen = packages[packages["source"].isin(sources)]
    count = chosen["section"].map(chosen["section"].value_counts())
    return chosen[count >= FEWEST].reset_index(drop=True)


def shuffled(packages: pd.DataFrame) -> pd.DataFrame:
    """Return the packages with links that lead anywhere, as many from each as before."""
    random, names = np.random.default_rng(0), packages["package"].to_numpy()
    known = set(names)
    count = {each: [len(known.intersection(cell)) for cell in packages[each]] for each in RELATIONS}
    columns = {k: [list(random.choice(names, each)) for each in x] for k, x in count.items()}
    return packages.assign(**columns)


def evaluate(packages: pd.DataFrame, links: list[Link] | None, features: str | None, folds: int):
    scores = []
    for train, test in GroupKFold(folds).split(packages, groups=packages["source"]):
        start = time.perf_counter()
        clf = MultimodalGraphClassifier(
            [Text("description", features=features)], links=links, graph=False, verbose=False
        )
        clf.fit(packages.iloc[train], "section", groups="source")
        seconds = time.perf_counter() - start
        truth = packages["section"].iloc[test]
        probability = clf.predict_proba(packages.iloc[test])
        right = clf.classes_[probability.argmax(1)] == truth
        loss = log_loss(truth, probability, labels=clf.classes_)
        scores.append((right.mean(), loss, seconds))
        print(*(f"{each:.4f}" for each in scores[-1]), flush=True)
    return np.mean(scores, axis=0)


def main() -> None:
    arguments = parse_arguments()
    torch.set_num_threads(1)
    if arguments.file:
        text = arguments.file.read_text("utf-8")
    else:
        command = ["apt-cache", "dumpavail"]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    packages = choose(read_packages(text), arguments.share)
    print(f"{len(packages):,} packages of {packages['section'].nunique()} sections")
    links = [Link(each, key="package") for each in RELATIONS]
    rows = {
        "none": (packages, None),
        "links": (packages, links),
        "shuffled links": (shuffled(packages), links),
    }
    found = {
        name: evaluate(frame, each, arguments.text, arguments.folds)
        for name, (frame, each) in rows.items()
    }
    table = pd.DataFrame(found, index=["accuracy", "log loss", "seconds to fit"]).T
    print(table.to_string(float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
