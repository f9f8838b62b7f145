"""Which val picture is shown to the network: by its name, or out of the mistakes of which it was surest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from dhc.data.album import Album
from dhc.data.intake import Picture, Refusal, take_one
from dhc.runs.records import Predictions
from dhc.runs.store import RunInfo
from dhc.text import clean, percent_text, quote, shorten
from dhc.ui.answers import yours
from dhc.ui.answers.album import image_or_blank, inline, open_album
from dhc.ui.shell import address, session
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import bold, plain
from dhc.ui.widgets.gallery import Tile, gallery

PICTURE = "picture"  # in the address, as on Mistakes: the row among the run's val pictures
KEY = "dhc_network_"
TYPES = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff"]
LARGEST = 100  # MB of a picture
OWN = "One of yours, in place of a val picture. It is brought to 64×64, stays in memory, and is gone when this tab is closed."
SIDE = 150  # CSS pixels
MISTAKES, SMALL = 8, 44  # offered beside it, and their size


@dataclass(frozen=True, eq=False)
class Shown:
    """The picture that the network is shown, (64, 64, 3) uint8, and the run's answers for its val pictures."""

    image: np.ndarray
    predictions: Predictions


def choose(info: RunInfo, epoch: int) -> Shown | None:
    """Draw the choice, and what the network after that epoch took it for; returns the picture, None where the data set has none of them any more. Raises RunError."""
    predictions = session.predictions(info)
    album = open_album(info, predictions)
    rows = [row for row in range(len(album.ids)) if album.image(row) is not None]
    place = st.container()
    own = _own()
    if own is not None:
        with place:
            st.html(inline(own.x, size=SIDE, alt="Your picture", title=clean(own.name)))
            st.caption(plain(" ".join([clean(own.name), *(f"· {each}" for each in own.conversions)])))
            if own is yours.given():
                icon = ":material/arrow_back:"
                st.button(
                    "Back to the val pictures", icon=icon, key=KEY + "val", type="tertiary", on_click=yours.take_back
                )
        return Shown(own.x, predictions)
    if not rows:
        return None
    worst = _worst(predictions, album)
    row = address.integer(PICTURE, low=0, high=len(album.ids) - 1)
    row = row if row in rows else (worst or rows)[0]
    with place:
        _val_picture(info, album, row, rows, predictions, epoch)
    if worst:
        st.caption("Mistakes that it was surest of")
        tiles = [Tile(image_or_blank(album, at), "", clean(str(album.ids[at]))) for at in worst]
        selected = worst.index(row) if row in worst else None
        click = gallery(tiles, key=KEY + "worst", size=SMALL, selected_index=selected)
        if click is not None and worst[click] != row:
            address.put(**{PICTURE: worst[click]})
            st.rerun()
    return Shown(image_or_blank(album, row), predictions)


def _val_picture(info: RunInfo, album: Album, row: int, rows: list[int], predictions: Predictions, epoch: int) -> None:
    _box(rows, row, predictions)
    name = clean(str(album.ids[row]))
    st.html(inline(image_or_blank(album, row), size=SIDE, alt=f"The picture {name}", title=name))
    _verdict(predictions, row, epoch)
    link("Mistakes", text="Open it on Mistakes", run=info.id, picture=str(row))
    link("Walk", text="Walk through the network", run=info.id, picture=str(row))


def _own() -> Picture | None:
    """A picture of the person's own, dropped here or shown on Predict before; a file that is none is said to be."""
    with st.popover("Your own picture", icon=":material/upload:"):
        file = st.file_uploader("Picture", type=TYPES, key=KEY + "own", max_upload_size=LARGEST, help=OWN)
    if file is None:
        return yours.given()
    taken = take_one((file.name, file.getvalue))
    if isinstance(taken, Refusal):
        st.warning(plain(f"Left out: {quote(taken.name, 60)}: {taken.why}."), icon=":material/broken_image:")
        return None
    return taken


def _box(rows: list[int], row: int, predictions: Predictions) -> None:
    key = KEY + "picture"
    st.session_state[key] = row

    def save() -> None:
        if st.session_state[key] in rows:  # a tab that meets a restarted server sends the label that it last displayed
            address.put(**{PICTURE: st.session_state[key]})

    st.selectbox(
        "Picture",
        rows,
        key=key,
        format_func=lambda at: shorten(clean(str(predictions.ids[at])), 40),
        on_change=save,
        help="A val picture, by its name. In the large picture of Mistakes a link leads here, too.",
    )


def _verdict(predictions: Predictions, row: int, epoch: int) -> None:
    true, said = int(predictions.y_true[row]), int(predictions.predicted_after(epoch)[row])
    is_best = epoch == predictions.best_epoch  # the only epoch whose probabilities are stored
    sure = f", {plain(percent_text(float(predictions.probabilities[row].max())))} sure" if is_best else ""
    name = bold(shorten(predictions.classes[true], 30))
    taken = ":green[recognised]"
    if true != said:
        taken = f":red[taken for] {bold(shorten(predictions.classes[said], 30))}"
    st.markdown(f"{name} {taken}{sure}")


def _worst(predictions: Predictions, album: Album) -> list[int]:
    """Rows of the mistakes that the network was surest of, as far as their pictures are there."""
    wrong = np.flatnonzero(predictions.predicted != predictions.y_true)
    order = wrong[np.argsort(-predictions.probabilities[wrong].max(axis=1), kind="stable")]
    there = (row for row in order.tolist() if album.image(row) is not None)
    return [row for row, _ in zip(there, range(MISTAKES), strict=False)]
