"""The kinds of task, for whoever names them before torch is needed."""

from __future__ import annotations

from typing import Literal, TypeAlias

#: What mmgraph's own tasks are called: one class of several, any number of labels, or numbers.
TaskKind: TypeAlias = Literal["multiclass", "multilabel", "regression"]
