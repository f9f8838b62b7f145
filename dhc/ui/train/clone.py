"""A changed copy of a run: its settings in the Train form, which remembers the original."""

from __future__ import annotations

from dhc.config import RunConfig
from dhc.ui.shell.frame import go
from dhc.ui.train import draft, link


def open_form(config: RunConfig, parent: str) -> None:
    """Fill the Train form with a config that came from the run `parent`, and go there."""
    draft.fill(config, parent)
    link.remember()
    go("Train")
