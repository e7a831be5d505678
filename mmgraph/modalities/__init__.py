"""Kinds of input, one file each, and what a new kind is made of."""

from typing import TYPE_CHECKING

from mmgraph.system.lazy import hand_on

if TYPE_CHECKING:
    from mmgraph.modalities.audio import Audio as Audio
    from mmgraph.modalities.base import Modality as Modality
    from mmgraph.modalities.base import Place as Place
    from mmgraph.modalities.base import Unreadable as Unreadable
    from mmgraph.modalities.features import Features as Features
    from mmgraph.modalities.image import Image as Image
    from mmgraph.modalities.tabular import Tabular as Tabular
    from mmgraph.modalities.text import Text as Text
    from mmgraph.modalities.tokens.features import TokenFeatures as TokenFeatures
    from mmgraph.modalities.tokens.tokenizer import SentencePieceTokenizer as SentencePieceTokenizer
    from mmgraph.modalities.tokens.transformer import TransformerFeatures as TransformerFeatures
    from mmgraph.modalities.tokens.word_vectors import WordVectors as WordVectors
    from mmgraph.modalities.video import Video as Video
else:
    __all__, __getattr__, __dir__ = hand_on(
        __name__,
        {
            "Audio": "mmgraph.modalities.audio",
            "Features": "mmgraph.modalities.features",
            "Image": "mmgraph.modalities.image",
            "Modality": "mmgraph.modalities.base",
            "Place": "mmgraph.modalities.base",
            "SentencePieceTokenizer": "mmgraph.modalities.tokens.tokenizer",
            "Tabular": "mmgraph.modalities.tabular",
            "Text": "mmgraph.modalities.text",
            "TokenFeatures": "mmgraph.modalities.tokens.features",
            "TransformerFeatures": "mmgraph.modalities.tokens.transformer",
            "Unreadable": "mmgraph.modalities.base",
            "Video": "mmgraph.modalities.video",
            "WordVectors": "mmgraph.modalities.tokens.word_vectors",
        },
    )
