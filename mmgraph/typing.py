"""Names of shapes and the axes they are made of.

| axis | meaning |
|---|---|
| batch | samples of a batch |
| items | images, texts or clips of a batch, all samples together |
| nodes | nodes of one modality of one sample, padded to the batch's longest |
| channels | features of a node |
| edges | edges of one relation of a batch |

`source` and `target` in place of `nodes` name the two ends of a relation.
"""

from __future__ import annotations

from typing import TypeAlias

from torch import Tensor

#: (source modality, relation, target modality), as in PyG's heterogeneous graphs.
EdgeType: TypeAlias = tuple[str, str, str]

#: One image, text or clip after `Modality.transform`: tensors by name.
Item: TypeAlias = dict[str, Tensor]
