"""The flip board: what run B gets right that A did not, what it breaks, and where both are wrong, picture by picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import streamlit as st

from dhc.analysis.confusion import class_order
from dhc.analysis.flips import BOARD, Flip, cell_mask, flip_masks, matrices
from dhc.figures.flips import difference_heatmap
from dhc.runs.store import RunInfo
from dhc.text import NAME_LENGTH, clean, count_text, percent_text, short_names, shorten
from dhc.ui.answers.album import Album, blank, open_album
from dhc.ui.runs.compare import flips_picture
from dhc.ui.runs.compare.flips_picture import PICTURE
from dhc.ui.runs.compare.pair import Pair, pick
from dhc.ui.shell import address
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import guard
from dhc.ui.widgets.gallery import Tile, gallery
from dhc.ui.widgets.plot import plot

KEY = "dhc_flips_"
MATRIX, GRID = KEY + "matrix", KEY + "grid"
TAB, TRUE, SAID, PAGE, ORDER = "flips_tab", "flips_true", "flips_said", "flips_page", "flips_order"
TITLES: dict[Flip, str] = {
    "fixed": "Fixed by B",
    "broken": "Broken by B",
    "same": "Both wrong the same way",
    "different": "Both wrong differently",
}
ORDERS = {"similarity": "Similarity", "label": "Label", "frequency": "Frequency"}
PAGE_SIZE = 36
TILE = 100  # CSS pixels
CAPTION_LENGTH = 15  # characters of a class on a line below a tile
HEIGHT = 640  # CSS pixels of the matrix, and of the grid
SCROLL_FROM = 12  # pictures; more scroll in a box of their own, so that the matrix stays in sight
ABOUT = (
    "B's confusion matrix minus A's on the pictures that both were judged on. Orange: B says so more often; blue: less often. On the "
    "diagonal more is better, beside it worse. A click on a cell, filled or empty, shows its pictures."
)


@dataclass(frozen=True)
class View:
    """What is listed, as the address says it. true: class index; said: the class that A or B said; None for any."""

    group: Flip
    true: int | None
    said: int | None

    @classmethod
    def of_address(cls, k: int) -> View:
        """The view in the address; whatever does not fit k classes counts as not there."""
        group = cast(Flip, address.choice(TAB, BOARD, BOARD[0]))
        return cls(group, address.integer(TRUE, low=0, high=k - 1), address.integer(SAID, low=0, high=k - 1))

    def to_address(self) -> None:
        """Write it, on its first page, with no picture open."""
        tab = None if self.group == BOARD[0] else self.group
        address.put(**{TAB: tab, TRUE: self.true, SAID: self.said, PAGE: None, PICTURE: None})

    @property
    def filtered(self) -> bool:
        """Whether a class is chosen."""
        return self.true is not None or self.said is not None


def draw(runs: Sequence[RunInfo]) -> None:
    """The choice of two runs, the difference of their matrices, and the four grids."""
    with guard():
        pair = pick(runs, "flips")
        if pair is not None:
            _board(pair)


@st.fragment
def _board(pair: Pair) -> None:
    """Matrix and grids. A click runs only this, and is in the address before anything is drawn."""
    with guard():
        _take_click(pair)
        view = View.of_address(len(pair.pairing.classes))
        album = open_album(pair.a, pair.of_a)
        if album.problem:
            st.warning(plain(album.problem), icon=":material/broken_image:")
        keep = cell_mask(pair.pairing, view.true, view.said)
        by_group = {group: member & keep for group, member in flip_masks(pair.pairing).items()}
        _filters(view, pair.pairing.classes)
        _tabs(pair, view, by_group)
        left, right = st.columns([1, 1], gap="large")
        # The pictures first: whoever clicked a cell waits for them, and the matrix only gets its outline.
        with right:
            listed = _pictures(pair, album, view, np.flatnonzero(by_group[view.group]))
        with left:
            _matrix(pair, view)
        flips_picture.show_chosen(pair, album, listed)


def _take_click(pair: Pair) -> None:
    """A click on the matrix, read before anything is drawn, so that all of it shows the cell; a grid without it gives way."""
    k = len(pair.pairing.classes)
    state = st.session_state.get(MATRIX)
    click = None if state is None else state.get("click")
    spot = click.get("customdata") if isinstance(click, Mapping) else None
    if not (isinstance(spot, list) and len(spot) == 2 and all(isinstance(c, int) and 0 <= c < k for c in spot)):
        return
    now, inside, members = View.of_address(k).group, cell_mask(pair.pairing, *spot), flip_masks(pair.pairing)
    filled = [group for group in (now, *BOARD) if (members[group] & inside).any()]
    View(filled[0] if filled else now, spot[0], spot[1]).to_address()


def _matrix(pair: Pair, view: View) -> None:
    a, b = matrices(pair.pairing)
    names = short_names(pair.pairing.classes)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("**B minus A**", help=ABOUT, width="content")
        by = st.segmented_control(
            "Order of classes",
            format_func=ORDERS.__getitem__,
            required=True,
            label_visibility="collapsed",
            **address.bound_choice(ORDER, list(ORDERS), "similarity", key=KEY + "order"),
        )
    order = class_order(a + b, cast("Any", by))
    cell = None if view.true is None or view.said is None else (view.true, view.said)
    figure = difference_heatmap(a, b, names, order, selected=cell)
    figure.update_layout(uirevision=by, margin={"t": 52, "r": 8})
    # Plotly would choose the numbers' colour by the cell's own, as if the page behind a faint one were white.
    figure.update_traces(textfont={"color": "var(--st-text-color)"})
    figure.update_traces(colorbar={"yref": "container", "y": 1, "yanchor": "top", "tickangle": 0, "len": 0.75})
    figure.update_xaxes(constraintoward="left")
    figure.update_yaxes(constraintoward="top")
    moved = int(np.abs(b - a).sum()) // 2
    plot(
        figure, key=MATRIX, height=HEIGHT,
        alt=f"Confusion matrix of B minus that of A, {len(names)} classes; {count_text(moved, 'picture')} moved to another cell",
    )  # fmt: skip


def _tabs(pair: Pair, view: View, by_group: Mapping[Flip, np.ndarray]) -> None:
    """The grids' titles with their counts."""
    st.session_state[KEY + "tab"] = view.group
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.segmented_control(
            "Pictures", BOARD, key=KEY + "tab", required=True, label_visibility="collapsed", on_change=_save,
            format_func=lambda group: f"{TITLES[group]} · {int(by_group[group].sum()):,}", width="content",
        )  # fmt: skip
        both = int(by_group["right"].sum())
        of = "more of these" if view.filtered else f"of {count_text(len(pair.pairing.ids), 'shared picture')}"
        st.caption(f"Both are right on {both:,} {of}.", width="content")


