"""The check of a data set on its page: asked for, its progress, its findings with their pictures."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dhc.data.decode import Pictures
from dhc.data.finding import Finding
from dhc.jobs import check as checks
from dhc.jobs.check import Check
from dhc.ui.shell import session, sharing
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import attempt, error_box
from dhc.ui.shell.watch import watch
from dhc.ui.widgets.gallery import Tile, gallery

TICK = 0.5  # seconds between two updates while it goes on
MOST_SHOWN = 24  # of the pictures that a finding is about
CHECK_HELP = (
    "Unreadable files, copies and near copies in two splits or under two labels, names, sizes and colours that give the label "
    "away, small and uneven classes, what was converted."
)
BOXES = {"error": st.error, "warning": st.warning, "note": st.info}


def check(folder: str) -> None:
    """The check of every picture: a button, its progress, and what it found."""
    path = Path(folder)
    watch(
        lambda: checks.check(path),
        lambda current: _draw_check(path, current),
        every=TICK,
        alive=lambda current: bool(current and current.pending),
    )


def _draw_check(folder: Path, current: Check | None) -> None:
    if current is not None and current.pending:
        share = current.done / current.total if current.total else 0.0
        bar, button = st.columns([5, 1], vertical_alignment="center")
        bar.progress(min(1.0, share), text=_progress_text(current))
        if sharing.is_read_only():
            return
        button.button(
            "Cancel", icon=":material/close:", on_click=attempt, args=(checks.cancel, folder), key="dhc_check_cancel"
        )
        return
    st.button(
        "Check every picture" if current is None else "Check again",
        icon=":material/fact_check:",
        help=CHECK_HELP,
        on_click=attempt,
        args=(checks.start, folder),
        kwargs={"failure": "The check could not be started"},
        key="dhc_check",
        disabled=sharing.is_read_only(),
    )
    if current is None:
        return
    if current.failure:
        error_box(f"The check did not end: {current.failure}.")
        return
    if not current.current:
        st.caption(":material/history: Files or labels have changed since this check.")
    if not current.findings:
        st.success("No problems were found.")
    for number, finding in enumerate(current.findings):
        BOXES[finding.severity](plain(finding.text))
        if finding.files:
            _concerned(folder, finding, number)


def _progress_text(current: Check) -> str:
    """What the check is doing, of the pictures that it counts twice."""
    half = current.total // 2
    if not half:
        return "Starting …"
    reading = current.done < half
    return f"Reading: {current.done:,} of {half:,}" if reading else f"Comparing: {current.done - half:,} of {half:,}"


def _concerned(folder: Path, finding: Finding, number: int) -> None:
    """The pictures that a finding is about, those that can still be read."""
    with st.expander(_show_text(len(finding.files))):
        rows = _rows_by_file(str(folder))
        tiles = [
            Tile(pictures.x[row], label, tooltip=file)
            for file in finding.files[:MOST_SHOWN]
            if (place := rows.get(file)) is not None
            for pictures, row, label in (place,)
        ]
        gallery(tiles, key=f"dhc_finding_{number}", size=88)
        st.caption(plain(", ".join(finding.files[:MOST_SHOWN])))


def _show_text(files: int) -> str:
    """What opens a finding's files, of which not all are shown where there are many."""
    if files > MOST_SHOWN:
        return f"Show {MOST_SHOWN:,} of its {files:,} files"
    return "Show its file" if files == 1 else f"Show its {files:,} files"


def _rows_by_file(folder: str) -> dict[str, tuple[Pictures, int, str]]:
    """Where each readable picture of the data set is, and what it is labelled."""
    dataset = session.dataset(folder)
    rows = {}
    for split in dataset.splits:
        pictures = session.pictures(folder, split)
        for row, file in enumerate(pictures.ids.tolist()):
            label = split if pictures.y is None else f"{split}: {dataset.classes[int(pictures.y[row])]}"
            rows[file] = (pictures, row, label)
    return rows
