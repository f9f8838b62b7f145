"""The Mistakes screen: filters that stand in the address, a grid of pictures, one of them large."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import streamlit as st

from dhc.analysis.mistakes import select
from dhc.runs.store import RunInfo
from dhc.text import NAME_LENGTH, count_text, percent_text, shorten
from dhc.ui.answers import picture
from dhc.ui.answers import subject as fresh
from dhc.ui.answers.album import tiles
from dhc.ui.answers.subject import Subject
from dhc.ui.shell import address
from dhc.ui.shell.frame import link
from dhc.ui.shell.states import empty
from dhc.ui.widgets.gallery import gallery

PAGE_SIZE = 48
TILE = 108  # CSS pixels
CAPTION_LENGTH = 17  # characters that fit on a line below a tile, so that the percentage is always in sight
SHOWN = {"mistakes": "Mistakes", "all": "All pictures"}
SORTED = {"confidence": "By confidence", "loss": "By loss"}
ORDERED = {"desc": "Highest first", "asc": "Lowest first"}
KEY = "dhc_mistakes_"
LAST = KEY + "last"


@dataclass(frozen=True)
class View:
    """What is listed, as the address says it. true, predicted: class indices, None for any. low, high: percent."""

    true: int | None
    predicted: int | None
    low: int
    high: int
    show: str
    sort: Literal["confidence", "loss"]
    order: str

    @classmethod
    def of_address(cls, k: int) -> View:
        """The view in the address; whatever does not fit k classes counts as not there."""
        low = address.integer("low", low=0, high=100) or 0
        high = address.integer("high", low=low, high=100)
        return cls(
            true=address.integer("true", low=0, high=k - 1),
            predicted=address.integer("pred", low=0, high=k - 1),
            low=low,
            high=100 if high is None else high,
            show=address.choice("show", list(SHOWN), "mistakes"),
            sort="loss" if address.choice("sort", list(SORTED), "confidence") == "loss" else "confidence",
            order=address.choice("order", list(ORDERED), "desc"),
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
        return select(
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
    subject = fresh.subject(info)
    if subject is None:
        return
    p, table = subject.predictions, subject.table
    if table["correct"].all() and address.choice("show", list(SHOWN), "mistakes") == "mistakes":
        _no_mistakes(len(table))
        return
    chosen = View.of_address(len(p.classes))
    _filters(chosen, p.classes, table)
    rows = chosen.rows(table)
    _count_line(chosen, rows, table, p.classes)
    if rows.empty:
        with st.container(horizontal_alignment="center"):
            empty("No picture matches these filters.", icon=":material/filter_alt_off:")
            st.button("Clear the filters", key=KEY + "clear_all", icon=":material/filter_alt_off:", on_click=_clear)
        return
    _grid(subject, chosen, rows)


def _no_mistakes(total: int) -> None:
    empty(
        f"The network got all {count_text(total, 'val picture')} right: there are no mistakes.",
        icon=":material/celebration:",
    )
    with st.container(horizontal_alignment="center"):
        st.button("Show all pictures", key=KEY + "show_all", on_click=address.put, kwargs={"show": "all"})


def _filters(chosen: View, classes: tuple[str, ...], table: pd.DataFrame) -> None:
    """The controls, set to what the address says; each change is written into the address."""
    wrong = table[~table["correct"]]
    values: dict[str, Any] = {
        "true": chosen.true, "pred": chosen.predicted, "confidence": (chosen.low, chosen.high),
        "show": chosen.show, "sort": chosen.sort, "order": chosen.order,
    }  # fmt: skip
    for name, value in values.items():
        st.session_state[KEY + name] = value
    true, swap, predicted, confidence = st.columns([12, 1.9, 12, 10], gap="small", vertical_alignment="bottom")
    with true:
        _class_box("True class", "true", classes, wrong["true"])
    with swap:
        st.button(":material/swap_horiz:", key=KEY + "swap", on_click=_swap, args=(chosen,),
                  help="Swap true and predicted class", disabled=chosen.true is None and chosen.predicted is None, width="stretch")  # fmt: skip
    with predicted:
        _class_box("Predicted class", "pred", classes, wrong["predicted"])
    with confidence:
        st.slider("Confidence", 0, 100, key=KEY + "confidence", format="%d%%", on_change=_save,
                  help="Probability of the predicted class")  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        for label, name, options in (("Show", "show", SHOWN), ("Sort by", "sort", SORTED), ("Order", "order", ORDERED)):
            st.segmented_control(
                label, list(options), key=KEY + name, format_func=options.__getitem__, required=True, on_change=_save,
                label_visibility="collapsed",
            )  # fmt: skip


def _class_box(label: str, name: str, classes: tuple[str, ...], wrong: pd.Series) -> None:
    counts = np.bincount(wrong, minlength=len(classes))
    st.selectbox(
        label,
        range(len(classes)),
        index=None,
        key=KEY + name,
        placeholder="any class",
        format_func=lambda c: f"{shorten(classes[c], NAME_LENGTH)} · {counts[c]} wrong",
        on_change=_save,
    )


def _save() -> None:
    """What the controls say now, into the address."""
    state = st.session_state
    low, high = state[KEY + "confidence"]
    View(
        state[KEY + "true"],
        state[KEY + "pred"],
        low,
        high,
        state[KEY + "show"],
        state[KEY + "sort"],
        state[KEY + "order"],
    ).to_address()


def _swap(chosen: View) -> None:
    View(chosen.predicted, chosen.true, chosen.low, chosen.high, chosen.show, chosen.sort, chosen.order).to_address()


def _clear() -> None:
    address.put(true=None, pred=None, low=None, high=None, page=None, picture=None)


def _count_line(chosen: View, rows: pd.DataFrame, table: pd.DataFrame, classes: tuple[str, ...]) -> None:
    wrong, total = int((~table["correct"]).sum()), len(table)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        text = f"**{wrong:,}** of {count_text(total, 'val picture')} are wrong"
        st.markdown(f"{text}; **{len(rows):,}** match." if chosen.filtered else f"{text}.", width="content")
        if chosen.filtered:
            st.button(
                "Clear the filters",
                key=KEY + "clear",
                type="tertiary",
                icon=":material/filter_alt_off:",
                on_click=_clear,
            )
        if chosen.true is not None and chosen.predicted is not None:
            link("Confusion", text="This cell in the matrix", cell=f"{chosen.true},{chosen.predicted}")


def _grid(subject: Subject, chosen: View, rows: pd.DataFrame) -> None:
    """One page of pictures; a click opens one."""
    pages = -(-len(rows) // PAGE_SIZE)
    page = address.integer("page", low=1, high=pages) or 1
    listed = rows["index"].tolist()
    if pages > 1:
        _pager("top", pages, page)
    shown = rows.iloc[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    on_page = shown["index"].tolist()
    run, marked = st.session_state.get(LAST, ("", None))
    clicked = gallery(
        tiles(shown, subject.album, map(_caption, shown.to_dict("records")), judge=chosen.show == "all"),
        key=KEY + "grid",
        size=TILE,
        selected=on_page.index(marked) if run == subject.info.id and marked in on_page else None,
    )
    if pages > 1:
        _pager("bottom", pages, page)
    if clicked is not None:
        picture.choose(on_page[clicked])

    def back(last: int) -> None:
        st.session_state[LAST] = (subject.info.id, last)
        if last in listed:
            _turn(listed.index(last) // PAGE_SIZE + 1)

    picture.show_chosen(subject, listed, on_close=back)


def _pager(where: str, pages: int, page: int) -> None:
    # A page that changed elsewhere (the other pager, a filter, the address) must show here too, and a pagination takes its
    # value only when it is new: so it is a new one for each page.
    key = f"{KEY}page_{where}_{pages}_{page}"
    st.pagination(pages, default=page, key=key, on_change=lambda: _turn(st.session_state[key]))


def _turn(page: int) -> None:
    address.put(page=None if page == 1 else page, picture=None)


def _caption(row: Mapping[Hashable, Any]) -> str:
    """true → predicted 93%, on two lines"""
    true, predicted = shorten(row["true_name"], CAPTION_LENGTH), shorten(row["predicted_name"], CAPTION_LENGTH)
    return f"{true}\n→ {predicted} {percent_text(row['confidence'])}"
