"""Fitted models as programs of torch.export or ONNX, and how such programs are run."""

from mmgraph.export.exported import ExportedModel, load_exported
from mmgraph.export.write import export_model

__all__ = ["ExportedModel", "export_model", "load_exported"]
