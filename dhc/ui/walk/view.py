"""The Walk screen: a run, a picture and an epoch chosen above, the walk below them."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dhc.runs.store import RunInfo
from dhc.teaching.words import COMMA, Labels, labels
from dhc.text import shorten
from dhc.ui.answers.look import has_network
from dhc.ui.lessons import language
from dhc.ui.network import subject
from dhc.ui.network.subject import Subject
from dhc.ui.shell import address, chosen, early, session, sharing
from dhc.ui.shell.frame import choose_run, entitle, link
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.pickers import pick_run
from dhc.ui.shell.states import empty, guard, loading, no_runs
from dhc.ui.walk import ahead, asked, picture, place, scene
from dhc.ui.walk.picture import Walking
from dhc.ui.walk.scene import Way
from dhc.ui.walk.stops import stops_of
from dhc.ui.widgets import walk as widget

STAGE = "dhc_walk_grid"  # the part that is large in Present
KEY = "dhc_walk_"
EPOCH = "epoch"  # in the address
PART = "walk"  # of the language files
TITLE = 50  # letters of a run's


def view(head: DeltaGenerator) -> None:
    """Draw the screen. Raises UserError, HelperError, OSError."""
    with head:
        words = labels(language.choose(), PART)
    entitle(words("title"))
    chosen.remember("Walk", {language.NAME: words.language})
    if sharing.is_read_only():
        empty(words("read_only"), links=["Lessons", "Mistakes"])
        return
    if not any(has_network(info) for info in session.runs()):
        no_runs(words("no_run"))
        return
    early.wake()
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
    """Whether the run has a network to walk through; what is missing is said, and the newest run that has one is offered."""
    if has_network(info):
        return True
    why = "example" if info.example else "none_yet"
    if not info.trains_network and info.config is not None:
        why = "neighbours"
    other = next(each for each in session.runs() if has_network(each))
    step = words("other", name=plain(shorten(other.title, TITLE)))
    empty(words(why), step=step, action=choose_run, args=(other.id,), key=KEY + "other", links=["Train", "Live"])
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


def _walk(shown: Subject, walking: Walking, epoch: int, words: Labels) -> None:
    """Send what the walk stays with, and draw it. Raises UserError, HelperError, OSError."""
    assert shown.info is not None
    stops, of = stops_of(shown), asked.walker(shown, epoch, walking.image)
    place.go(widget.step_of(KEY + "stage"), stops)  # one that came with another control's
    with loading(words("waiting")):
        whole = asked.whole(of, shown)
    way = Way(of, stops, whole, session.predictions(shown.info).classes, words)
    drawn = scene.scene_of(way, place.of_address(stops, whole), walking)
    widget.show_scene(drawn, key=KEY + "scene")
    _draw_steps(way, drawn.name, lambda: shown.stamp(epoch) == of.stamp)
    ahead.ask_ahead(of, shown, whole, epoch)


@st.fragment
def _draw_steps(way: Way, name: str, is_current: Callable[[], bool]) -> None:
    """The part that runs again without the page at each step: all that it needs besides is one number."""
    if not is_current():  # a run that trains has a better network meanwhile, whose numbers are not those of the maps
        st.rerun()
    with guard():
        place.go(widget.step_of(KEY + "stage"), way.stops)
        at = place.of_address(way.stops, way.whole)
        texts = {label: text for label, text in way.words.texts.items() if isinstance(text, str)}
        detail, comma = scene.detail_of(way, at, widget.seen_of(KEY + "stage")), way.words.language in COMMA
        widget.walk(key=KEY + "stage", scene=name, at=vars(at), detail=detail, words=texts, comma=comma)
        ahead.ask_near(way.of, way.stops[at.stop], way.whole, at.unit)
