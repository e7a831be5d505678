"""What is wrong with a table before anything is learnt from it: `mmgraph.check`."""

from typing import TYPE_CHECKING

from mmgraph.system.lazy import hand_on

if TYPE_CHECKING:
    from mmgraph.checks.finding import Finding as Finding
    from mmgraph.checks.result import DataCheck as DataCheck
    from mmgraph.checks.run import check as check
else:
    __all__, __getattr__, __dir__ = hand_on(
        __name__,
        {
            "DataCheck": "mmgraph.checks.result",
            "Finding": "mmgraph.checks.finding",
            "check": "mmgraph.checks.run",
        },
    )
