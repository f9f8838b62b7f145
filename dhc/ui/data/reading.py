"""How a data set's tables and pictures were read: columns, source, formats, what was converted, what cannot be read."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from dhc.data.about import IMPORTED, read_about
from dhc.data.decode import BadPicture, Pictures, files_by_conversion
from dhc.data.layout import Dataset, readings
from dhc.data.originals import Kind, kinds
from dhc.errors import DataError
from dhc.text import clean, count_text, one_line
from dhc.ui.shell import session
from dhc.ui.shell.markdown import plain

MOST_NOTES = 20  # of an import, in a file that anyone may have written
NOTE_LENGTH = 500


def draw(folder: str) -> None:
    """Everything about the reading, the tables first."""
    dataset = session.dataset(folder)
    left, right = st.columns(2, gap="large")
    with left:
        _tables(dataset)
        _source(read_about(Path(folder)))
    pictures, unreadable = _of_splits(folder, dataset)
    with right:
        rows = _kinds_of(folder, "".join(split.digest for split in pictures.values()))
        _kinds(rows)
        _conversions(pictures, rows)
    _unreadable(unreadable, {name: len(split.files) for name, split in dataset.splits.items()})


def _tables(dataset: Dataset) -> None:
    lines = readings(dataset)
    if dataset.pictures != dataset.root:
        lines.append(f"The pictures are used where they lie: {dataset.pictures}")
    without = [name for name, split in dataset.splits.items() if split.y is None]
    if without:
        lines.append(f"{' and '.join(without)}: no labels")
    _bullets("Tables", lines)


def _source(about: Mapping[str, Any]) -> None:
    """Where an imported data set comes from, as its import noted it."""
    if about.get("kind") == IMPORTED:
        _bullets("Import", import_lines(about))


def _bullets(title: str, lines: Sequence[str]) -> None:
    st.markdown(f"**{title}**\n" + "".join(f"\n- {plain(line)}" for line in lines))


def import_lines(about: Mapping[str, Any]) -> list[str]:
    """What an import noted, a sentence each; values that no import writes are left out."""
    at, source = about.get("imported_at"), one_line(about.get("source"), 200)
    try:
        day = f" on {time.strftime('%Y-%m-%d', time.localtime(float(at or 0)))}" if at else ""
    except (ValueError, TypeError, OverflowError, OSError):
        day = ""
    shape = one_line(about.get("shape"), NOTE_LENGTH)
    lines = [f"Imported from {source or 'an unnamed source'}{day}{f': {shape}.' if shape else '.'}"]
    for name in ("notes", "skipped"):
        notes = about.get(name)
        lines += [one_line(note, NOTE_LENGTH) for note in notes] if isinstance(notes, list) else []
    return list(filter(None, lines))[: MOST_NOTES + 1]


def _of_splits(folder: str, dataset: Dataset) -> tuple[dict[str, Pictures], list[tuple[str, BadPicture]]]:
    """The pictures of each split that has any, and what cannot be read with its split."""
    pictures: dict[str, Pictures] = {}
    bad: list[tuple[str, BadPicture]] = []
    for name in dataset.splits:
        try:
            pictures[name] = session.pictures(folder, name)
            bad += [(name, picture) for picture in pictures[name].bad]
        except DataError as error:  # none of its pictures can be read
            st.error(plain(str(error)), icon=":material/error:")
    return pictures, bad


@st.cache_resource(show_spinner="Looking at the files …", max_entries=4)
def _kinds_of(folder: str, digest: str) -> tuple[Kind, ...]:
    """`kinds` of the pixels that `digest` stands for."""
    return kinds(session.dataset(folder))


def _kinds(rows: Sequence[Kind]) -> None:
    st.markdown("**Files as found**")
    if not rows:
        st.caption("No file has the header of a picture.")
        return
    splits = list(dict.fromkeys(split for kind in rows for split in kind.counts))
    table = pd.DataFrame(
        [
            {"format": kind.format, "channels": kind.channels, "size in pixels": kind.span}
            | {split: kind.counts.get(split, 0) for split in splits}
            for kind in rows
        ]
    )
    st.dataframe(table, hide_index=True, key="dhc_kinds", alt="Formats, channels and sizes of the files, by split")


def _conversions(pictures: Mapping[str, Pictures], rows: Sequence[Kind]) -> None:
    """What reading changed, with how many pictures and one of them."""
    by_kind = sorted(files_by_conversion(pictures.values()).items(), key=lambda pair: -len(pair[1]))
    lines = [f"{count_text(len(files), 'picture')}, such as {files[0]}: {kind}" for kind, files in by_kind]
    total = sum(sum(kind.counts.values()) for kind in rows)
    if oblong := sum(kind.oblong for kind in rows):
        lines.append(f"Not square: {oblong:,} of {count_text(total, 'picture')}, whose proportions change at 64×64")
    _bullets("Converted", lines or ["Nothing, but that each becomes 64×64 RGB"])


def _unreadable(bad: Sequence[tuple[str, BadPicture]], totals: Mapping[str, int]) -> None:
    st.markdown("**Cannot be read**")
    if not bad:
        st.caption(f"Every one of {count_text(sum(totals.values()), 'picture')} can be read.")
        return
    rows = [{"split": split, "file": clean(picture.file), "reason": picture.reason} for split, picture in bad]
    table = pd.DataFrame(rows)
    height = min(300, 38 + 35 * len(table))
    st.dataframe(table, hide_index=True, height=height, key="dhc_bad", alt="Pictures that cannot be read, and why")
    st.caption(
        "Mend them, take their rows out of the table, or let a run leave them out (*Leave out unreadable pictures*)."
    )
