"""Pages through all pictures of a data set, by split, class and file name; the view stands in the address."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dhc.data.browse import matching_rows
from dhc.data.decode import Pictures
from dhc.data.layout import Dataset
from dhc.text import count_text, shorten
from dhc.ui.data import picture
from dhc.ui.shell import address, chosen, session
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import empty
from dhc.ui.widgets.controls import class_box, pager, segments
from dhc.ui.widgets.gallery import Tile, gallery

KEY = "dhc_pictures_"
PAGE_SIZE, TILE = 60, 96  # pictures; CSS pixels
CAPTION_LENGTH = 16  # characters that fit on a line below a tile
CLASS = "class"
OF = "of"  # the run whose pictures alone are shown


def draw(folder: str) -> None:
    """Filters, a page of pictures, and the picture in the address, large."""
    dataset = session.dataset(folder)
    split, label, search = _filters(dataset)
    pictures = session.pictures(folder, split)
    rows = _of_run(pictures, _of_chosen(dataset, pictures, matching_rows(pictures, label, search)), split)
    _count_line(pictures, rows, split)
    if not len(rows):
        icon, key = ":material/filter_alt_off:", KEY + "clear"
        empty(f"No {split} picture matches these filters.", step="Clear the filters", action=_clear, key=key, icon=icon)
    else:
        _grid(dataset, pictures, rows)
    picture.show(folder, split, rows)


def _of_chosen(dataset: Dataset, pictures: Pictures, rows: np.ndarray) -> np.ndarray:
    """Only those of the rows whose class is chosen, here or on a screen of answers; all without a choice."""
    classes = chosen.of_address(dataset.classes)
    return rows[np.isin(pictures.y[rows], classes)] if classes and pictures.y is not None else rows


def _of_run(pictures: Pictures, rows: np.ndarray, split: str) -> np.ndarray:
    """Only those of the rows that the run in the address used, with a line that says so; all without such a run."""
    run = session.run_or_none(st.query_params.get(OF) or None)
    if run is None:
        return rows
    used = session.used_pictures(run)
    files = {"train": used.train.files, "val": used.val.files}.get(split, [])
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"Only the pictures that {plain(run.title)} used: {len(files):,} of {split}.", width="content")
        st.button("Show all", key=KEY + "all", type="tertiary", on_click=address.put, kwargs={OF: None, "page": None})
    return rows[np.isin(pictures.ids[rows], np.array(files, dtype=str))]


def split_control(dataset: Dataset, key: str) -> str:
    """The split in the address, and buttons for the others; another one has other pages and pictures."""
    splits = {name: name for name in dataset.splits}
    st.session_state[key] = address.choice("split", list(splits), "train")

    def save() -> None:
        split = st.session_state[key]
        address.put(split=None if split == "train" else split, page=None, picture=None)

    split: str = segments("Split", splits, bare=True, key=key, on_change=save)
    return split


def label_of(dataset: Dataset, pictures: Pictures, row: int) -> str:
    """The name of a picture's class, "" without labels."""
    return "" if pictures.y is None else dataset.classes[int(pictures.y[row])]


def _filters(dataset: Dataset) -> tuple[str, int | None, str]:
    """Split, class and file name that the address asks for, with controls to change them."""
    left, middle, right = st.columns([2, 3, 3], vertical_alignment="bottom")
    with left:
        split = split_control(dataset, KEY + "split")
    labelled = dataset.splits[split].y is not None
    label = address.integer(CLASS, low=0, high=len(dataset.classes) - 1) if labelled else None
    with middle:
        if labelled:
            _class_box(dataset, split, label)
        else:
            st.caption(f"The {split} pictures have no labels.")
    with right:
        search: str = st.text_input(
            "File name",
            placeholder="part of a file name",
            icon=":material/search:",
            **address.bound_text("search", key=KEY + "search", page=None, picture=None),
        )
    return split, label, search


def _class_box(dataset: Dataset, split: str, label: int | None) -> None:
    y = dataset.splits[split].y
    assert y is not None
    counts = np.bincount(y, minlength=len(dataset.classes))
    st.session_state[KEY + CLASS] = label

    def name(c: int) -> str:
        return f"{shorten(dataset.classes[c], 40)} · {counts[c]:,}"

    class_box("Class", len(dataset.classes), name=name, key=KEY + CLASS, on_change=_save_class)


def _save_class() -> None:
    address.put(page=None, picture=None, **{CLASS: st.session_state[KEY + CLASS]})


def _clear() -> None:
    address.put(search=None, page=None, picture=None, **{CLASS: None, OF: None, chosen.CLASSES: None})


def _count_line(pictures: Pictures, rows: np.ndarray, split: str) -> None:
    total = len(pictures.ids)
    text = (
        count_text(total, f"{split} picture") if len(rows) == total else f"{len(rows):,} of {total:,} {split} pictures"
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(text, width="content")
        if pictures.bad:
            st.button(
                f"{len(pictures.bad):,} more cannot be read",
                key=KEY + "bad",
                type="tertiary",
                icon=":material/broken_image:",
                on_click=address.put,
                kwargs={"view": "reading"},
            )


def _grid(dataset: Dataset, pictures: Pictures, rows: np.ndarray) -> None:
    """One page of tiles, the only ones that are encoded; a click opens one."""
    pages = -(-len(rows) // PAGE_SIZE)
    page = address.integer("page", low=1, high=pages) or 1
    pager(pages, page, key=KEY + "page_top", turn=_turn)
    here = rows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE].tolist()
    clicked = gallery([_tile(dataset, pictures, row) for row in here], key=KEY + "grid", size=TILE, page_size=PAGE_SIZE)
    pager(pages, page, key=KEY + "page_bottom", turn=_turn)
    if clicked is not None:
        picture.choose(str(pictures.ids[here[clicked]]))


def _turn(page: int) -> None:
    address.put(page=None if page == 1 else page, picture=None)


def _tile(dataset: Dataset, pictures: Pictures, row: int) -> Tile:
    file, label = str(pictures.ids[row]), label_of(dataset, pictures, row)
    name = file.rpartition("/")[2]
    return Tile(
        pictures.x[row], f"{shorten(label, CAPTION_LENGTH)}\n{shorten(name, CAPTION_LENGTH)}".strip(), tooltip=file
    )
