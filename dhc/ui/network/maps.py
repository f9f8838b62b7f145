"""What a layer makes of a picture: its feature maps in a grid, one of them large at a click; of a vector its bars."""

from __future__ import annotations

from typing import cast

import numpy as np
import streamlit as st

from dhc.analysis.maps import Order, order_of, silent, tops
from dhc.analysis.network import NetworkLayer
from dhc.figures import network
from dhc.figures.heat import picture_of
from dhc.text import count_text, counted
from dhc.ui.answers.album import inline
from dhc.ui.network import asked, pictures
from dhc.ui.network.pictures import Shown
from dhc.ui.network.subject import Subject
from dhc.ui.shell import address
from dhc.ui.shell.frame import link
from dhc.ui.shell.states import empty, guard, loading
from dhc.ui.widgets.controls import pager, segments
from dhc.ui.widgets.gallery import Tile, gallery
from dhc.ui.widgets.plot import plot

KEY = "dhc_network_"
PAGE, TILE, LARGE = 48, 72, 320  # maps at once; CSS pixels of one, and of a large one
MOST_PAGES = 100_000
ORDERS = {"strength": "Strongest first", "place": "In order"}
SCALES = {"own": "Own scales", "layer": "One scale"}
WAIT = "Asking the network … the first time Keras starts for it, which takes some seconds"


def draw(subject: Subject, layer: NetworkLayer, epoch: int) -> None:
    """The picture on the left, the layer's output for it on the right."""
    assert subject.info is not None
    left, right = st.columns([1, 4], gap="medium")
    with left, guard():
        shown = pictures.choose(subject.info, epoch)
    with right, guard():
        if shown is None:
            empty(
                "None of the run's val pictures is there any more, so there is none to show to the network.",
                links=["Data"],
            )
            return
        with loading(WAIT):
            values = asked.layer_values(subject, epoch, layer.place, shown.image)
        if values.ndim == 1:
            _vector(layer, values, shown)
        else:
            _maps(layer, values, shown)


def _maps(layer: NetworkLayer, maps: np.ndarray, shown: Shown) -> None:
    by_order = address.bound_choice("order", list(ORDERS), "strength", key=KEY + "order")
    by_scale = address.bound_choice("scale", list(SCALES), "own", key=KEY + "scale")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        order = cast("Order", segments("Order", ORDERS, bare=True, **by_order))
        common = segments("Scale", SCALES, bare=True, **by_scale) == "layer"
    channels, top = order_of(maps, order), tops(maps, common=common)
    st.caption(_scale_text(layer, maps, common=common))
    count = -(-len(channels) // PAGE)
    page = min(address.integer("page", low=1, high=MOST_PAGES) or 1, count)
    page_channels = channels[(page - 1) * PAGE : page * PAGE].tolist()
    tiles = [_tile(maps[..., channel], float(top[channel]), channel) for channel in page_channels]
    click = gallery(tiles, key=f"{KEY}maps_{layer.name}", size=TILE, page_size=PAGE)
    pager(count, page, key=KEY + "maps_pager", turn=lambda number: address.put(page=None if number == 1 else number))
    if click is not None:
        channel = page_channels[click]
        _open(layer, maps[..., channel], float(top[channel]), channel, shown)


def _scale_text(layer: NetworkLayer, maps: np.ndarray, *, common: bool) -> str:
    height, width, count = maps.shape
    sign = "blue is below 0, white 0, red above" if (maps < 0).any() else "black is 0"
    full = (
        f"the full colour {np.abs(maps).max():.3g}, the layer's largest value"
        if common
        else "the full colour each map's own largest value"
    )
    zeros = silent(maps)
    of_zeros = (
        f" {count_text(zeros, 'map')} {'is' if zeros == 1 else 'are'} 0 everywhere for this picture." if zeros else ""
    )
    return f"{layer.name}: {count_text(count, 'map')} of {height}×{width}; {sign}, {full}.{of_zeros}"


def _tile(values: np.ndarray, top: float, channel: int) -> Tile:
    words = f"map {counted(channel)}: from {values.min():.3g} to {values.max():.3g}"
    return Tile(picture_of(values, top), str(counted(channel)), words)


def _open(layer: NetworkLayer, values: np.ndarray, top: float, channel: int, shown: Shown) -> None:
    @st.dialog(f"{layer.name}, map {counted(channel)}", width="large", icon=":material/layers:")
    def dialog() -> None:
        with guard():
            left, right = st.columns(2, gap="medium")
            with left:
                st.html(inline(picture_of(values, top), size=LARGE, alt=f"Map {counted(channel)} of {layer.name}"))
            with right:
                st.html(inline(shown.image, size=LARGE, alt="The picture"))
            share = float((values > 0).mean())
            st.markdown(
                f"From **{values.min():.4g}** to **{values.max():.4g}**, mean {values.mean():.4g}; above 0 in {share:.0%} of its places."
            )
            if layer.has_units:
                link(
                    "Network", text="What this unit responds to most", view="units", layer=layer.name, unit=str(channel)
                )

    dialog()


def _vector(layer: NetworkLayer, values: np.ndarray, shown: Shown) -> None:
    classes = shown.predictions.classes
    names = classes if len(classes) == len(values) and layer.name.startswith("dense") else ()
    active = int((values > 0).sum())
    st.caption(
        f"{layer.name}: {count_text(len(values), 'value')}, {active:,} of them above 0; the largest is {values.max():.4g}."
    )
    figure = network.vector(values, names)
    plot(figure, key=KEY + "vector", height=300, alt=f"Values of {layer.name}", clicks=False)
