"""How good a fitted model is, where it is wrong, and how sure the figures are: `mmgraph.report`."""

from typing import TYPE_CHECKING

from mmgraph.system.lazy import hand_on

if TYPE_CHECKING:
    from mmgraph.reports.result import ModelReport as ModelReport
    from mmgraph.reports.run import report as report
else:
    __all__, __getattr__, __dir__ = hand_on(
        __name__,
        {
            "ModelReport": "mmgraph.reports.result",
            "report": "mmgraph.reports.run",
        },
    )
