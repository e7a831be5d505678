"""Pickles of published data sets, read without running what they hold."""

from mmgraph.datasets.pickles.read import read_pickle

__all__ = ["read_pickle"]
