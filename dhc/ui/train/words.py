"""A setting's value, and what differs from a preset or a run, in a few words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dhc.config import ConfigField, find_field
from dhc.jobs.values import format_value
from dhc.text import setting_number, shorten
from dhc.ui.shell import session
from dhc.ui.train import draft

LONGEST = 60  # characters of a value
MOST_CHANGES = 6  # in one line


def setting_words(field: ConfigField, value: Any) -> str:
    """A value as a form says it: a data set of ours by its name, 0 classes as ``all``, nothing as ``empty``."""
    if value is None:
        return "empty"
    if field.name == "data.path":
        return shorten(_folder_name(str(value)), LONGEST)
    if field.name == "data.classes" and value == 0:
        return "all"
    return setting_number(value, 6) if isinstance(value, float) else shorten(format_value(value), LONGEST)


def change_words(changes: Mapping[str, Any]) -> str:
    """What was changed: ``dropout 0.1 → 0.2, epochs 10 → 30``."""
    texts = [
        f"{(field := find_field(name)).short} {setting_words(field, draft.before(name))} → {setting_words(field, value)}"
        for name, value in changes.items()
    ]
    more = len(texts) - MOST_CHANGES
    return ", ".join(texts[:MOST_CHANGES]) + (f" and {more} more" if more > 0 else "")


def _folder_name(path: str) -> str:
    """The name of a data set in the data folder; the whole path of any other."""
    parent = str(Path(path).parent)
    return Path(path).name if draft.same_place(parent, str(session.data_dir())) else path
