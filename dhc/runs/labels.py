"""What a person says of a run: its name, tags, note, star, and whether it is put aside. Written by the pages, never by training."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from dhc.runs import rundir
from dhc.runs.rundir import RunError

MAX_NAME, MAX_TAG, MAX_TAGS, MAX_NOTE = 80, 30, 20, 4_000  # characters; tags: how many


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
        note=str(told.get("note"))[:MAX_NOTE] if isinstance(told.get("note"), str) else "",
        star=told.get("star") is True,
        archived=told.get("archived") is True,
    )


def change_labels(folder: Path, **changes: Any) -> Labels:
    """Change some labels of a run and return all of them. Raises RunError for a text that is too long or a tag too many."""
    if len(str(changes.get("name", "")).strip()) > MAX_NAME:
        raise RunError(f"a run's name can have up to {MAX_NAME} characters, this one has {len(changes['name'])}")
    if len(str(changes.get("note", ""))) > MAX_NOTE:
        raise RunError(f"a note can have up to {MAX_NOTE:,} characters, this one has {len(changes['note']):,}")
    if "name" in changes:
        changes["name"] = _text(changes["name"], MAX_NAME)
    if "tags" in changes:
        changes["tags"] = _checked_tags(changes["tags"])
    labels = replace(read_labels(folder), **changes)
    rundir.write_json(folder / rundir.LABELS, asdict(labels))
    return labels


def clean_tags(tags: Iterable[Any]) -> tuple[str, ...]:
    """Tags as they are kept: one line each, none twice, in their order, at most MAX_TAGS."""
    kept = dict.fromkeys(_text(tag, MAX_TAG) for tag in tags)
    return tuple(tag for tag in kept if tag)[:MAX_TAGS]


def _checked_tags(tags: Iterable[str]) -> tuple[str, ...]:
    asked = [" ".join(tag.split()) for tag in tags]
    for tag in asked:
        if len(tag) > MAX_TAG:
            raise RunError(f"a tag can have up to {MAX_TAG} characters; {tag[:40]!r} has {len(tag)}")
    if len(set(asked)) > MAX_TAGS:
        raise RunError(f"a run can have up to {MAX_TAGS} tags")
    return clean_tags(asked)


def _text(value: Any, limit: int) -> str:
    return " ".join(value.split())[:limit] if isinstance(value, str) else ""
