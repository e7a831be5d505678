"""Messages of fitting and predicting, for those who have not set up logging."""

from __future__ import annotations

import logging

from mmgraph.system import distributed

logger = logging.getLogger("mmgraph")


class shown_messages:
    """Show the package's messages on stderr while in the block, unless logging is set up."""

    def __init__(self, verbose: bool) -> None:
        self.wanted = verbose and distributed.is_first() and not logger.hasHandlers()
        self.handler = logging.StreamHandler()

    def __enter__(self) -> None:
        self.level = logger.level
        if self.wanted:
            logger.addHandler(self.handler)
            logger.setLevel(logging.INFO)

    def __exit__(self, *_: object) -> None:
        logger.removeHandler(self.handler)
        logger.setLevel(self.level)
