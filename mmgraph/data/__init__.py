"""From a table's cells to batches of items, and from its targets to tensors."""

from typing import TYPE_CHECKING

from mmgraph.system.lazy import hand_on

if TYPE_CHECKING:
    from mmgraph.data.batch import Batch as Batch
    from mmgraph.data.dataset import SampleDataset as SampleDataset
    from mmgraph.data.dataset import read_batches as read_batches
    from mmgraph.data.disk_dataset import DiskDataset as DiskDataset
    from mmgraph.data.infer import infer_modalities as infer_modalities
else:
    __all__, __getattr__, __dir__ = hand_on(
        __name__,
        {
            "Batch": "mmgraph.data.batch",
            "DiskDataset": "mmgraph.data.disk_dataset",
            "SampleDataset": "mmgraph.data.dataset",
            "infer_modalities": "mmgraph.data.infer",
            "read_batches": "mmgraph.data.dataset",
        },
    )
