"""What each unit of a layer responds to: the nine val pictures that make it most active, and the units that none does."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dhc.analysis.network import SIDE, NetworkLayer
from dhc.analysis.units import Strongest
from dhc.data.album import Album
from dhc.runs.records import Predictions
from dhc.text import clean, count_text, counted, shorten
from dhc.ui.answers.album import image_or_blank, inline, open_album
from dhc.ui.network import asked
from dhc.ui.network.asked import Scan
from dhc.ui.network.subject import Subject
from dhc.ui.shell import address, session
from dhc.ui.shell.frame import link
from dhc.ui.shell.glossary import explained
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import empty, guard
from dhc.ui.widgets.controls import pager
from dhc.ui.widgets.gallery import Tile, gallery

KEY = "dhc_network_"
SHEET, UNIT = "sheet", "unit"  # in the address: which page of units, and which of them is marked
MOST_SHEETS = 100_000
LOOKING = KEY + "looking"  # in the session: whether the pictures are to be looked through
PAGE, TILE = 24, 108  # units at once; CSS pixels of one's nine pictures
SCALE = 3  # pixels of a large picture for one of its own
MOST_NAMED = 60  # dead units whose numbers are listed
DEAD = "Units whose output is 0 or less at every place of every val picture: they say nothing, and a ReLU among them learns nothing more."


@st.fragment
def draw(subject: Subject, layer: NetworkLayer, epoch: int) -> None:
    """The units of a layer, once every val picture went through the network; that is asked in steps, and can be left at any time."""
    with guard():
        assert subject.info is not None
        if not layer.has_units:
            empty(f"{layer.name} has no units that learn: choose a convolution or a dense layer.")
            return
        predictions = session.predictions(subject.info)
        album = open_album(subject.info, predictions)
        scan = asked.scan(subject, epoch, album)
        if not len(scan.rows):
            empty("None of the run's val pictures is there any more, so there is none to look through.", links=["Data"])
        elif scan.is_whole or _look_through(scan):
            _units(subject, layer, scan, predictions, album)


def _look_through(scan: Scan) -> bool:
    """Offer to look through the pictures, and do so; whether that is done."""
    count = count_text(len(scan.rows), "val picture")
    if not st.session_state.get(LOOKING) and not scan.done:
        st.markdown("Each unit's nine most activating pictures, and those units that no picture makes active.")
        label = f"Look through {count}"
        st.button(label, type="primary", icon=":material/search:", key=KEY + "look", on_click=_agree)
        return False
    bar = st.progress(0.0)
    while not scan.is_whole:
        bar.progress(scan.done / len(scan.rows), f"{scan.done:,} of {count} looked at")
        scan.step()
    bar.empty()
    return True


def _agree() -> None:
    """From now on in this session, networks are looked through as soon as their units are asked for."""
    st.session_state[LOOKING] = True


def _units(subject: Subject, layer: NetworkLayer, scan: Scan, predictions: Predictions, album: Album) -> None:
    strongest = _of_layer(subject, layer, scan.strongest)
    dead = strongest.dead.tolist()
    _say_dead(layer, dead, len(strongest.values), len(scan.rows))
    living = np.flatnonzero(strongest.values[:, 0] > 0).tolist()
    count = max(1, -(-len(living) // PAGE))
    wanted = address.integer(UNIT, low=0, high=len(strongest.values) - 1)
    sheet = address.integer(SHEET, low=1, high=MOST_SHEETS)
    page = min(sheet or (living.index(wanted) // PAGE + 1 if wanted in living else 1), count)
    here = living[(page - 1) * PAGE : page * PAGE]
    tiles = [_tile(layer, strongest, unit, album, predictions) for unit in here]
    selected = here.index(wanted) if wanted in here else None
    click = gallery(tiles, key=f"{KEY}units_{layer.name}", size=TILE, page_size=PAGE, selected_index=selected)
    pager(count, page, key=KEY + "units_pager", turn=lambda number: address.put(**{SHEET: number, UNIT: None}))
    if click is not None:
        _open(layer, strongest, here[click], album, predictions)


def _of_layer(subject: Subject, layer: NetworkLayer, strongest: Strongest) -> Strongest:
    before = sum(other.shape[-1] for other in subject.layers[: layer.place] if other.has_units)
    return strongest.part(before, layer.shape[-1])


def _say_dead(layer: NetworkLayer, dead: list[int], units: int, pictures: int) -> None:
    if not dead:
        st.caption(
            f"{layer.name}: none of its {count_text(units, 'unit')} is dead: each is active on some of {pictures:,} val pictures."
        )
        return
    names = ", ".join(str(counted(unit)) for unit in dead[:MOST_NAMED]) + (
        f" and {len(dead) - MOST_NAMED:,} more" if len(dead) > MOST_NAMED else ""
    )
    st.markdown(
        f"**{len(dead):,} of {count_text(units, 'unit')}** of {layer.name} {'is' if len(dead) == 1 else 'are'} dead, never active on "
        f"{pictures:,} val pictures: {names}.",
        help=explained(DEAD, "dead unit"),
    )


def _tile(layer: NetworkLayer, strongest: Strongest, unit: int, album: Album, predictions: Predictions) -> Tile:
    best = strongest.of(unit)
    name = f"unit {counted(unit)}"
    if layer.shape[-1] == len(predictions.classes) and layer.name.startswith("dense"):
        name = shorten(predictions.classes[unit], 17)
    return Tile(
        nine([image_or_blank(album, row) for row, _, _ in best]), name, f"unit {counted(unit)}, up to {best[0][1]:.4g}"
    )


def nine(images: list[np.ndarray]) -> np.ndarray:
    """(98, 98, 3) uint8: up to nine pictures (64, 64, 3) of half their size in three rows, strongest first."""
    half, gap = SIDE // 2, 1
    sheet = np.full((3 * half + 2 * gap, 3 * half + 2 * gap, 3), 128, np.uint8)
    for number, image in enumerate(images):
        top, left = (half + gap) * (number // 3), (half + gap) * (number % 3)
        sheet[top : top + half, left : left + half] = (
            image.reshape(half, 2, half, 2, 3).mean(axis=(1, 3)).astype(np.uint8)
        )
    return sheet


def _open(layer: NetworkLayer, strongest: Strongest, unit: int, album: Album, predictions: Predictions) -> None:
    @st.dialog(f"{layer.name}, unit {counted(unit)}", width="large", icon=":material/layers:")
    def dialog() -> None:
        with guard():
            columns = st.columns(3)
            for number, (row, value, place) in enumerate(strongest.of(unit)):
                with columns[number % 3]:
                    _large(layer, row, value, place, album, predictions)
            if layer.has_maps and layer.seen < SIDE:
                st.caption("The frame is what the unit sees where it is most active; outside it nothing counts.")

    dialog()


def _large(layer: NetworkLayer, row: int, value: float, place: int, album: Album, predictions: Predictions) -> None:
    name = clean(str(predictions.ids[row]))
    image = framed(image_or_blank(album, row), layer, place)
    st.html(inline(image, size=SCALE * SIDE, alt=f"The picture {name}", title=name))
    st.caption(plain(f"{value:.4g} · {shorten(predictions.classes[int(predictions.y_true[row])], 30)}"))
    link("Network", text="Its feature maps", view="maps", layer=layer.name, picture=str(row))


def framed(image: np.ndarray, layer: NetworkLayer, place: int, scale: int = SCALE) -> np.ndarray:
    """The picture, `scale` times as large, with a frame around what the unit at a place of the layer's map sees."""
    large = image.repeat(scale, axis=0).repeat(scale, axis=1)
    if not layer.has_maps or layer.seen >= SIDE:
        return large
    row, column = divmod(place, layer.shape[1])
    (top, bottom), (left, right) = (layer.field.spans[at] for at in (row, column))
    top, bottom, left, right = (scale * edge for edge in (top, bottom, left, right))
    for inset, color in ((0, (0, 0, 0)), (1, (255, 255, 255)), (2, (255, 255, 255)), (3, (0, 0, 0))):
        part = large[top + inset : bottom - inset, left + inset : right - inset]
        part[[0, -1]] = color
        part[:, [0, -1]] = color
    return large
