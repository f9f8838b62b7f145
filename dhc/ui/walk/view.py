"""The Walk screen: a run, a picture and an epoch chosen above, the walk below them."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dhc.runs.store import RunInfo
from dhc.teaching.words import COMMA, Labels, labels
from dhc.ui.answers.look import has_network
from dhc.ui.lessons import language
from dhc.ui.network import subject
from dhc.ui.network.subject import Subject
from dhc.ui.shell import address, chosen, session, sharing
from dhc.ui.shell.frame import link
from dhc.ui.shell.pickers import pick_run
from dhc.ui.shell.states import empty, guard, loading, no_runs
from dhc.ui.walk import asked, picture, place, scene
from dhc.ui.walk.picture import Walking
from dhc.ui.walk.stops import stops_of
from dhc.ui.widgets import walk as widget

STAGE = "dhc_walk_grid"  # the part that is large in Present
KEY = "dhc_walk_"
EPOCH = "epoch"  # in the address
PART = "walk"  # of the language files


def view(head: DeltaGenerator) -> None:
    """Draw the screen. Raises UserError, HelperError, OSError."""
    with head:
        words = labels(language.choose(), PART)
    chosen.remember("Walk", {language.NAME: words.language})
    if sharing.is_read_only():
        empty(words("read_only"), links=["Lessons", "Mistakes"])
        return
    if not any(has_network(info) for info in session.runs()):
        no_runs(words("no_run"))
        return
    info = pick_run(head, has_network, none_message=words("no_run"))
    if info is None or not _can_walk(info, words):
        return
    shown = subject.of_run(info)
    with st.container(key=STAGE):
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            walking = picture.choose(info, words)
            epoch = _epoch(shown, words)
            link("Network", text=words("network"), run=info.id, view="maps")
        if walking is None:
            empty(words("gone"), links=["Data"])
            return
        _walk(shown, walking, epoch, words)


def _can_walk(info: RunInfo, words: Labels) -> bool:
    """Whether the run has a network to walk through; what is missing is said."""
    if has_network(info):
        return True
    if not info.trains_network and info.config is not None:
        empty(words("neighbours"), links=["Ladder"])
    elif info.example:
        empty(words("example"), step=words("train"), page="Train", links=["Runs"])
    else:
        empty(words("none_yet"), step=words("watch"), page="Live", params={"run": info.id})
    return False


def _epoch(shown: Subject, words: Labels) -> int:
    """The epoch whose network is walked through: a slider where more than one was kept."""
    if len(shown.epochs) < 2:
        return shown.best
    options = [str(epoch) for epoch in shown.epochs]
    bound = address.bound_choice(EPOCH, options, str(shown.best), key=KEY + "epoch")

    def title(option: str) -> str:
        return words("epoch_best" if int(option) == shown.best else "epoch_other", epoch=int(option))

    return int(st.select_slider(words("epoch"), format_func=title, label_visibility="collapsed", width=300, **bound))


@st.fragment
def _walk(shown: Subject, walking: Walking, epoch: int, words: Labels) -> None:
    """The walk, which runs again without the page at each step."""
    with guard():
        stops, of = stops_of(shown), asked.walker(shown, epoch, walking.image)
        place.go(widget.step_of(KEY + "stage"), stops)
        with loading(words("waiting")):
            whole = asked.whole(of, shown)
        names = session.predictions(shown.info).classes if shown.info is not None else ()
        at = place.of_address(stops, whole)
        drawn = scene.scene_of(of, stops, whole, at, walking, names, words)
        widget.show_scene(drawn, key=KEY + "scene")
        detail = scene.detail_of(of, stops, whole, at, names, words)
        texts = {name: text for name, text in words.texts.items() if isinstance(text, str)}
        comma = words.language in COMMA
        widget.walk(key=KEY + "stage", scene=drawn.name, at=vars(at), detail=detail, words=texts, comma=comma)
