"""Links between the rows of a table: replies, dialogues, catalogues."""

from typing import TYPE_CHECKING

from mmgraph.system.lazy import hand_on

if TYPE_CHECKING:
    from mmgraph.links.base import LinkKind as LinkKind
    from mmgraph.links.by_key import Link as Link
    from mmgraph.links.linked import LinkedRows as LinkedRows
    from mmgraph.links.same_value import SameValue as SameValue
    from mmgraph.links.sequence import Sequence as Sequence
else:
    __all__, __getattr__, __dir__ = hand_on(
        __name__,
        {
            "Link": "mmgraph.links.by_key",
            "LinkKind": "mmgraph.links.base",
            "LinkedRows": "mmgraph.links.linked",
            "SameValue": "mmgraph.links.same_value",
            "Sequence": "mmgraph.links.sequence",
        },
    )
