"""The flip board: what run B fixes, what it breaks, where both are wrong, by picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import streamlit as st

from dhc.analysis.confusion import Order, class_order
from dhc.analysis.flips import BOARD, Flip, cell_mask, flip_masks, matrices
from dhc.data.album import Album
from dhc.figures.flips import difference_heatmap
from dhc.runs.store import RunInfo
from dhc.text import NAME_LENGTH, clean, count_text, percent_text, short_names, shorten
from dhc.ui.answers.album import image_or_blank, open_album
from dhc.ui.answers.matrix import clicked_cell, lay_out
from dhc.ui.answers.pairs import Pair
from dhc.ui.runs.compare import flips_picture
from dhc.ui.runs.compare.flips_picture import PICTURE
from dhc.ui.runs.compare.pair import pick
from dhc.ui.shell import address
from dhc.ui.shell.states import empty, guard
from dhc.ui.widgets.controls import class_box, pager, segments
from dhc.ui.widgets.gallery import Tile, gallery
from dhc.ui.widgets.plot import plot

KEY = "dhc_flips_"
MATRIX, GRID = KEY + "matrix", KEY + "grid"
TAB, TRUE, ANSWER, PAGE, ORDER = "flips_tab", "flips_true", "flips_said", "flips_page", "flips_order"
TITLES: dict[Flip, str] = {
    "fixed": "Fixed by B",
    "broken": "Broken by B",
    "same": "Both wrong the same way",
    "different": "Both wrong differently",
}
ORDER_TITLES: dict[Order, str] = {"similarity": "Similarity", "label": "Label", "frequency": "Frequency"}
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
class BoardView:
    """Which pictures are listed, as the address says it.

    true: class index; answer: that of the class that A or B said; None for any.
    """

    group: Flip
    true: int | None
    answer: int | None

    @classmethod
    def of_address(cls, k: int) -> BoardView:
        """The view in the address; whatever does not fit k classes counts as not there."""
        group = cast(Flip, address.choice(TAB, BOARD, BOARD[0]))
        return cls(group, address.integer(TRUE, low=0, high=k - 1), address.integer(ANSWER, low=0, high=k - 1))

    def to_address(self) -> None:
        """Write it, on its first page, with no picture open."""
        tab = None if self.group == BOARD[0] else self.group
        address.put(**{TAB: tab, TRUE: self.true, ANSWER: self.answer, PAGE: None, PICTURE: None})

    @property
    def cell(self) -> tuple[int, int] | None:
        """The cell of the matrix whose pictures are listed, None where they are not of one cell."""
        return None if self.true is None or self.answer is None else (self.true, self.answer)

    @property
    def filtered(self) -> bool:
        """Whether a class is chosen."""
        return self.true is not None or self.answer is not None


def draw(runs: Sequence[RunInfo]) -> None:
    """The choice of two runs, the difference of their matrices, and the four grids."""
    with guard():
        pair = pick(runs, "flips")
        if pair is not None:
            _board(pair)


@st.fragment
def _board(pair: Pair) -> None:
    """Matrix and grids.

    A click runs only this, and is in the address before anything is drawn.
    """
    with guard():
        _take_click(pair)
        view = BoardView.of_address(len(pair.pairing.classes))
        album = open_album(pair.a, pair.predictions_a)
        matches = cell_mask(pair.pairing, view.true, view.answer)
        by_group = {group: member & matches for group, member in flip_masks(pair.pairing).items()}
        _filters(view, pair.pairing.classes)
        _tabs(pair, view, by_group)
        left, right = st.columns([1, 1], gap="large")
        # The pictures first: whoever clicked a cell waits for them, and the matrix only gets its outline.
        with right:
            rows = _pictures(pair, album, view, np.flatnonzero(by_group[view.group]))
        with left:
            _matrix(pair, view)
        flips_picture.show(pair, album, rows)


def _take_click(pair: Pair) -> None:
    """Put a cell clicked in the matrix into the address, before anything is drawn.

    The tab changes where its grid has no picture of that cell.
    """
    k = len(pair.pairing.classes)
    cell = clicked_cell(MATRIX, k)
    if cell is None:
        return
    now, inside, members = BoardView.of_address(k).group, cell_mask(pair.pairing, *cell), flip_masks(pair.pairing)
    group = next((group for group in (now, *BOARD) if (members[group] & inside).any()), now)
    BoardView(group, *cell).to_address()


def _matrix(pair: Pair, view: BoardView) -> None:
    a, b = matrices(pair.pairing)
    names = short_names(pair.pairing.classes)
    by_order = address.bound_choice(ORDER, list(ORDER_TITLES), "similarity", key=KEY + "order")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("**B minus A**", help=ABOUT, width="content")
        order: Order = segments("Order of classes", ORDER_TITLES, bare=True, **by_order)
    figure = difference_heatmap(a, b, names, class_order(a + b, order), selected=view.cell)
    lay_out(figure, order)
    # Plotly would choose the numbers' colour by the cell's own, as if the page behind a faint one were white.
    figure.update_traces(textfont={"color": "var(--st-text-color)"})
    moved = count_text(int(np.abs(b - a).sum()) // 2, "picture")
    alt = f"Confusion matrix of B minus that of A, {len(names)} classes; {moved} moved to another cell"
    plot(figure, key=MATRIX, height=HEIGHT, alt=alt)


def _tabs(pair: Pair, view: BoardView, by_group: Mapping[Flip, np.ndarray]) -> None:
    """The grids' titles with their counts."""
    titles = {group: f"{TITLES[group]} · {int(by_group[group].sum()):,}" for group in BOARD}
    st.session_state[KEY + "tab"] = view.group
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        segments("Pictures", titles, key=KEY + "tab", on_change=_save, bare=True)
        both = int(by_group["right"].sum())
        of = "more of these" if view.filtered else f"of {count_text(len(pair.pairing.ids), 'shared picture')}"
        st.caption(f"Both are right on {both:,} {of}.", width="content")