def _pictures(pair: Pair, album: Album, view: View, rows: np.ndarray) -> list[int]:
    """A page of the pictures in these rows of the shared ones; returns all of them, as rows of A's."""
    if not len(rows):
        st.info(_nothing(view), icon=":material/filter_alt_off:" if view.filtered else ":material/inbox:")
        return []
    listed: list[int] = pair.pairing.rows_a[rows].tolist()
    _grid(pair, album, rows, listed)
    return listed


def _nothing(view: View) -> str:
    return f"{TITLES[view.group]}: no picture{' of these classes' if view.filtered else ''}."


def _filters(view: View, classes: tuple[str, ...]) -> None:
    """The class boxes, set to what the address says; each change is written into the address."""
    st.session_state[KEY + "true"], st.session_state[KEY + "said"] = view.true, view.said
    true, said, clear = st.columns([5, 5, 1.4], gap="small", vertical_alignment="bottom")
    for column, label, name in ((true, "True class", "true"), (said, "Said by A or B", "said")):
        with column:
            st.selectbox(
                label, range(len(classes)), index=None, key=KEY + name, placeholder="any class",
                format_func=lambda c: shorten(classes[c], NAME_LENGTH), on_change=_save,
            )  # fmt: skip
    with clear:
        st.button(
            ":material/filter_alt_off:", key=KEY + "clear", help="Clear the filters", disabled=not view.filtered, width="stretch",
            on_click=lambda: View(view.group, None, None).to_address(),
        )  # fmt: skip


def _save() -> None:
    state = st.session_state
    View(state[KEY + "tab"], state[KEY + "true"], state[KEY + "said"]).to_address()


def _grid(pair: Pair, album: Album, rows: np.ndarray, listed: Sequence[int]) -> None:
    """One page of pictures; a click opens one."""
    pages = -(-len(rows) // PAGE_SIZE)
    page = address.integer(PAGE, low=1, high=pages) or 1
    on_page = slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE)
    shown = [_tile(pair, album, row) for row in rows[on_page].tolist()]
    with st.container(height=HEIGHT if len(shown) > SCROLL_FROM else "content", border=False, key=KEY + "box"):
        clicked = gallery(shown, key=GRID, size=TILE)
    if pages > 1:
        # A pagination takes its value only when it is new: so it is a new one for each page.
        key = f"{KEY}page_{pages}_{page}"
        st.pagination(pages, default=page, key=key, on_change=lambda: _turn(st.session_state[key]))
    if clicked is not None:
        address.put(**{PICTURE: listed[on_page][clicked]})


def _turn(page: int) -> None:
    address.put(**{PAGE: None if page == 1 else page, PICTURE: None})


def _tile(pair: Pair, album: Album, row: int) -> Tile:
    """A shared picture with what it is and what A and B said."""
    pairing = pair.pairing
    true = pairing.classes[pairing.true[row]]
    told = [
        (name, pairing.classes[said[row]], float(p.probabilities[at[row]].max()))
        for name, p, said, at in (
            ("A", pair.of_a, pairing.a, pairing.rows_a),
            ("B", pair.of_b, pairing.b, pairing.rows_b),
        )
    ]
    image = album.image(int(pairing.rows_a[row]))
    lines = [
        f"{name} {'✓' if said == true else shorten(said, CAPTION_LENGTH)} {percent_text(sure)}"
        for name, said, sure in told
    ]
    tips = ", ".join(f"{name} says {clean(said)} with {percent_text(sure)}" for name, said, sure in told)
    return Tile(
        blank() if image is None else image,
        "\n".join([shorten(true, CAPTION_LENGTH + 4), *lines]),
        f"{clean(str(pairing.ids[row]))}: true {clean(true)}, {tips}",
    )
