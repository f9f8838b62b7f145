"""What a person says of a run: its name, tags, note, star, and whether it is put aside. Written by the pages, never by training."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from dhc.errors import RunError
from dhc.runs import rundir

MAX_NAME, MAX_TAG, MAX_TAGS, MAX_NOTE = 80, 30, 20, 4_000  # characters; tags: how many
PATIENCE = 3.0  # seconds to wait for another's change to be written


@dataclass(frozen=True)
class Labels:
    """A run's labels; empty ones where nobody gave any."""

    name: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    star: bool = False
    archived: bool = False


NO_LABELS = Labels()


def read_labels(folder: Path) -> Labels:
    """The labels in a run's folder, read with distrust: what does not fit is cut or left out."""
    told = rundir.read_json(folder / rundir.LABELS) or {}
    tags = told.get("tags")
    return Labels(
        name=_text(told.get("name"), MAX_NAME),
        tags=clean_tags(tags if isinstance(tags, list) else ()),
        note=_sound(told.get("note"))[:MAX_NOTE],
        star=told.get("star") is True,
        archived=told.get("archived") is True,
    )


def change_labels(folder: Path, **changes: Any) -> Labels:
    """Change some labels of a run and return all of them.

    Two who change different labels of a run at once both keep their change. Raises RunError for a text that is too long or a tag
    too many, OSError where the folder cannot be written to.
    """
    for label, limit, called in (("name", MAX_NAME, "a run's name"), ("note", MAX_NOTE, "a note")):
        length = len(changes.get(label, "").strip())
        if length > limit:
            raise RunError(f"{called} can have up to {limit:,} characters, this one has {length:,}")
    if "name" in changes:
        changes["name"] = _text(changes["name"], MAX_NAME)
    if "note" in changes:
        changes["note"] = _sound(changes["note"]).strip()
    if "tags" in changes:
        changes["tags"] = _checked_tags(changes["tags"])
    try:
        with FileLock(folder.parent / rundir.LABELS_LOCK, timeout=PATIENCE):
            labels = replace(read_labels(folder), **changes)
            rundir.write_json(folder / rundir.LABELS, asdict(labels))
    except Timeout:
        raise RunError("someone else is changing labels here: try again in a moment") from None
    return labels


def clean_tags(tags: Iterable[Any]) -> tuple[str, ...]:
    """Tags as they are kept: one line each, none twice, in their order, at most MAX_TAGS."""
    kept = dict.fromkeys(_text(tag, MAX_TAG) for tag in tags)
    return tuple(tag for tag in kept if tag)[:MAX_TAGS]


def _checked_tags(tags: Iterable[str]) -> tuple[str, ...]:
    asked = [_text(tag, MAX_NOTE) for tag in tags]
    for tag in asked:
        if len(tag) > MAX_TAG:
            raise RunError(f"a tag can have up to {MAX_TAG} characters; {tag[:40]!r} has {len(tag)}")
    if len(set(asked)) > MAX_TAGS:
        raise RunError(f"a run can have up to {MAX_TAGS} tags, these are {len(set(asked))}")
    return clean_tags(asked)


def _text(value: Any, limit: int) -> str:
    """On one line."""
    return " ".join(_sound(value).split())[:limit].strip()


def _sound(value: Any) -> str:
    """A text that can be written and shown; JSON can hold halves of characters, which can be neither."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""
