"""The Review screen: filters in the address, one picture after the other or a grid of them, and how far the review is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dhc.analysis import suspects
from dhc.data.review import Mark, why_unwritable
from dhc.data.review_effect import Placed
from dhc.export.review import review_csv
from dhc.runs.store import RunInfo
from dhc.text import NAME_LENGTH, clean, count_text, shorten
from dhc.ui.answers.subject import has_answers
from dhc.ui.review import marking, one
from dhc.ui.review.desk import Desk, Split, counts, has_dynamics, marks_of, open_desk, placed
from dhc.ui.shell import address, sharing, standin
from dhc.ui.shell.frame import link
from dhc.ui.shell.glossary import explained
from dhc.ui.shell.states import empty, guard
from dhc.ui.widgets.controls import pager, segments
from dhc.ui.widgets.gallery import Tile, Tone, gallery

KEY: Final = one.KEY
SPLIT, SHOW, LABEL, MARKED, FORM, PAGE = "split", "show", "label", "marked", "form", "page"
SPLITS: Final = {"train": "Train", "val": "Val"}
SHOWS: Final = {"likely": "Likely errors", "all": "All"}
MARKS: Final = {
    "": "any mark",
    "unmarked": "unmarked",
    "keep": "kept",
    "relabel": "other label",
    "leave-out": "left out",
    "unsure": "unsure",
}
FORMS: Final = {"one": ":material/image:", "grid": ":material/grid_view:"}
LISTED: Final = (
    KEY + "listed"
)  # in the session: what was listed when the filters were chosen, so that a mark takes nothing away
PAGE_SIZE, TILE, CAPTION = 48, 108, 17
ABOUT: Final = {
    "val": "Likely errors come from confident learning on the network's answers; the most suspect label stands first.",
    "train": "Likely errors come from what the network said of each picture while it trained; the most suspect label stands first.",
}
TERMS: Final = {"val": "confident learning", "train": "area under the margin"}
KEPT: Final = "Marks are kept beside the data set, never in its tables. "


@dataclass(frozen=True)
class ReviewView:
    """Which pictures are listed, as the address says it. label: a class's place, None for any; mark: "" for any."""

    show: str
    label: int | None
    mark: str

    def rows(self, desk: Desk, by_row: Mapping[int, Mark]) -> list[int]:
        """The places that it lists, the most suspect first."""
        found = desk.suspects
        order = found.order if self.show == "all" or self.mark not in ("", "unmarked") else found.order[: found.likely]
        if self.label is not None:
            order = order[desk.labels()[order] == self.label]
        if self.mark:
            verdicts = [by_row[row].verdict if row in by_row else "unmarked" for row in desk.rows[order].tolist()]
            order = order[np.array(verdicts, dtype=object) == self.mark]
        listed: list[int] = order.tolist()
        return listed


def view(info: RunInfo, head: DeltaGenerator) -> None:
    """Draw the screen for a run. Raises RunError, DataError, OSError."""
    if not has_answers(info):
        return
    if info.config is not None and info.config.data.shuffle_labels:
        empty(f"{suspects.NONSENSE}.", icon=":material/shuffle:", links=["Runs"])
        return
    with head:
        split = _split(info)
        form = segments("Form", FORMS, bare=True, **address.bound_choice(FORM, list(FORMS), "one", key=KEY + "form"))
    if standin.offer_pictures(info, key="review", rest="Without them there is nothing to look at."):
        return
    if split == "train" and not has_dynamics(info):
        _no_dynamics()
        return
    _screen(info, split, form)


def _no_dynamics() -> None:
    empty(
        "This run noted nothing of its training pictures while it trained. Train a copy of it to review train; val can be reviewed now.",
        step="Review val",
        action=_to_val,
        key=KEY + "val",
        links=["Train"],
    )


def _to_val() -> None:
    address.put(**{SPLIT: "val", marking.PICTURE: None})


def _split(info: RunInfo) -> Split:
    default = "train" if has_dynamics(info) else "val"
    bound = address.bound_choice(SPLIT, list(SPLITS), default, key=KEY + "split", write_default=True)
    write = bound["on_change"]

    def change(*args: object) -> None:
        write(*args)
        address.put(**{marking.PICTURE: None, PAGE: None, LABEL: None})

    return cast(Split, segments("Split", SPLITS, bare=True, **(bound | {"on_change": change})))


@st.fragment
def _screen(info: RunInfo, split: Split, form: str) -> None:
    """All below the title: a mark runs only this again."""
    with guard():
        arrives = KEY + "show" not in st.session_state  # from another page
        desk = open_desk(info, split)
        marks = placed(desk)
        review_view = _filters(desk)
        listed = _listed(desk, review_view, marks.by_row, fresh=arrives or form == "grid")
        _progress(desk, listed, marks)
        if not listed:
            _none_listed(desk, review_view)
        elif form == "grid":
            _grid(desk, listed, marks.by_row)
        else:
            place = _place(desk, listed, marks.by_row)
            one.draw(desk, listed, place, marks.by_row, why_unwritable(Path(desk.folder)))


def _none_listed(desk: Desk, view: ReviewView) -> None:
    is_found = desk.suspects.likely or view.show == "all"
    message, icon = "No picture matches these filters." if is_found else _nothing(desk), ":material/filter_alt_off:"
    empty(message, step="Show all pictures", action=_show_all, key=KEY + "all", icon=icon)


