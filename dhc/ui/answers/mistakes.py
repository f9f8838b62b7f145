"""The Mistakes screen: filters in the address, a grid of pictures, one of them large."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dhc.analysis.flips import Flip, masks_of
from dhc.analysis.mistakes import select_rows
from dhc.runs.store import RunInfo
from dhc.text import NAME_LENGTH, count_text, shorten
from dhc.ui.answers import moment, picture, versus
from dhc.ui.answers.album import answer_text, both_answers, tiles
from dhc.ui.answers.subject import Subject, open_subject
from dhc.ui.shell import address, chosen
from dhc.ui.shell.frame import link
from dhc.ui.shell.glossary import explained
from dhc.ui.shell.states import empty
from dhc.ui.widgets.controls import class_box, pager, segments
from dhc.ui.widgets.gallery import gallery

PAGE_SIZE = 48
TILE = 108  # CSS pixels
CAPTION_LENGTH = 17  # characters that fit on a line below a tile, so that the percentage is always in sight
SHOW_TITLES = {"mistakes": "Mistakes", "all": "All pictures"}
FLIP_TITLES: Mapping[str, str] = {  # of `analysis.flips`, where A is compared with B
    "broken": "Right in A, wrong in B",
    "fixed": "Wrong in A, right in B",
    "same": "Wrong in both, alike",
    "different": "Wrong in both, each its way",
}
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
    def of_address(cls, k: int, shows: Sequence[str], *, sure: bool = True) -> MistakesView:
        """The view in the address; whatever does not fit k classes, or is none of `shows`, counts as not there.

        sure: whether the answers' confidence is known; else nothing is filtered or sorted by it.
        """
        low = address.integer("low", low=0, high=100) or 0
        high = address.integer("high", low=low, high=100)
        return cls(
            true=address.integer("true", low=0, high=k - 1),
            predicted=address.integer("pred", low=0, high=k - 1),
            low=low if sure else 0,
            high=high if sure and high is not None else 100,
            show=address.choice("show", shows, "mistakes"),
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

    def rows(self, subject: Subject, other: Subject | None, classes: tuple[int, ...]) -> pd.DataFrame:
        """The rows of `analysis.mistakes.outcomes` that it lists, in its order.

        Only those of which the true or the predicted class is one of `classes`, where there are any.
        """
        table = subject.table
        if self.show in FLIP_TITLES and other is not None:
            table = table[_flips(subject, other)[cast(Flip, self.show)]]
        if classes:
            table = table[table["true"].isin(classes) | table["predicted"].isin(classes)]
        rows = select_rows(
            table,
            true=self.true,
            predicted=self.predicted,
            min_confidence=self.low / 100,
            max_confidence=self.high / 100,
            only_mistakes=self.show == "mistakes",
            sort=self.sort,
            descending=self.order == "desc",
        )
        return rows if subject.of_best else rows.sort_index()


def view(info: RunInfo, head: DeltaGenerator) -> None:
    """Draw the screen for a run; `head` is the place beside the title.

    Raises RunError when the run has no predictions that can be read.
    """
    subject = open_subject(info)
    if subject is None:
        return
    if moment.take_click(subject.predictions):
        st.rerun()
    with head:
        other_info = versus.pick(info)
        classes = chosen.control(subject.predictions.classes)
    other = None
    if other_info is not None:
        pair = versus.beside(subject, other_info)
        if pair is None:
            return
        subject, other = pair
        st.caption(" — ".join(versus.headings(subject, other)))
    _screen(subject, other, classes)


def _screen(subject: Subject, other: Subject | None, classes: tuple[int, ...]) -> None:
    names, table = subject.predictions.classes, subject.table
    shows = [*SHOW_TITLES, *(FLIP_TITLES if other else ())]
    mistakes_view = MistakesView.of_address(len(names), shows, sure=subject.of_best)
    if table["correct"].all() and mistakes_view.show == "mistakes" and other is None:
        _no_mistakes(len(table))
        moment.slider(subject.info, subject.predictions, subject.epoch)
        return
    _filters(mistakes_view, subject, other)
    rows = mistakes_view.rows(subject, other, classes)
    _count_line(mistakes_view, rows, table, classes)
    if rows.empty:
        icon, key = ":material/filter_alt_off:", KEY + "clear_all"
        empty("No picture matches these filters.", step="Clear the filters", action=_clear, key=key, icon=icon)
        return
    _grid(subject, mistakes_view, rows, other)


def _flips(a: Subject, b: Subject) -> dict[Flip, np.ndarray]:
    return masks_of(a.table["true"].to_numpy(), a.table["predicted"].to_numpy(), b.table["predicted"].to_numpy())


def _no_mistakes(total: int) -> None:
    pictures = count_text(total, "val picture")
    message, icon = f"The network got all {pictures} right: there are no mistakes.", ":material/celebration:"
    empty(message, step="Show all pictures", action=_show_all, key=KEY + "show_all", icon=icon)


def _show_all() -> None:
    address.put(show="all")


def _filters(view: MistakesView, subject: Subject, other: Subject | None) -> None:
    """The controls, set to what the address says; each change is written into the address."""
    state, wrong, classes = st.session_state, subject.table[~subject.table["correct"]], subject.predictions.classes
    state[KEY + "true"], state[KEY + "pred"] = view.true, view.predicted
    state[KEY + "show"], state[KEY + "sort"], state[KEY + "order"] = view.show, view.sort, view.order
    true, swap, predicted, confidence, epochs = st.columns(
        [10, 2.4, 10, 8, 10], gap="small", vertical_alignment="bottom"
    )
    with true:
        _class_box("True class", "true", classes, wrong["true"])
    with swap:
        _swap_button(view)
    with predicted:
        _class_box("Predicted class", "pred", classes, wrong["predicted"])
    if subject.of_best:
        state[KEY + "confidence"] = (view.low, view.high)
        key, hint = KEY + "confidence", explained("Probability of the predicted class.", "confidence")
        confidence.slider("Confidence", 0, 100, key=key, format="%d%%", on_change=_save, help=hint)
    else:
        confidence.caption("A run stores how sure it was after its best epoch only.")
    with epochs:
        moment.slider(subject.info, subject.predictions, subject.epoch)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        _show_control(subject, other)
        if subject.of_best:
            segments("Sort by", SORT_TITLES, key=KEY + "sort", on_change=_save, bare=True)
            segments("Order", ORDER_TITLES, key=KEY + "order", on_change=_save, bare=True)
        moment.say_epoch(subject.predictions, subject.epoch)


def _show_control(subject: Subject, other: Subject | None) -> None:
    """Mistakes or all; of two runs also those that only one got right, with their counts."""
    if other is None:
        segments("Show", SHOW_TITLES, key=KEY + "show", on_change=_save, bare=True)
        return
    masks = _flips(subject, other)
    counts = {flip: int(masks[cast(Flip, flip)].sum()) for flip in FLIP_TITLES}
    titles = {"mistakes": "Mistakes of A", "all": "All pictures"}
    titles |= {flip: f"{title} · {counts[flip]:,}" for flip, title in FLIP_TITLES.items()}
    key, show = KEY + "show", list(titles)
    st.selectbox(
        "Show", show, key=key, format_func=titles.__getitem__, on_change=_save, label_visibility="collapsed", width=280
    )


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
    low, high = state.get(KEY + "confidence", (0, 100))
    values = {name: state[KEY + name] for name in ("true", "show")}
    sorting = {name: state.get(KEY + name, default) for name, default in (("sort", "confidence"), ("order", "desc"))}
    MistakesView(predicted=state[KEY + "pred"], low=low, high=high, **values, **sorting).to_address()


def _clear() -> None:
    address.put(true=None, pred=None, low=None, high=None, page=None, picture=None, **{chosen.CLASSES: None})


def _count_line(view: MistakesView, rows: pd.DataFrame, table: pd.DataFrame, classes: tuple[int, ...]) -> None:
    wrong, total = int((~table["correct"]).sum()), len(table)
    text = f"**{wrong:,}** of {count_text(total, 'val picture')} are wrong"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        filtered = view.filtered or bool(classes) or view.show in FLIP_TITLES
        st.markdown(f"{text}; **{len(rows):,}** match." if filtered else f"{text}.", width="content")
        if view.filtered or classes:
            icon = ":material/filter_alt_off:"
            st.button("Clear the filters", key=KEY + "clear", type="tertiary", icon=icon, on_click=_clear)
        if view.true is not None and view.predicted is not None:
            link("Confusion", text="This cell in the matrix", cell=f"{view.true},{view.predicted}")


def _grid(subject: Subject, view: MistakesView, rows: pd.DataFrame, other: Subject | None) -> None:
    """One page of pictures; a click opens one."""
    pages = -(-len(rows) // PAGE_SIZE)
    page = address.integer("page", low=1, high=pages) or 1
    pager(pages, page, key=KEY + "page_top", turn=_turn)
    page_rows = rows.iloc[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    pictures = page_rows["index"].tolist()
    captions = list(map(_caption, page_rows.to_dict("records")))
    if other is not None:
        names = [shorten(name, CAPTION_LENGTH) for name in page_rows["true_name"]]
        answers = both_answers(page_rows, other.table.loc[page_rows["index"]], CAPTION_LENGTH - 6)
        captions = [f"{name}\n{both}" for name, both in zip(names, answers, strict=True)]
    clicked = gallery(
        tiles(page_rows, subject.album, captions, judge=view.show == "all"),
        key=KEY + "grid",
        size=TILE,
        page_size=PAGE_SIZE,
        selected_index=_place_of_last(subject.info, pictures),
    )
    pager(pages, page, key=KEY + "page_bottom", turn=_turn)
    if clicked is not None:
        picture.choose(pictures[clicked])
    _large(subject, rows["index"].tolist(), other)


def _place_of_last(info: RunInfo, pictures: list[int]) -> int | None:
    """The place among these pictures of the one that was large last, None without it."""
    run, last = st.session_state.get(LAST, ("", None))
    return pictures.index(last) if run == info.id and last in pictures else None


def _large(subject: Subject, pictures: list[int], other: Subject | None) -> None:
    """The picture in the address, large.

    When it is closed, the grid turns to its page and marks it.
    """

    def back(last: int) -> None:
        st.session_state[LAST] = (subject.info.id, last)
        if last in pictures:
            _turn(pictures.index(last) // PAGE_SIZE + 1)

    picture.show(subject, pictures, on_close=back, other=other)


def _turn(page: int) -> None:
    address.put(page=None if page == 1 else page, picture=None)


def _caption(row: Mapping[Hashable, Any]) -> str:
    """true → predicted 93%, on two lines"""
    true, predicted = shorten(row["true_name"], CAPTION_LENGTH), shorten(row["predicted_name"], CAPTION_LENGTH)
    return f"{true}\n→ {predicted} {answer_text(row)}".strip()
