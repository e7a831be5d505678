"""The command line: mmgraph fit, evaluate, predict, inspect, explain, compare and export."""

from mmgraph.cli.app import app

__all__ = ["app"]
