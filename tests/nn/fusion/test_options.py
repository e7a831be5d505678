"""Options of a fusion that can be told to be wrong at once."""

import pytest

from mmgraph import Chain, GraphFusion


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dropout": 1}, "dropout: expected a number from 0 to below 1, got 1"),
        ({"num_layers": -1}, "num_layers: expected a number from 0 on, got -1"),
        ({"relations": [1]}, r"relations: expected \{.*got '?\[1\]"),
        ({"relations": {("a", "b"): Chain(1)}}, "got the key"),
        ({"relations": {("a", "to", "b"): 1}}, "got '?1'? for"),
    ],
)
def test_values_are_checked_before_any_modality_is_known(options, said):
    with pytest.raises(ValueError, match=said):
        GraphFusion.options(**options)
