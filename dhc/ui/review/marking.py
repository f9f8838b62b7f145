"""Marking a picture: its callback, what it takes back, and how a mark reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import streamlit as st

from dhc.data.review import Mark, Verdict, add_mark, new_mark
from dhc.text import clean, shorten
from dhc.ui.review.desk import Desk, placed
from dhc.ui.shell import address
from dhc.ui.shell.states import guard, toast

PICTURE: Final = "picture"
DONE: Final = "dhc_review_done"  # in the session: what was marked, to be taken back, last at the end
MOST_DONE: Final = 1_000
NAME: Final = 24  # letters of a class
ICONS: Final = {
    "keep": ":material/check:",
    "relabel": ":material/edit:",
    "leave-out": ":material/close:",
    "unsure": ":material/question_mark:",
}
COLORS: Final[Mapping[str, Literal["green", "blue", "red", "gray"]]] = {
    "keep": "green",
    "relabel": "blue",
    "leave-out": "red",
    "unsure": "gray",
}


def words(mark: Mark) -> str:
    """``Keep``, ``It is fox``, ``Leave out``, ``Unsure``."""
    return (
        f"It is {shorten(clean(mark.other), NAME)}"
        if mark.verdict == "relabel"
        else mark.verdict.replace("-", " ").capitalize()
    )


def mark(desk: Desk, place: int, verdict: Verdict, other: str, before: Mark | None, then: int | None) -> None:
    """Keep what a person says of a picture, and open the picture `then`; where that fails, say why and stay."""
    with guard(toast):
        _write(desk, place, verdict, other)
        done = st.session_state.setdefault(DONE, [])
        done.append((desk.folder, desk.split, desk.file(place), int(desk.rows[place]), before, (verdict, other)))
        del done[:-MOST_DONE]
        if then is not None:
            go(then, desk)


def go(place: int, desk: Desk) -> None:
    """Open a picture: its row in the split stands in the address."""
    address.put(**{PICTURE: int(desk.rows[place])})


def can_undo(desk: Desk) -> bool:
    """Whether a mark that was made here, in this session, can be taken back."""
    return any(entry[:2] == (desk.folder, desk.split) for entry in st.session_state.get(DONE, ()))


def undo(desk: Desk) -> None:
    """Take back the last mark of this session, and open its picture: what was said before it holds again."""
    done = st.session_state.get(DONE, [])
    last = next((entry for entry in reversed(done) if entry[:2] == (desk.folder, desk.split)), None)
    if last is None:
        return
    with guard(toast):
        _, _, file, row, before, said = last
        places = [place for place, other in enumerate(desk.rows.tolist()) if other == row and desk.file(place) == file]
        if places:
            now = placed(desk).by_row.get(row)
            if now is not None and (now.verdict, now.other) == said:
                verdict: Verdict = "unmarked" if before is None else before.verdict
                _write(desk, places[0], verdict, "" if before is None else before.other)
            elif now is not None:
                toast("Someone has marked this picture anew since, so that mark stays.")
            go(places[0], desk)
        done.remove(last)


def _write(desk: Desk, place: int, verdict: Verdict, other: str) -> None:
    told = new_mark(
        desk.split, desk.file(place), desk.image(place), desk.label(place), verdict, other=other, run=desk.info.id
    )
    add_mark(Path(desk.folder), told)
