"""The Mistakes screen: filters in the address, a grid of pictures, one of them large."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
import streamlit as st

from dhc.analysis.mistakes import select_rows
from dhc.runs.store import RunInfo
from dhc.text import NAME_LENGTH, count_text, percent_text, shorten
from dhc.ui.answers import picture
from dhc.ui.answers.album import tiles
from dhc.ui.answers.subject import Subject, open_subject
from dhc.ui.shell import address
from dhc.ui.shell.frame import link
from dhc.ui.shell.states import empty
from dhc.ui.widgets.controls import class_box, pager, segments
from dhc.ui.widgets.gallery import gallery

PAGE_SIZE = 48
TILE = 108  # CSS pixels
CAPTION_LENGTH = 17  # characters that fit on a line below a tile, so that the percentage is always in sight
SHOW_TITLES = {"mistakes": "Mistakes", "all": "All pictures"}
SORT_TITLES = {"confidence": "By confidence", "loss": "By loss"}
ORDER_TITLES = {"desc": "Highest first", "asc": "Lowest first"}
KEY = "dhc_mistakes_"
LAST = KEY + "last"  # (run, row) of the picture that was large last


@dataclass(frozen=True)
class MistakesView:
    """Which pictures are listed, as the address says it.

    true, predicted: class indices, None for any. low, high: bounds of the confidence in percent.
    """

    true: int | None
    predicted: int | None
    low: int
    high: int
    show: str
    sort: Literal["confidence", "loss"]
    order: str

    @classmethod
    def of_address(cls, k: int) -> MistakesView:
        """The view in the address; whatever does not fit k classes counts as not there."""
        low = address.integer("low", low=0, high=100) or 0
        high = address.integer("high", low=low, high=100)
        return cls(
            true=address.integer("true", low=0, high=k - 1),
            predicted=address.integer("pred", low=0, high=k - 1),
            low=low,
            high=100 if high is None else high,
            show=address.choice("show", list(SHOW_TITLES), "mistakes"),
            sort="loss" if address.choice("sort", list(SORT_TITLES), "confidence") == "loss" else "confidence",
            order=address.choice("order", list(ORDER_TITLES), "desc"),
        )

    def to_address(self) -> None:
        """Write it, on its first page, with no picture open."""
        address.put(
            true=self.true,
            pred=self.predicted,
            low=self.low or None,
            high=None if self.high == 100 else self.high,
            show=None if self.show == "mistakes" else self.show,
            sort=None if self.sort == "confidence" else self.sort,
            order=None if self.order == "desc" else self.order,
            page=None,
            picture=None,
        )

    @property
    def filtered(self) -> bool:
        """Whether it leaves anything out that `show` alone would not."""
        return (self.true, self.predicted, self.low, self.high) != (None, None, 0, 100)

    def rows(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows of `analysis.mistakes.outcomes` that it lists, in its order."""
        return select_rows(
            table,
            true=self.true,
            predicted=self.predicted,
            min_confidence=self.low / 100,
            max_confidence=self.high / 100,
            only_mistakes=self.show == "mistakes",
            sort=self.sort,
            descending=self.order == "desc",
        )


def view(info: RunInfo) -> None:
    """Draw the screen for a run. Raises RunError when it has no predictions that can be read."""
    subject = open_subject(info)
    if subject is None:
        return
    classes, table = subject.predictions.classes, subject.table
    mistakes_view = MistakesView.of_address(len(classes))
    if table["correct"].all() and mistakes_view.show == "mistakes":
        _no_mistakes(len(table))
        return
    _filters(mistakes_view, classes, table)
    rows = mistakes_view.rows(table)
    _count_line(mistakes_view, rows, table)
    if rows.empty:
        icon, key = ":material/filter_alt_off:", KEY + "clear_all"
        empty("No picture matches these filters.", step="Clear the filters", action=_clear, key=key, icon=icon)
        return
    _grid(subject, mistakes_view, rows)


def _no_mistakes(total: int) -> None:
    pictures = count_text(total, "val picture")
    message, icon = f"The network got all {pictures} right: there are no mistakes.", ":material/celebration:"
    empty(message, step="Show all pictures", action=_show_all, key=KEY + "show_all", icon=icon)


def _show_all() -> None:
    address.put(show="all")


