"""The Network screen: the drawing, and below it the table, feature maps, first filters, or what units respond to."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dhc.analysis.network import NetworkLayer
from dhc.figures import network
from dhc.models.presets import DEFAULT, PRESETS
from dhc.ui.answers.matrix import click_on
from dhc.ui.network import filters, maps, subject, table, units
from dhc.ui.network.subject import FORM, PLAN, Subject
from dhc.ui.shell import address, session, sharing
from dhc.ui.shell.frame import link
from dhc.ui.shell.pickers import pick_run
from dhc.ui.shell.states import empty
from dhc.ui.train.link import LIKE, PARAMETERS, PRESET
from dhc.ui.widgets.controls import segments
from dhc.ui.widgets.plot import plot, to_json

KEY = "dhc_network_"
DRAWING = KEY + "drawing"
LAYER, VIEW, EPOCH = "layer", "view", "epoch"  # in the address
VIEWS = {"table": "Table", "maps": "Feature maps", "filters": "First filters", "units": "What units respond to"}
EPOCH_HELP = "The network after which epoch: the best one, or one whose state was kept (*Keep a state every* on Train; the last one; before a change)."
ALT = "The network's layers as blocks from left to right; their sides follow height, width and channels. A click chooses a layer."


def view(head: DeltaGenerator) -> None:
    """Draw the screen: of the network in the address that nobody has trained yet, or of a run's. Raises UserError."""
    if PLAN in st.query_params:
        _view_of_address(head)
        return
    if not any(info.has_epochs for info in session.runs()):
        empty(
            "No run has a network yet. The report's can be looked at all the same, layer by layer.",
            step="Look at the report's VGG16",
            page="Network",
            params={PLAN: FORM, PRESET: "report"},
            links=["Train"],
        )
        return
    info = pick_run(head, lambda info: info.has_epochs)
    if info is not None and info.config is not None and not info.config.trains_network:
        empty("This run compares pictures and has no network: choose another one above.", links=["Ladder"])
    elif info is not None:
        _draw(subject.of_run(info))


def _view_of_address(head: DeltaGenerator) -> None:
    """The screen of settings that nobody has trained yet, out of the address. Raises UserError."""
    with head:
        _choose_preset()
        link(
            "Train",
            text="Train it",
            **{name: value for name, value in st.query_params.to_dict().items() if name in PARAMETERS},
        )
    _draw(subject.of_address())


SIDES = (
    "The sides of the blocks grow with the roots of the sizes and of the channels, so that the small ones can be seen."
)


def _choose_preset() -> None:
    """Another preset, whose own settings then count."""
    names = subject.presets()
    key = KEY + "preset"
    if LIKE not in st.query_params:
        st.session_state[key] = address.choice(PRESET, names, DEFAULT)

    def save() -> None:
        others = {name: None for name in PARAMETERS if name in st.query_params}
        address.put(**{**others, PRESET: st.session_state[key], LAYER: None})

    st.selectbox(
        "Preset",
        names,
        key=key,
        index=None,
        placeholder="a run's settings",
        format_func=lambda name: f"{PRESETS[name].title}: {name}",
        on_change=save,
        label_visibility="collapsed",
    )


def _draw(shown: Subject) -> None:
    _follow_click(shown)
    layer = _chosen(shown)
    plot(_figure(shown.layers, layer.place), key=DRAWING, height=network.HEIGHT, alt=ALT)
    st.caption(table.totals(shown), help=SIDES)
    bound = address.bound_choice(VIEW, list(VIEWS), "table", key=KEY + "view")
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        chosen_view = segments("View", VIEWS, bare=True, **bound)
        if chosen_view in ("maps", "units"):
            _layer_box(shown, layer)
        epoch = _epoch(shown) if chosen_view != "table" else shown.best
    if chosen_view == "table":
        table.draw(shown)
    elif _can_be_asked(shown):
        if chosen_view == "maps":
            maps.draw(shown, layer, epoch)
        elif chosen_view == "filters":
            filters.draw(shown, epoch)
        else:
            units.draw(shown, layer, epoch)


def _follow_click(shown: Subject) -> None:
    """Choose the layer whose block was clicked in this run: read before anything is drawn, so that everything shows it."""
    click = click_on(DRAWING)
    place = click.get("customdata") if isinstance(click, Mapping) else None
    if isinstance(place, int) and 0 <= place < len(shown.layers):
        _choose(shown.layers[place].name)


@lru_cache(maxsize=32)
def _figure(layers: tuple[NetworkLayer, ...], chosen: int) -> str:
    return to_json(network.drawing(layers, chosen))


def _chosen(shown: Subject) -> NetworkLayer:
    """The layer in the address, at first the first convolution."""
    names = [layer.name for layer in shown.layers]
    first = next(layer.name for layer in shown.layers if layer.has_units)
    layer = shown.find(address.choice(LAYER, names, first))
    assert layer is not None
    return layer


def _choose(name: str) -> None:
    """Put a layer into the address; what is a place in another layer's list goes."""
    address.put(**{LAYER: name, "page": None, units.SHEET: None, units.UNIT: None})


def _layer_box(shown: Subject, layer: NetworkLayer) -> None:
    key, names = KEY + "layer", [other.name for other in shown.layers]
    st.session_state[key] = layer.name

    def save() -> None:
        if st.session_state[key] in names:
            _choose(st.session_state[key])

    st.selectbox("Layer", names, key=key, on_change=save, label_visibility="collapsed", width=160)


def _epoch(shown: Subject) -> int:
    """The epoch whose network is looked at; a slider where more than one was kept."""
    if len(shown.epochs) < 2:
        if shown.best:
            st.caption(f"The network of epoch {shown.best:,}, the best.", width="content")
        return shown.best
    options = [str(epoch) for epoch in shown.epochs]
    bound = address.bound_choice(EPOCH, options, str(shown.best), key=KEY + "epoch")

    def title(option: str) -> str:
        return f"epoch {int(option):,}, the best" if int(option) == shown.best else f"epoch {int(option):,}"

    return int(
        st.select_slider("Epoch", format_func=title, help=EPOCH_HELP, label_visibility="collapsed", width=320, **bound)
    )


def _can_be_asked(shown: Subject) -> bool:
    """Whether there is a network with weights; what is missing is said."""
    if sharing.is_read_only():
        empty("This view asks no network: open the full dashboard to look inside.", links=["Mistakes"])
    elif shown.info is None:
        empty("Its weights come with training.", step="Go to Train", page="Train", links=["Runs"])
    elif shown.info.example:
        empty(
            "The networks of the example runs were left out for their size: train a run of your own to look inside.",
            step="Go to Train",
            page="Train",
        )
    elif not shown.best:
        empty("There is no network to look into yet: no epoch has ended, or its file was deleted.", links=["Live"])
    else:
        return True
    return False
