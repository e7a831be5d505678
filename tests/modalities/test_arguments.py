"""Arguments of modalities that can be told to be wrong at once."""

import pytest

from mmgraph import Image, Text


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Text([]), "Text: expected names of columns"),
        (lambda: Text("a", max_tokens=0), "expected max_tokens of at least 1, got 0"),
        (lambda: Text("a", vocabulary_size=-1), "expected vocabulary_size of at least 1, got -1"),
        (lambda: Image("a", size=0), "Image: expected a size of at least one pixel"),
    ],
)
def test_values_out_of_range(make, said):
    with pytest.raises(ValueError, match=said):
        make()
