"""Readers of public data sets: one file each, one table of all, and what new ones are made of."""

from typing import TYPE_CHECKING

from mmgraph.datasets.readers import READERS as _READERS
from mmgraph.system.lazy import hand_on

if TYPE_CHECKING:
    from mmgraph.datasets.av_digits import load_av_digits as load_av_digits
    from mmgraph.datasets.av_mnist import load_av_mnist as load_av_mnist
    from mmgraph.datasets.base import MultimodalDataset as MultimodalDataset
    from mmgraph.datasets.base import TaskKind as TaskKind
    from mmgraph.datasets.crisis_mmd import load_crisis_mmd as load_crisis_mmd
    from mmgraph.datasets.easy_vqa import load_easy_vqa as load_easy_vqa
    from mmgraph.datasets.files import Download as Download
    from mmgraph.datasets.files import Record as Record
    from mmgraph.datasets.files import read_comma_separated as read_comma_separated
    from mmgraph.datasets.files import read_json_array as read_json_array
    from mmgraph.datasets.files import read_json_lines as read_json_lines
    from mmgraph.datasets.files import read_json_object as read_json_object
    from mmgraph.datasets.files import read_npy as read_npy
    from mmgraph.datasets.files import read_tab_separated as read_tab_separated
    from mmgraph.datasets.files import read_text as read_text
    from mmgraph.datasets.folder import load_folder as load_folder
    from mmgraph.datasets.food101 import load_food101 as load_food101
    from mmgraph.datasets.hateful_memes import (
        load_fine_grained_hateful_memes as load_fine_grained_hateful_memes,
    )
    from mmgraph.datasets.hateful_memes import load_hateful_memes as load_hateful_memes
    from mmgraph.datasets.hugging_face import load_hugging_face as load_hugging_face
    from mmgraph.datasets.iemocap import load_iemocap as load_iemocap
    from mmgraph.datasets.iemocap import load_meld as load_meld
    from mmgraph.datasets.made.relations import RELATION_KINDS as RELATION_KINDS
    from mmgraph.datasets.made.relations import make_relations as make_relations
    from mmgraph.datasets.magb import load_magb as load_magb
    from mmgraph.datasets.mm_graph import load_mm_graph as load_mm_graph
    from mmgraph.datasets.mm_imdb import load_mm_imdb as load_mm_imdb
    from mmgraph.datasets.mosi import load_mosei as load_mosei
    from mmgraph.datasets.mosi import load_mosi as load_mosi
    from mmgraph.datasets.mvsa import load_mvsa as load_mvsa
    from mmgraph.datasets.n24news import load_n24news as load_n24news
    from mmgraph.datasets.openclipart import load_openclipart as load_openclipart
    from mmgraph.datasets.pickles import read_pickle as read_pickle
    from mmgraph.datasets.readers import READERS as READERS
    from mmgraph.datasets.readers import Reader as Reader
    from mmgraph.datasets.readers import find_reader as find_reader
else:
    __all__, __getattr__, __dir__ = hand_on(
        __name__,
        {
            "Download": "mmgraph.datasets.files",
            "MultimodalDataset": "mmgraph.datasets.base",
            "READERS": "mmgraph.datasets.readers",
            "RELATION_KINDS": "mmgraph.datasets.made.relations",
            "Reader": "mmgraph.datasets.readers",
            "Record": "mmgraph.datasets.files",
            "TaskKind": "mmgraph.datasets.base",
            "find_reader": "mmgraph.datasets.readers",
            "make_relations": "mmgraph.datasets.made.relations",
            "read_comma_separated": "mmgraph.datasets.files",
            "read_json_array": "mmgraph.datasets.files",
            "read_json_lines": "mmgraph.datasets.files",
            "read_json_object": "mmgraph.datasets.files",
            "read_npy": "mmgraph.datasets.files",
            "read_pickle": "mmgraph.datasets.pickles",
            "read_tab_separated": "mmgraph.datasets.files",
            "read_text": "mmgraph.datasets.files",
            **{each.function_name: each.module for each in _READERS.values()},
        },
    )
