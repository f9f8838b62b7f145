"""The Predict screen: pictures in, answers out, of one run or of several beside one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dhc.analysis.asked import Answers
from dhc.data.intake import Intake
from dhc.runs import rundir
from dhc.runs.naming import titles
from dhc.runs.store import RunInfo
from dhc.text import shorten
from dhc.ui.answers.look import has_network
from dhc.ui.predict import asking, intake, like, many, one
from dhc.ui.shell import address, guide, session, sharing
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.pickers import offered
from dhc.ui.shell.states import empty, loading

WITH = "with"  # in the address: the runs beside the first
KEY = "dhc_predict_with"
MIRROR = "mirror"  # in the address: whether each picture is asked together with its mirror image
MIRROR_HELP = (
    "Each picture is asked twice, as it is and with left and right exchanged, and the mean of both answers counts. Such answers "
    "compare only with their like: a run's val_accuracy is without."
)
MOST_BESIDE = 3


def view(info: RunInfo, head: DeltaGenerator) -> None:
    """Draw the screen for a run that has a network. Raises UserError, HelperError, OSError."""
    if sharing.is_read_only():
        empty(
            "This view takes no pictures: open the full dashboard to ask a network about your own.", links=["Mistakes"]
        )
        return
    if not has_network(info):
        empty(_without_network(info), links=["Runs", "Train"])
        return
    with head:
        infos = [info, *_beside(info)]
    for each in infos:
        asking.warm(each)
    left, right = st.columns([2, 5], gap="large")
    with left:
        pictures = intake.pictures()
        like.offer(infos)
        mirror = st.toggle(
            "With the mirror image", help=MIRROR_HELP, **address.bound_flag(MIRROR, key="dhc_predict_mirror")
        )
        guide.draw("your-own-pictures")
    with right:
        if not pictures.pictures:
            empty(
                "Drop a picture on the left, or paste one, and the network says what it takes it for.",
                icon=":material/add_photo_alternate:",
            )
            return
        with loading("Asking the network … the first time Keras starts for it, which takes some seconds"):
            pictures, said = _ask(infos, pictures, mirror)
        if len(pictures.pictures) == 1:
            one.draw(infos, pictures, said, 0)
        else:
            many.draw(infos, pictures, said)


def _without_network(info: RunInfo) -> str:
    """Why a run that an address named cannot be asked, as Markdown."""
    if not info.trains_network:
        return "This run compares pictures and has no network to ask: choose another one above."
    if info.search is not None:
        return "This run looked for a learning rate and kept no network: choose another one above."
    if info.example:
        return "The networks of the example runs were left out for their size: train a run of your own to ask it."
    return plain(f"The network of this run, {rundir.BEST}, is not there: no epoch has ended, or it was deleted.")


def _beside(info: RunInfo) -> list[RunInfo]:
    """Draw the choice of further runs; returns them."""
    able = [each for each in session.runs() if each.id != info.id and has_network(each)]
    others = {each.id: each for each in offered(able, address.words(WITH))}
    if not others:
        return []
    names = titles([info, *others.values()])
    bound = address.bound_items(WITH, list(others), key=KEY)
    st.multiselect(
        "Beside it",
        format_func=lambda run_id: shorten(names[run_id], 44),
        placeholder="Ask other runs, too …",
        max_selections=MOST_BESIDE,
        label_visibility="collapsed",
        **bound,
    )
    return [others[run_id] for run_id in address.items(WITH, list(others))][:MOST_BESIDE]


def _ask(infos: Sequence[RunInfo], pictures: Intake, mirror: bool) -> tuple[Intake, Mapping[str, Answers]]:
    """The pictures that every run was asked about, where a person stopped early, and the answers of each by its id."""
    said = {}
    for info in infos:
        said[info.id] = asking.ask(info, pictures, mirror=mirror)
        pictures = pictures.first(len(said[info.id].decided))
    return pictures, {run_id: answers.first(len(pictures.pictures)) for run_id, answers in said.items()}
