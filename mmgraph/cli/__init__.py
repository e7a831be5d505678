"""The command line: mmgraph fit, evaluate, predict, explain, compare, export and inspect."""

from mmgraph.cli.app import app

__all__ = ["app"]