def _pictures(pair: Pair, album: Album, view: BoardView, places: np.ndarray) -> list[int]:
    """A page of the shared pictures at these places; returns all of them, as rows of A's."""
    if not len(places):
        message = f"{TITLES[view.group]}: no picture{' of these classes' if view.filtered else ''}."
        step, icon = ("Clear the filters", ":material/filter_alt_off:") if view.filtered else ("", ":material/inbox:")
        empty(message, step=step, action=BoardView(view.group, None, None).to_address, key=KEY + "step", icon=icon)
        return []
    rows: list[int] = pair.pairing.rows_a[places].tolist()
    _grid(pair, album, places, rows)
    return rows


def _filters(view: BoardView, classes: tuple[str, ...]) -> None:
    """The class boxes, set to what the address says; each change is written into the address."""
    st.session_state[KEY + "true"], st.session_state[KEY + "said"] = view.true, view.answer
    short = [shorten(name, NAME_LENGTH) for name in classes]
    true, answer, clear = st.columns([5, 5, 1.4], gap="small", vertical_alignment="bottom")
    for column, label, name in ((true, "True class", "true"), (answer, "Said by A or B", "said")):
        with column:
            class_box(label, len(classes), name=lambda c: short[c], key=KEY + name, on_change=_save)
    with clear:
        st.button(
            ":material/filter_alt_off:",
            key=KEY + "clear",
            help="Clear the filters",
            disabled=not view.filtered,
            width="stretch",
            on_click=BoardView(view.group, None, None).to_address,
        )


def _save() -> None:
    state = st.session_state
    BoardView(state[KEY + "tab"], state[KEY + "true"], state[KEY + "said"]).to_address()


def _grid(pair: Pair, album: Album, places: np.ndarray, rows: Sequence[int]) -> None:
    """One page of pictures; a click opens one."""
    pages = -(-len(places) // PAGE_SIZE)
    page = address.integer(PAGE, low=1, high=pages) or 1
    part = slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE)
    tiles = [_tile(pair, album, place) for place in places[part].tolist()]
    with st.container(height=HEIGHT if len(tiles) > SCROLL_FROM else "content", border=False, key=KEY + "box"):
        clicked = gallery(tiles, key=GRID, size=TILE, page_size=PAGE_SIZE)
    pager(pages, page, key=KEY + "page", turn=_turn)
    if clicked is not None:
        flips_picture.choose(rows[part][clicked])


def _turn(page: int) -> None:
    address.put(**{PAGE: None if page == 1 else page, PICTURE: None})


def _tile(pair: Pair, album: Album, place: int) -> Tile:
    """A shared picture with what it is and what A and B said."""
    pairing = pair.pairing
    true, row_a, row_b = pairing.classes[pairing.true[place]], int(pairing.rows_a[place]), int(pairing.rows_b[place])
    answers = [
        ("A", pairing.classes[pairing.a[place]], percent_text(float(pair.predictions_a.probabilities[row_a].max()))),
        ("B", pairing.classes[pairing.b[place]], percent_text(float(pair.predictions_b.probabilities[row_b].max()))),
    ]
    lines = [
        f"{run} {'✓' if answer == true else shorten(answer, CAPTION_LENGTH)} {sure}" for run, answer, sure in answers
    ]
    caption = "\n".join([shorten(true, CAPTION_LENGTH + 4), *lines])
    words = ", ".join(f"{run} says {clean(answer)} with {sure}" for run, answer, sure in answers)
    return Tile(image_or_blank(album, row_a), caption, f"{clean(str(pairing.ids[place]))}: true {clean(true)}, {words}")
