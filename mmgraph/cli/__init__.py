"""The command line: mmgraph fit, evaluate, predict and inspect."""

from mmgraph.cli.app import app

__all__ = ["app"]