def _nothing(desk: Desk) -> str:
    return f"No label of these {len(desk.rows):,} {desk.split} pictures looks wrong to this network."


def _show_all() -> None:
    address.put(**{SHOW: "all", LABEL: None, MARKED: None, PAGE: None})


def _filters(desk: Desk) -> ReviewView:
    """The controls, set to what the address says; each change is written into the address."""
    k = len(desk.classes)
    label = address.integer(LABEL, low=0, high=k - 1)
    st.session_state[KEY + "label"] = label
    likely = desk.suspects.likely
    shows = {"likely": f"{SHOWS['likely']} · {likely:,}", "all": f"{SHOWS['all']} · {len(desk.rows):,}"}
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="dhc-review-filters"):
        show = segments("Show", shows, bare=True, **address.bound_choice(SHOW, list(SHOWS), "likely", key=KEY + "show"))
        number = np.bincount(desk.labels(), minlength=k)
        with st.container(width=190):
            st.selectbox(
                "Label",
                range(k),
                index=None,
                key=KEY + "label",
                placeholder="any label",
                format_func=lambda c: f"{shorten(desk.classes[c], NAME_LENGTH)} · {number[c]:,}",
                on_change=_save_label,
                label_visibility="collapsed",
            )
        with st.container(width=150):
            mark = st.selectbox(
                "Mark",
                format_func=MARKS.__getitem__,
                label_visibility="collapsed",
                **address.bound_choice(MARKED, list(MARKS), "", key=KEY + "marked"),
            )
    return ReviewView(show, label, mark)


def _save_label() -> None:
    address.put(**{LABEL: st.session_state[KEY + "label"], marking.PICTURE: None, PAGE: None})


def _listed(desk: Desk, view: ReviewView, by_row: Mapping[int, Mark], *, fresh: bool) -> list[int]:
    """What is gone through: as it was when the filters were chosen, so that what is marked stays within reach."""
    key = (desk.info.id, desk.split, desk.pictures.digest, len(desk.rows), view)
    before = st.session_state.get(LISTED)
    if fresh or before is None or before[0] != key:
        before = st.session_state[LISTED] = (key, view.rows(desk, by_row))
    listed: list[int] = before[1]
    return listed


def _place(desk: Desk, listed: Sequence[int], by_row: Mapping[int, Mark]) -> int:
    """The picture in the address; else the first of those listed that has no mark, else the first."""
    row = address.integer(marking.PICTURE, low=0, high=len(desk.pictures.ids) - 1)
    places = {int(of_place): place for place, of_place in enumerate(desk.rows)}
    if row in places:
        return places[row]
    return next((place for place in listed if int(desk.rows[place]) not in by_row), listed[0])


def _progress(desk: Desk, listed: Sequence[int], marks: Placed) -> None:
    """How many of those listed are marked; the marks as CSV; the next step."""
    count = counts(marks.by_row, desk, listed)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="dhc-review-progress"):
        st.progress(count / len(listed) if listed else 0.0, width=160)
        st.caption(f"{count:,} of {len(listed):,} marked{_aside(desk, marks)}", width="content", help=_about(desk))
        if marks_of(desk.folder):
            st.download_button(
                "CSV",
                lambda: review_csv(marks_of(desk.folder)),
                "review.csv",
                "text/csv",
                icon=":material/download:",
                key=KEY + "csv",
                type="tertiary",
                on_click="ignore",
            )
            if not sharing.is_read_only():
                link("Train", text="Train with the review", like=desk.info.id, review="true")


def _about(desk: Desk) -> str:
    return explained(KEPT + ABOUT[desk.split], TERMS[desk.split], "review")


def _aside(desk: Desk, marks: Placed) -> str:
    """What else is to be said of the marks: those without a picture, pictures that are gone."""
    parts = [
        (marks.lost, "mark", "without their picture"),
        (marks.overtaken, "mark", "of labels that have changed since"),
        (desk.gone, "picture", "of this run not there any more"),
    ]
    return "".join(f" · {count_text(count, noun)} {what}" for count, noun, what in parts if count)


def _grid(desk: Desk, listed: Sequence[int], by_row: Mapping[int, Mark]) -> None:
    """One page of the listed pictures; a click opens one."""
    pages = -(-len(listed) // PAGE_SIZE)
    page = address.integer(PAGE, low=1, high=pages) or 1
    part = listed[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    clicked = gallery([_tile(desk, place, by_row) for place in part], key=KEY + "grid", size=TILE, page_size=PAGE_SIZE)
    pager(pages, page, key=KEY + "page", turn=_turn)
    if clicked is not None:
        marking.go(part[clicked], desk)
        address.put(**{FORM: None})
        st.rerun()


def _turn(page: int) -> None:
    address.put(**{PAGE: None if page == 1 else page})


def _tile(desk: Desk, place: int, by_row: Mapping[int, Mark]) -> Tile:
    mark, label = by_row.get(int(desk.rows[place])), desk.label(place)
    said = "" if mark is None else marking.words(mark)
    tone: Tone = "plain" if mark is None or mark.verdict == "unsure" else "good" if mark.verdict == "keep" else "bad"
    caption = f"{shorten(label, CAPTION)}\n{shorten(said, CAPTION)}".strip()
    return Tile(desk.image(place), caption, f"{clean(desk.file(place))}: labelled {clean(label)}", tone=tone)
