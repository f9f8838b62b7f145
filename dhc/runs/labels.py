"""Changing what a person says of a run: its name, tags, note, star and archive mark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dhc.errors import RunError
from dhc.files.lock import Timeout, hold_lock
from dhc.runs import rundir
from dhc.runs.contract import Labels
from dhc.runs.lenient import MAX_NAME, MAX_NOTE, MAX_TAG, MAX_TAGS, clean_tags
from dhc.text import one_line

PATIENCE = 3.0  # seconds to wait for another's change to be written


NO_LABELS = Labels()


def read_labels(folder: Path) -> Labels:
    """The labels in a run's folder, read with distrust: what does not fit is cut or left out."""
    return Labels.read(folder) or NO_LABELS


def change_labels(folder: Path, **changes: Any) -> Labels:
    """Change some labels of a run and return all of them.

    Two who change different labels of a run at once both keep their change. Raises RunError for a text that is too long or a tag
    too many, OSError where the folder cannot be written to.
    """
    changes = _checked(changes)
    try:
        with hold_lock(folder.parent.resolve() / rundir.LABELS_LOCK, PATIENCE):
            labels = Labels(**(read_labels(folder).model_dump() | changes))
            labels.write(folder)
    except Timeout:
        raise RunError("someone else is changing labels here: try again in a moment") from None
    return labels


def new_labels(**values: Any) -> Labels:
    """The labels of a run that is about to be made. Raises RunError as `change_labels` does."""
    return Labels(**_checked(values))


def _checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(changes)
    for label, limit, noun in (("name", MAX_NAME, "a run's name"), ("note", MAX_NOTE, "a note")):
        length = len(values.get(label, "").strip())
        if length > limit:
            raise RunError(f"{noun} can have up to {limit:,} characters, this one has {length:,}")
    if "name" in values:
        values["name"] = _text(values["name"], MAX_NAME)
    if "note" in values:
        values["note"] = _sound(values["note"]).strip()
    if "tags" in values:
        values["tags"] = _checked_tags(values["tags"])
    return values


def _checked_tags(tags: Iterable[str]) -> tuple[str, ...]:
    lines = [_text(tag, MAX_NOTE) for tag in tags]
    for tag in lines:
        if len(tag) > MAX_TAG:
            raise RunError(f"a tag can have up to {MAX_TAG} characters; {tag[:40]!r} has {len(tag)}")
    if len(set(lines)) > MAX_TAGS:
        raise RunError(f"a run can have up to {MAX_TAGS} tags, these are {len(set(lines))}")
    return clean_tags(lines)


def _text(value: Any, limit: int) -> str:
    """On one line."""
    return one_line(_sound(value), limit)


def _sound(value: Any) -> str:
    """The text without halves of characters, which JSON can hold and nobody can write or show."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""
