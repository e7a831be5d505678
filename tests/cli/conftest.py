"""A small table of pictures and captions, a model that the command line fitted on it, a shell."""

import json
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image as PILImage
from typer.testing import CliRunner

from mmgraph.cli import app

ROWS = 36
COLORS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 40, 220)}


class Shell:
    """Runs commands in this process."""

    #: Options of a model that is fitted quickly.
    quick = "--from-scratch --image-size 32 --channels 16 --epochs 2 --seed 3"

    def __call__(self, command, code=0):
        """Run a command line without its "mmgraph"; returns stdout and stderr."""
        result = CliRunner().invoke(app, shlex.split(command))
        assert result.exit_code == code, (result.output, result.exception)
        return result.stdout, result.stderr

    def json(self, command):
        """Run a command with --json, and return its result."""
        return json.loads(self(f"{command} --json")[0])

    def error(self, command, code=1):
        """Run a command that must fail; returns its one line."""
        stdout, stderr = self(command, code)
        assert not stdout
        (line,) = stderr.splitlines()
        assert line.startswith("error: ")
        return line


@pytest.fixture(scope="session")
def shell():
    return Shell()


@pytest.fixture(scope="session")
def table(tmp_path_factory):
    """Return a CSV file of 36 rows whose paths are relative to its folder."""
    folder = tmp_path_factory.mktemp("table")
    random = np.random.default_rng(0)
    rows = []
    for number in range(ROWS):
        color = list(COLORS)[number % 3]
        pixels = np.array(COLORS[color]) + random.integers(-30, 30, (16, 16, 3))
        PILImage.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(folder / f"{number}.png")
        words = " ".join(random.choice(["a", "small", "nice"], number % 4))
        place = number // 3
        rows.append(
            {
                **{"sku": f"s{number}", "picture": f"{number}.png"},
                **{"caption": f"{words} {color} thing", "label": color, "series": place // 2},
                "split": ("train", "train", "val", "test")[place % 4],
            }
        )
    pd.DataFrame(rows).to_csv(folder / "table.csv", index=False)
    return folder / "table.csv"


@pytest.fixture(scope="session")
def fitted(shell, table, tmp_path_factory):
    """Return the model's path and what `fit` said."""
    path = tmp_path_factory.mktemp("model") / "model"
    columns = "--image picture --text caption --label label --group series"
    return path, shell.json(f"fit {table} {columns} {shell.quick} --output {path} --quiet")


@pytest.fixture(scope="session")
def model(fitted) -> Path:
    return fitted[0]
