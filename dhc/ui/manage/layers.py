"""The health strip: how a network's layers fare, epoch by epoch, and one layer's histograms on a click."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from dhc.analysis.layers import LayerTable, layer_table
from dhc.errors import RunError
from dhc.figures import layers
from dhc.runs import rundir
from dhc.runs.histograms import Histograms, read_histograms
from dhc.runs.records import History
from dhc.runs.store import RunInfo
from dhc.text import shorten
from dhc.ui.shell import guide
from dhc.ui.shell.frame import link
from dhc.ui.shell.glossary import explained
from dhc.ui.shell.markdown import bold
from dhc.ui.shell.session import PATHS, stamp
from dhc.ui.shell.states import empty, error_box
from dhc.ui.widgets.plot import plot, to_json

KEY = "dhc_layers_"
TITLE = "Health of the layers"
NONE = "No look at the layers yet: the first epoch must end. Runs of earlier versions, and those with *Look at the layers* off, have none."
HELP = (
    "A look at each layer after an epoch, on a few training pictures without augmentation. Update ratio: how much a step changed the weights at "
    "the epoch's end, blue below a thousandth, orange above. Gradient norm, spread: more colour is more, by powers of ten. Dead units: ReLUs that "
    "are 0 on all these pictures. Softmax: mean largest probability, blue, and share of pictures above 0.99, orange. Click a cell for its histograms."
)
TERMS = ("update ratio", "dead unit", "vanishing and exploding gradients")
HEIGHT = 230  # CSS pixels of the histograms
WIDE, NARROW = 6, 3  # heatmaps in a row: of one run, of one of two side by side
Limits = tuple[tuple[str, tuple[float, float]], ...]


def fold(info: RunInfo, history: History) -> None:
    """The strip of one run behind a line that opens it; closed it costs nothing."""
    box = st.expander(TITLE, icon=":material/monitor_heart:", key=KEY + "box", on_change="rerun")
    if not box.open:
        return
    with box:
        draw([(info, history)])


@st.fragment
def draw(runs: Sequence[tuple[RunInfo, History]]) -> None:
    """The strips of one run or of two, side by side and in the same colours."""
    tables = [layer_table(history) for _, history in runs]
    sound = tuple(table for table in tables if table is not None)
    if not sound:
        empty(NONE)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            "Of each layer: the first epochs, then a look now and again. Click a cell for its histograms.",
            help=explained(HELP, *TERMS),
            width="content",
        )
        guide.draw("health")
    ends = tuple(layers.limits(sound).items())
    cell_key = (
        KEY + "cell_" + ",".join(info.id for info, _ in runs)
    )  # one for both, so that the same layer of both is compared
    places = st.columns(len(runs), gap="medium") if len(runs) > 1 else [st.container()]
    for place, (info, history), table in zip(places, runs, tables, strict=True):
        with place:
            if len(runs) > 1:
                st.markdown(bold(shorten(info.title, 60)))
            if table is None:
                empty(NONE)
            else:
                _strip(info, history, table, ends, WIDE if len(runs) == 1 else NARROW, cell_key)


def _strip(info: RunInfo, history: History, table: LayerTable, ends: Limits, columns: int, key: str) -> None:
    state = st.session_state
    figure = _drawn(table_key(info, history), ends, columns, state.get(key), table)
    alt = "Heatmaps of the layers by epoch: update ratio, gradient norm, dead units, mean, spread; and the softmax"
    click = plot(figure, key=f"layers-{info.id}", height=layers.height(table, columns), alt=alt)
    if click is not None and click["y"] in table.names and click["customdata"] in table.epochs:
        state[key] = (str(click["y"]), int(click["customdata"]))
        st.rerun(scope="fragment")
    if state.get(key) is not None:
        _histograms(info, history, state[key])


def _histograms(info: RunInfo, history: History, cell: tuple[str, int]) -> None:
    layer, epoch = cell
    try:
        histograms = _read(info.folder, stamp(info.folder / rundir.HEALTH)).up_to(int(history.health["epoch"].max()))
    except RunError as error:
        error_box(str(error))
        return
    if layer not in histograms.layers or not histograms.epochs:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{layer}** after epoch {epoch}, beside the first, the best and the last look", width="content")
        link("Network", text="Look at this layer", run=info.id, layer=layer, view="maps")
    figure = layers.histogram(histograms, layer, compared(histograms, epoch, history.best_epoch))
    plot(figure, key=f"layer-{info.id}", height=HEIGHT, alt=f"Weights and activations of {layer}", clicks=False)


def compared(histograms: Histograms, epoch: int, best: int | None) -> dict[str, int]:
    """The epochs whose histograms are drawn, by name, each once: the nearest one kept to each that is asked for."""
    asked = {"this one": epoch, "first": 1, "best": best or epoch, "last": histograms.epochs[-1]}
    names: dict[int, list[str]] = {}
    for name, number in asked.items():
        names.setdefault(histograms.epochs[histograms.nearest(number)], []).append(name)
    return {" and ".join(own): number for number, own in names.items()}


def table_key(info: RunInfo, history: History) -> tuple[str, int, int]:
    """Changes whenever the run's table has something new."""
    return info.id, len(history.health), int(history.health["epoch"].iloc[-1])


@st.cache_resource(show_spinner=False, max_entries=8)
def _drawn(
    table_key: tuple[str, int, int], ends: Limits, columns: int, cell: tuple[str, int] | None, _table: LayerTable
) -> str:
    return to_json(layers.strip(_table, dict(ends), columns, cell))


@st.cache_resource(show_spinner=False, max_entries=4, hash_funcs=PATHS)
def _read(folder: Path, stamp: tuple[int, int]) -> Histograms:
    return read_histograms(folder)
