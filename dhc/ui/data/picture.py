"""One picture of a data set, large: its file, what became of it in reading, its nearest neighbours."""

from __future__ import annotations

import html
from collections.abc import Mapping

import numpy as np
import streamlit as st

from dhc.data.decode import SIZE, Pictures
from dhc.data.formats import PictureError
from dhc.data.layout import Dataset
from dhc.data.originals import original
from dhc.models.knn import nearest
from dhc.text import clean, shorten, size_text
from dhc.ui.answers.album import inline
from dhc.ui.answers.near import NEAREST, NEIGHBOURS
from dhc.ui.answers.picture import LARGE, PICTURE, open_dialog
from dhc.ui.shell import address, session
from dhc.ui.shell.states import error_box, loading


def choose(file: str | None) -> None:
    """Put a picture into the address by its file, or take it out."""
    address.put(**{PICTURE: file})


def row_of_address(pictures: Pictures) -> int | None:
    """The row of the picture in the address, None where there is none of that name."""
    file = st.query_params.get(PICTURE, "")
    rows = np.flatnonzero(pictures.ids == file).tolist() if file else []
    return rows[0] if rows else None


def show(folder: str, split: str, rows: np.ndarray) -> None:
    """Open the picture in the address, if there is one, among those in `rows`, in that order."""
    pictures = session.pictures(folder, split)
    file = st.query_params.get(PICTURE, "")
    if file and row_of_address(pictures) is None:
        error_box(f"There is no readable {split} picture {shorten(file, 80)}; choose another one.")
        return

    def go(row: int | None) -> None:
        choose(None if row is None else str(pictures.ids[row]))

    open_dialog(
        "Picture",
        ":material/image_search:",
        now=lambda: row_of_address(pictures),
        go=go,
        rows=rows.tolist(),
        draw=lambda row: _draw(folder, split, row),
    )


def _draw(folder: str, split: str, row: int) -> None:
    dataset, pictures = session.dataset(folder), session.pictures(folder, split)
    file = str(pictures.ids[row])
    left, right = st.columns([396, 700], gap="medium")
    with left:
        st.html(inline(pictures.x[row], size=LARGE, alt=f"The picture {clean(file)}", title=clean(file)))
    with right:
        st.html(_list(facts(dataset, pictures, split, row)))
        st.button(
            "Its augmentation",
            icon=":material/animation:",
            key="dhc_picture_augment",
            on_click=address.put,
            kwargs={"view": "augmentation"},
        )
        _neighbours(folder, split, row)


def _list(values: Mapping[str, str]) -> str:
    """HTML: names and values side by side."""
    pairs = "".join(
        f"<b>{html.escape(name)}</b><span>{html.escape(clean(value))}</span>" for name, value in values.items()
    )
    grid = "display: grid; grid-template-columns: auto 1fr; gap: 4px 16px; overflow-wrap: anywhere"
    return f'<div style="{grid}">{pairs}</div>'


def facts(dataset: Dataset, pictures: Pictures, split: str, row: int) -> Mapping[str, str]:
    """What is known of a picture, by the names that a person reads."""
    file = str(pictures.ids[row])
    label = {} if pictures.y is None else {"Class": dataset.classes[int(pictures.y[row])]}
    return {"File": file, "Split": split, **label, **_reading(dataset, pictures, file)}


def _reading(dataset: Dataset, pictures: Pictures, file: str) -> Mapping[str, str]:
    """The file as it is, and what was made of it."""
    conversions = list(pictures.conversions.get(file, ()))
    try:
        found = original(dataset, file)
    except (PictureError, OSError) as error:
        as_found = f"not any more: {error}"
    else:
        size = f"{found.width:,} × {found.height:,} pixels"
        as_found = f"{found.format}, {found.channels}, {size}, {size_text(found.bytes)}"
        if (found.width, found.height) != (SIZE, SIZE):
            conversions.append(f"it is resized to {SIZE} × {SIZE}")
        if found.channels != "RGB":
            conversions.append("it becomes RGB")
    return {"As found": as_found, "Converted": "; ".join(conversions) or "nothing"}


def _neighbours(folder: str, split: str, row: int) -> None:
    """The nearest training pictures, whatever their class, without the picture itself."""
    dataset, train = session.dataset(folder), session.pictures(folder, "train")
    image = session.pictures(folder, split).x[row]
    with loading("Comparing with the training pictures …"):
        rows, distances = nearest(image, train.x, NEIGHBOURS + 1)
    others = [(r, d) for r, d in zip(rows.tolist(), distances.tolist(), strict=True) if (split, r) != ("train", row)]
    st.markdown("Nearest training pictures, of any class", help=NEAREST)
    if not others:
        st.caption("There is no other training picture.")
        return
    st.html(_strip(dataset, train, others[:NEIGHBOURS]))


def _strip(dataset: Dataset, train: Pictures, places: list[tuple[int, float]]) -> str:
    """HTML: pictures in a row, each with its class and its distance below."""
    assert train.y is not None
    cells = []
    for row, distance in places:
        file, label = clean(str(train.ids[row])), dataset.classes[int(train.y[row])]
        image = inline(train.x[row], size=80, alt=f"training picture {file}", title=file)
        words = f"{html.escape(shorten(label, 18))}<br>{distance:.2f}"
        cells.append(
            f'<figure style="margin: 0">{image}<figcaption style="font-size: 0.8125rem; padding-top: 3px">{words}'
            "</figcaption></figure>"
        )
    grid = "display: grid; grid-template-columns: repeat(auto-fill, minmax(80px, 110px)); gap: 8px"
    return f'<div style="{grid}">{"".join(cells)}</div>'
