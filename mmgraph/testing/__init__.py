"""What plug-ins promise, as checks for mmgraph's own tests and for yours.

Each check raises `AssertionError`, which says what is wrong and how to mend it.
"""

from typing import TYPE_CHECKING

from mmgraph.system.lazy import hand_on

if TYPE_CHECKING:
    from mmgraph.testing.dense_form import check_dense_form as check_dense_form
    from mmgraph.testing.explainer import check_explainer as check_explainer
    from mmgraph.testing.fusion import check_fusion as check_fusion
    from mmgraph.testing.modality import check_modality as check_modality
    from mmgraph.testing.nodes import random_nodes as random_nodes
    from mmgraph.testing.reader import check_reader as check_reader
    from mmgraph.testing.relation import check_relation as check_relation
else:
    __all__, __getattr__, __dir__ = hand_on(
        __name__,
        {
            "check_dense_form": "mmgraph.testing.dense_form",
            "check_explainer": "mmgraph.testing.explainer",
            "check_fusion": "mmgraph.testing.fusion",
            "check_modality": "mmgraph.testing.modality",
            "check_reader": "mmgraph.testing.reader",
            "check_relation": "mmgraph.testing.relation",
            "random_nodes": "mmgraph.testing.nodes",
        },
    )