def _filters(view: MistakesView, classes: tuple[str, ...], table: pd.DataFrame) -> None:
    """The controls, set to what the address says; each change is written into the address."""
    state, wrong = st.session_state, table[~table["correct"]]
    state[KEY + "true"], state[KEY + "pred"], state[KEY + "confidence"] = (
        view.true,
        view.predicted,
        (view.low, view.high),
    )
    state[KEY + "show"], state[KEY + "sort"], state[KEY + "order"] = view.show, view.sort, view.order
    true, swap, predicted, confidence = st.columns([12, 1.9, 12, 10], gap="small", vertical_alignment="bottom")
    with true:
        _class_box("True class", "true", classes, wrong["true"])
    with swap:
        _swap_button(view)
    with predicted:
        _class_box("Predicted class", "pred", classes, wrong["predicted"])
    key, hint = KEY + "confidence", "Probability of the predicted class"
    confidence.slider("Confidence", 0, 100, key=key, format="%d%%", on_change=_save, help=hint)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        segments("Show", SHOW_TITLES, key=KEY + "show", on_change=_save, bare=True)
        segments("Sort by", SORT_TITLES, key=KEY + "sort", on_change=_save, bare=True)
        segments("Order", ORDER_TITLES, key=KEY + "order", on_change=_save, bare=True)


def _class_box(label: str, name: str, classes: tuple[str, ...], wrong: pd.Series) -> None:
    counts = np.bincount(wrong, minlength=len(classes))

    def count_of(c: int) -> str:
        return f"{shorten(classes[c], NAME_LENGTH)} · {counts[c]} wrong"

    class_box(label, len(classes), name=count_of, key=KEY + name, on_change=_save)


def _swap_button(view: MistakesView) -> None:
    st.button(
        ":material/swap_horiz:",
        key=KEY + "swap",
        help="Swap true and predicted class",
        disabled=view.true is None and view.predicted is None,
        on_click=replace(view, true=view.predicted, predicted=view.true).to_address,
        width="stretch",
    )


def _save() -> None:
    """What the controls say now, into the address."""
    state = st.session_state
    low, high = state[KEY + "confidence"]
    values = {name: state[KEY + name] for name in ("true", "show", "sort", "order")}
    MistakesView(predicted=state[KEY + "pred"], low=low, high=high, **values).to_address()


def _clear() -> None:
    address.put(true=None, pred=None, low=None, high=None, page=None, picture=None)


def _count_line(view: MistakesView, rows: pd.DataFrame, table: pd.DataFrame) -> None:
    wrong, total = int((~table["correct"]).sum()), len(table)
    text = f"**{wrong:,}** of {count_text(total, 'val picture')} are wrong"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"{text}; **{len(rows):,}** match." if view.filtered else f"{text}.", width="content")
        if view.filtered:
            icon = ":material/filter_alt_off:"
            st.button("Clear the filters", key=KEY + "clear", type="tertiary", icon=icon, on_click=_clear)
        if view.true is not None and view.predicted is not None:
            link("Confusion", text="This cell in the matrix", cell=f"{view.true},{view.predicted}")


def _grid(subject: Subject, view: MistakesView, rows: pd.DataFrame) -> None:
    """One page of pictures; a click opens one."""
    pages = -(-len(rows) // PAGE_SIZE)
    page = address.integer("page", low=1, high=pages) or 1
    pager(pages, page, key=KEY + "page_top", turn=_turn)
    page_rows = rows.iloc[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    pictures = page_rows["index"].tolist()
    clicked = gallery(
        tiles(page_rows, subject.album, map(_caption, page_rows.to_dict("records")), judge=view.show == "all"),
        key=KEY + "grid",
        size=TILE,
        page_size=PAGE_SIZE,
        selected_index=_place_of_last(subject.info, pictures),
    )
    pager(pages, page, key=KEY + "page_bottom", turn=_turn)
    if clicked is not None:
        picture.choose(pictures[clicked])
    _large(subject, rows["index"].tolist())


def _place_of_last(info: RunInfo, pictures: list[int]) -> int | None:
    """The place among these pictures of the one that was large last, None without it."""
    run, last = st.session_state.get(LAST, ("", None))
    return pictures.index(last) if run == info.id and last in pictures else None


def _large(subject: Subject, pictures: list[int]) -> None:
    """The picture in the address, large.

    When it is closed, the grid turns to its page and marks it.
    """

    def back(last: int) -> None:
        st.session_state[LAST] = (subject.info.id, last)
        if last in pictures:
            _turn(pictures.index(last) // PAGE_SIZE + 1)

    picture.show(subject, pictures, on_close=back)


def _turn(page: int) -> None:
    address.put(page=None if page == 1 else page, picture=None)


def _caption(row: Mapping[Hashable, Any]) -> str:
    """true → predicted 93%, on two lines"""
    true, predicted = shorten(row["true_name"], CAPTION_LENGTH), shorten(row["predicted_name"], CAPTION_LENGTH)
    return f"{true}\n→ {predicted} {percent_text(row['confidence'])}"
