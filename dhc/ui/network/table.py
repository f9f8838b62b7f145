"""The layers as a table: what each is, what it costs, what it sees, and which share of the time it takes."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dhc.analysis.network import FIELD, FLOPS, field_text, shape_text
from dhc.text import amount_text, count_text
from dhc.ui.network import asked
from dhc.ui.network.asked import Times
from dhc.ui.network.subject import Subject
from dhc.ui.shell import sharing
from dhc.ui.shell.states import guard, loading

KEY = "dhc_network_"
TIMES = KEY + "times"  # in the session: what was measured, by network
TIME = (
    "Each layer is called by itself on a batch of noise, forwards only, with random weights, which take as long. In a whole network, compiled, "
    "small layers cost less than here; and training goes backwards, too."
)
MEASURE = "Measure the share of time"


def totals(subject: Subject) -> str:
    """The whole network in a line."""
    parameters = sum(layer.parameters for layer in subject.layers)
    flops = sum(layer.flops for layer in subject.layers)
    kinds = [layer.kind for layer in subject.layers]
    text = f"{kinds.count('conv')} conv + {kinds.count('dense')} dense · {parameters:,} parameters · {amount_text(flops)} FLOPs a picture"
    return f"{text} · {count_text(subject.classes, 'class')}"


@st.fragment
def draw(subject: Subject) -> None:
    """The table; the times are measured when they are asked for."""
    measured: dict[str, Times] = st.session_state.setdefault(TIMES, {})
    key = f"{subject.classes} {subject.config.model.model_dump_json()}"
    if key in measured:
        times = measured[key]
        total = float(times.seconds.sum()) / times.pictures
        st.caption(
            f"Time: the median of {times.repeats} calls of each layer with {count_text(times.pictures, 'picture')}, on {times.device}; "
            f"{1000 * total:.2f} ms a picture in all.",
            help=TIME,
        )
    elif st.button(MEASURE, icon=":material/timer:", key=KEY + "measure", **sharing.greyed()):
        with guard(), loading("Measuring … the first time Keras starts for it, which takes some seconds"):
            measured[key] = asked.times(subject.config, subject.classes)
            st.rerun(scope="fragment")
    st.dataframe(
        table(subject, measured.get(key)),
        hide_index=True,
        height="content",
        column_config={
            "Layer": st.column_config.TextColumn(pinned=True),
            "Parameters": st.column_config.NumberColumn(format="localized"),
            "FLOPs": st.column_config.NumberColumn(format="compact", help=FLOPS),
            "Sees": st.column_config.TextColumn(help=FIELD),
            "Time": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1, help=TIME),
        },
    )
    if subject.augments:
        st.caption("Augmentation is left out: it changes pictures only while the network trains.")


def table(subject: Subject, times: Times | None = None) -> pd.DataFrame:
    """One row a layer; its share of the time, 0 to 1, where that was measured."""
    rows = pd.DataFrame(
        {
            "Layer": [layer.name for layer in subject.layers],
            "What it does": [layer.words for layer in subject.layers],
            "Output": [shape_text(layer.shape) for layer in subject.layers],
            "Parameters": [layer.parameters for layer in subject.layers],
            "FLOPs": [layer.flops for layer in subject.layers],
            "Sees": [field_text(layer) for layer in subject.layers],
        }
    )
    if times is not None:
        rows["Time"] = times.shares
    return rows
