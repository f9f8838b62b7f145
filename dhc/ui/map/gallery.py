"""The pictures that a person clicked or enclosed on the map: who they are, small, and one of them large."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dhc.analysis.nearest import nearest_by_features
from dhc.text import clean, count_text, percent_text, shorten
from dhc.ui.answers import picture
from dhc.ui.answers.album import inline
from dhc.ui.map.subject import Mapped
from dhc.ui.shell import address
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import bold, plain
from dhc.ui.widgets.controls import pager
from dhc.ui.widgets.gallery import Tile, gallery
from dhc.ui.widgets.scatter import enclosed

AREA, NEAR, PAGE = "area", "near", "page"
KEY = "dhc_map_"
ALIKE = 23  # pictures shown beside a clicked one
PAGE_SIZE, TILE, CAPTION = 24, 72, 12
MOST_NAMED = 3  # classes of a selection
HINT = (
    "Click a picture to see those that the network finds most like it, or draw a line around some: the button ◌, or Shift and drag. "
    "Drag to move the map, turn the wheel to zoom; close up, the pictures themselves appear."
)


def area_text(corners: Sequence[tuple[int, int]]) -> str:
    """A line as a parameter of the address: ``10_20.30_40.…``."""
    return ".".join(f"{x}_{y}" for x, y in corners)


def area_of_address() -> tuple[tuple[int, int], ...]:
    """The line in the address; () where there is none."""
    text = st.query_params.get(AREA, "")
    try:
        corners = tuple((int(x), int(y)) for x, y in (corner.split("_") for corner in text.split(".")[:50]) if text)
    except ValueError:
        corners = ()
    if text and (len(corners) < 3 or max(abs(number) for corner in corners for number in corner) > 10**6):
        address.refuse({AREA: text}, "which is no line on the map")
        return ()
    return corners


def chosen_rows(mapped: Mapped, table: pd.DataFrame, places: np.ndarray, near: int | None) -> list[int]:
    """The rows of a clicked picture and those most like it, or of those that a line encloses: of the latter the wrong ones first."""
    corners = area_of_address()
    if near is not None:
        pool = table["row"].to_numpy()
        values = np.concatenate([mapped.features.val, mapped.features.train])[pool]
        order, _ = nearest_by_features(mapped.feature(near), values, ALIKE + 1)
        return [near, *(row for row in pool[order[0]].tolist() if row != near)][: ALIKE + 1]
    if not corners:
        return []
    inside = table[enclosed(places[:, 0], places[:, 1], corners)]
    rows: list[int] = inside.sort_values(["correct", "confidence"], ascending=[True, False], kind="stable")[
        "row"
    ].tolist()
    return rows


def draw(mapped: Mapped, rows: list[int], near: int | None) -> None:
    """The chosen pictures; a click opens one."""
    if not rows:
        has_line = bool(st.query_params.get(AREA))
        st.info("The line goes around no picture." if has_line else HINT, icon=":material/ads_click:")
        if has_line:
            _clear_button()
        return
    table = mapped.table.loc[rows]
    _heading(mapped, table, near)
    pages = -(-len(rows) // PAGE_SIZE)
    page = address.integer(PAGE, low=1, high=pages) or 1
    shown = rows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    clicked = gallery(
        _tiles(mapped, shown), key=KEY + "grid", size=TILE, selected_index=0 if near in shown[:1] else None
    )
    pager(pages, page, key=KEY + "page", turn=lambda number: address.put(**{PAGE: None if number == 1 else number}))
    if clicked is not None:
        picture.choose(shown[clicked])


def show(mapped: Mapped, rows: list[int]) -> None:
    """Open the picture in the address, if there is one: of val as Mistakes does, of train with what is known of it."""
    count = len(mapped.table)
    picture.open_dialog(
        "Picture of the map",
        ":material/image_search:",
        now=lambda: address.integer(picture.PICTURE, low=0, high=count - 1),
        go=picture.choose,
        rows=rows,
        draw=lambda row: _large(mapped, row),
    )


def _heading(mapped: Mapped, table: pd.DataFrame, near: int | None) -> None:
    wrong = int((~table["correct"]).sum())
    counts = np.bincount(table["true"], minlength=len(mapped.classes))
    names = [int(c) for c in np.argsort(-counts, kind="stable") if counts[c]]
    most = ", ".join(f"{plain(shorten(mapped.classes[c], 24))} {counts[c]:,}" for c in names[:MOST_NAMED])
    what = "One and those most like it" if near is not None else count_text(len(table), "picture")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{what}**: {wrong:,} wrong", width="content")
        _clear_button()
    st.caption(f"{most}{' …' if len(names) > MOST_NAMED else ''}")
    if wrong and table["val"].any():
        classes = address.listed([mapped.classes[c] for c in names[:MOST_NAMED]])
        link("Mistakes", text="Mistakes of these classes", classes=classes)


def _clear_button() -> None:
    st.button("Clear", key=KEY + "clear", icon=":material/close:", type="tertiary", on_click=clear)


def clear() -> None:
    """Take what was clicked or enclosed out of the address."""
    address.put(**{AREA: None, NEAR: None, PAGE: None})


def _tiles(mapped: Mapped, rows: list[int]) -> list[Tile]:
    records = mapped.table.loc[rows].to_dict("records")
    return [_tile(mapped, record, image) for record, image in zip(records, mapped.images(rows), strict=True)]


def _tile(mapped: Mapped, row: Mapping[Hashable, Any], image: np.ndarray) -> Tile:
    true, answer, sure = mapped.classes[row["true"]], mapped.classes[row["predicted"]], percent_text(row["confidence"])
    split = "val" if row["val"] else "train"
    words = f"{split}: true {clean(true)}, predicted {clean(answer)} with {sure}"
    return Tile(image, shorten(true, CAPTION), words, tone="good" if row["correct"] else "bad")


def _large(mapped: Mapped, row: int) -> None:
    if row < mapped.val:
        mistake = not mapped.table["correct"].iloc[row]
        link("Mistakes", text="This picture on Mistakes", picture=str(row), show="mistakes" if mistake else "all")
        picture.draw(mapped.subject, row)
        return
    left, right = st.columns([396, 700], gap="medium")
    name, sample = clean(mapped.file(row)), row - mapped.val
    with left:
        st.html(inline(mapped.images([row])[0], size=picture.LARGE, alt=f"The picture {name}", title=name))
        st.caption(f"{plain(name)} · a training picture")
    with right:
        true, predicted = (mapped.classes[int(mapped.table[which].iloc[row])] for which in ("true", "predicted"))
        right_answer = ":green[recognised]" if true == predicted else f":red[taken for] {bold(predicted)}"
        st.markdown(f"### {bold(true)} {right_answer}")
        chances = mapped.features.train_probabilities[sample]
        top = [(mapped.classes[c], float(chances[c])) for c in np.argsort(-chances, kind="stable")[:5]]
        picture.top_bars(mapped.classes, top, true=true, key=KEY + "bars")
