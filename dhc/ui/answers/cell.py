"""One cell of the confusion matrix: its figures, its pictures, examples of its two classes."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dhc.analysis.mistakes import select_rows
from dhc.text import clean, percent_text
from dhc.ui.answers import picture
from dhc.ui.answers.album import answer_text, both_answers, inline, tiles
from dhc.ui.answers.matrix import KEY, matrix_of
from dhc.ui.answers.subject import Subject
from dhc.ui.shell import address
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import bold
from dhc.ui.widgets.gallery import gallery

CELL = "cell"
MAX_PICTURES = 60  # more are on the Mistakes screen
SCROLL_FROM = 12  # pictures; more scroll in a box of their own, so that the matrix stays in sight
BOX_HEIGHT = 350  # CSS pixels
TILE = 88
EXAMPLES, EXAMPLE = 6, 64  # how many, CSS pixels a side
HINT = "Click a cell of the matrix, filled or empty, or a pair of the list: its pictures appear here."


def of_address(k: int) -> tuple[int, int] | None:
    """The cell in the address, (true, predicted) class index; None where it is not one of k."""
    return address.pair(CELL, below=k)


def choose(i: int, j: int) -> None:
    """Put the cell into the address, and close the picture that may be open."""
    address.put(**{CELL: f"{i},{j}", picture.PICTURE: None})


def draw(subject: Subject, cell: tuple[int, int] | None, other: Subject | None = None) -> list[int]:
    """Draw the title and the pictures of a cell; returns the pictures' rows, the surest first.

    With another run's answers to the same pictures: those that are in the cell of either run.
    """
    if cell is None:
        st.info(HINT, icon=":material/ads_click:")
        return []
    i, j = cell
    table = select_rows(subject.table, true=i, predicted=j, only_mistakes=False)
    _title(subject, i, j, other)
    if other is not None:
        theirs = select_rows(other.table, true=i, predicted=j, only_mistakes=False)["index"]
        table = pd.concat([table, subject.table.loc[theirs[~theirs.isin(table["index"])]]])
    if table.empty:
        st.caption("No val picture is in this cell.")
        return []
    rows: list[int] = table["index"].tolist()
    clicked = _pictures(subject, table.head(MAX_PICTURES), other)
    if len(rows) > MAX_PICTURES:
        which = "most confident" if subject.of_best else "first"
        st.caption(f"The {MAX_PICTURES} {which} of {len(rows):,}.")
    if clicked is not None:
        picture.choose(rows[clicked])
    return rows


def _pictures(subject: Subject, table: pd.DataFrame, other: Subject | None) -> int | None:
    """The pictures of these outcomes; returns the place of the one that was clicked in this run."""
    with st.container(height=BOX_HEIGHT if len(table) > SCROLL_FROM else "content", border=False, key=KEY + "cell"):
        captions = list(map(answer_text, table.to_dict("records")))
        if other is not None:
            captions = both_answers(table, other.table.loc[table["index"]])
        return gallery(tiles(table, subject.album, captions), key=KEY + "pictures", size=TILE)


def _title(subject: Subject, i: int, j: int, other: Subject | None) -> None:
    """What the cell is, its figures, and ways on from here."""
    classes, counts = subject.predictions.classes, matrix_of(subject.predictions, subject.epoch)
    true, predicted = bold(classes[i]), bold(classes[j])
    count, of_true, of_predicted = int(counts[i, j]), int(counts[i].sum()), int(counts[:, j].sum())
    st.markdown(f"#### {true} recognised" if i == j else f"#### {true} taken for {predicted}")
    figures = f"{_of(count, of_true)} with this true class · {_of(count, of_predicted)} with this predicted class"
    if other is not None:
        b = matrix_of(other.predictions, other.epoch)
        figures = f"A: {_of(count, of_true)} of this true class · B: {_of(int(b[i, j]), int(b[i].sum()))}"
    st.caption(figures)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if i != j:
            label, icon = f"The other way round: {counts[j, i]}", ":material/swap_horiz:"
            st.button(label, key=KEY + "swap", icon=icon, on_click=choose, args=(j, i))
        show = {"show": "all"} if i == j else {}
        link("Mistakes", text="Open in Mistakes", true=str(i), pred=str(j), **show)


def _of(count: int, total: int) -> str:
    return f"{count:,} of {total:,} ({percent_text(count / total)})" if total else "0 of 0"


def examples(subject: Subject, cell: tuple[int, int] | None) -> None:
    """Pictures of the true and of the predicted class that the network recognised.

    The names of the classes may be mere numbers.
    """
    if cell is None or cell[0] == cell[1]:
        return
    for column, c in zip(st.columns(2, gap="medium"), cell, strict=True):
        table = select_rows(subject.table, true=c, predicted=c, only_mistakes=False).head(EXAMPLES)
        images = [
            (subject.album.image(row), clean(file)) for row, file in zip(table["index"], table["id"], strict=True)
        ]
        pictures = [inline(image, size=EXAMPLE, alt=file, title=file) for image, file in images if image is not None]
        if pictures:
            grid = f"display: grid; grid-template-columns: repeat(auto-fill, {EXAMPLE}px); gap: 8px"
            column.caption(f"Recognised as {bold(subject.predictions.classes[c])}")
            column.html(f'<div style="{grid}">{"".join(pictures)}</div>')
