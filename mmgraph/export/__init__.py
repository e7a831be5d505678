"""Fitted models as programs of torch.export or ONNX, and how such programs are run."""

from typing import TYPE_CHECKING

from mmgraph.system.lazy import hand_on

if TYPE_CHECKING:
    from mmgraph.export.exported import ExportedModel as ExportedModel
    from mmgraph.export.exported import load_exported as load_exported
    from mmgraph.export.program import to_inputs as to_inputs
    from mmgraph.export.write import export_model as export_model
else:
    __all__, __getattr__, __dir__ = hand_on(
        __name__,
        {
            "ExportedModel": "mmgraph.export.exported",
            "export_model": "mmgraph.export.write",
            "load_exported": "mmgraph.export.exported",
            "to_inputs": "mmgraph.export.program",
        },
    )
