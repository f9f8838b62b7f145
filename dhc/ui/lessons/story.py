"""The Story screen: the report's ladder as a guided tour, a rung at a time, with the runs measured here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dhc.analysis.ladder import PictureSet, Step, ladder, picture_sets
from dhc.figures import lesson_story
from dhc.jobs.ladder import rung_configs
from dhc.models.ladder import RUNGS
from dhc.runs.status import State
from dhc.runs.store import RunInfo
from dhc.teaching.facts import report
from dhc.teaching.facts import story as facts
from dhc.teaching.words import Labels, common, labels
from dhc.text import duration_text
from dhc.ui.ladder.factor import open_run
from dhc.ui.lessons import course, language, numerals
from dhc.ui.lessons.view import STAGE
from dhc.ui.shell import address, chosen, session, sharing
from dhc.ui.shell.frame import entitle, link
from dhc.ui.shell.watch import watch
from dhc.ui.train import launcher
from dhc.ui.widgets.course import Place, Way
from dhc.ui.widgets.plot import plot

RUNG, GROUP = "rung", "group"  # in the address: the step that is told, the pictures, as on Ladder
NAMES = tuple(RUNGS)
TICK = 3.0  # seconds between two looks while something trains
SCALE = "quick"  # at which a missing step is run


@dataclass(frozen=True)
class Tale:
    """What is told: the step of this name, in a language, on these pictures, None where there are none."""

    name: str
    tongue: str
    pictures: PictureSet | None

    @property
    def said(self) -> Labels:
        """The words of the screen."""
        return labels(self.tongue, "story")

    @property
    def place(self) -> int:
        """The step's place on the ladder, from 0."""
        return NAMES.index(self.name)

    def read(self) -> tuple[Step, ...]:
        """All steps as measured on the pictures."""
        return ladder(session.runs() if self.pictures else [], self.pictures or PictureSet(""))


def draw(head: DeltaGenerator) -> None:
    """Tell the step that the address names, the first without one."""
    with head:
        tongue = language.choose()
    sets = picture_sets(session.runs(), session.data_folders())
    by_key = {pictures.key: pictures for pictures in sets}
    pictures = by_key[address.choice(GROUP, list(by_key), sets[0].key)] if sets else None
    tale = Tale(address.choice(RUNG, NAMES, NAMES[0]), tongue, pictures)
    entitle(tale.said("title"))
    chosen.remember("Story", {RUNG: tale.name, language.NAME: tongue})
    watch(tale.read, lambda steps: _tell(tale, steps), every=TICK, alive=_is_alive, page=_states, key="dhc-story")
    _draw_rail(head, tale)


def _is_alive(steps: Sequence[Step]) -> bool:
    return any(step.live_run for step in steps)


def _states(steps: Sequence[Step]) -> list[str]:
    return [step.best_run.id if step.best_run else "" for step in steps]


def title(name: str, tongue: str) -> str:
    """What the story calls a step."""
    return labels(tongue, f"story-{name}")("title")


def _tell(tale: Tale, steps: Sequence[Step]) -> None:
    figure, text = st.columns([5, 3], gap="medium")
    with figure, st.container(key=STAGE):
        _draw_figure(tale, steps)
    with text:
        said, values = labels(tale.tongue, f"story-{tale.name}"), facts.values(tale.name)
        parts = [f"**{tale.said(part)}.** {said(part, **values)}" for part in ("changed", "expected", "report")]
        st.markdown(
            "\n\n".join([f"### {said('title')}", *parts, f"**{tale.said('measured')}.** {_measured(tale, steps)}"])
        )
        _ways_on(tale, steps[tale.place])


def _draw_figure(tale: Tale, steps: Sequence[Step]) -> None:
    titles = [title(name, tale.tongue) for name in NAMES]
    words = {name: tale.said(name) for name in ("accuracy", "bar", "mark", "guess")}
    figure = lesson_story.climb(steps, tale.place + 1, titles, 1 / report.CLASSES, words)
    numerals.separate(figure, tale.tongue)
    open_run(plot(figure, key="dhc_story_chart", height=lesson_story.HEIGHT, alt=tale.said("alt"), fill=True))


def _measured(tale: Tale, steps: Sequence[Step]) -> str:
    """What the step reached here, against the one before."""
    said, step = tale.said, steps[tale.place]
    run = step.best_run
    if run is None or run.best_val_accuracy is None:
        return _unmeasured(tale, step)
    time, epochs = _time(tale, run.seconds), run.epochs_done
    if run.trains_network:
        total = run.epochs_total or epochs
        text = said("value", value=run.best_val_accuracy, time=time, epochs=epochs, total=total)
    else:
        text = said("value_plain", value=run.best_val_accuracy, time=time)
    before = steps[tale.place - 1].best_run if tale.place else None
    if before is not None and before.best_val_accuracy is not None:
        text += " " + said("gain", gain=run.best_val_accuracy - before.best_val_accuracy)
    return text


def _time(tale: Tale, seconds: float | None) -> str:
    """A time as the language writes it: ``4,2 s``."""
    text = duration_text(seconds)
    return numerals.decimal(text, tale.tongue)


def _unmeasured(tale: Tale, step: Step) -> str:
    live = step.live_run
    if live is None:
        return tale.said("failed" if step.failed_run else "missing")
    return tale.said("waiting") if live.best_val_accuracy is None else tale.said("live", value=live.best_val_accuracy)


def _ways_on(tale: Tale, step: Step) -> None:
    """The step's run, or the button that makes one; the whole ladder."""
    if step.missing:
        _offer(tale)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        if step.run is not None:
            _link_run(step.run)
        link("Ladder", text=tale.said("ladder"), **({GROUP: tale.pictures.key} if tale.pictures else {}))
    after = tale.place + 1
    if after < len(NAMES):
        text = common(tale.tongue, "next", title=title(NAMES[after], tale.tongue))
        link("Story", text=text, rung=NAMES[after], lang=tale.tongue)


def _link_run(run: RunInfo) -> None:
    link("Live", run=run.id)
    if run.best_val_accuracy is not None:
        link("Mistakes", run=run.id)
        if run.state is not State.RUNNING:
            link("Confusion", run=run.id)


def _offer(tale: Tale) -> None:
    """The button that runs a missing step, with its time; else what it would need."""
    if tale.pictures is None:
        st.caption(tale.said("no_pictures"))
        link("Data")
        return
    name = Path(tale.pictures.path).name
    if session.is_gone(Path(tale.pictures.path)):
        st.caption(tale.said("broken_pictures", name=name))
        link("Data")
    elif sharing.is_read_only():
        st.caption(tale.said("read_only"))
    else:
        _draw_button(tale, tale.pictures)


def _draw_button(tale: Tale, pictures: PictureSet) -> None:
    configs = list(rung_configs([tale.name], SCALE, pictures.changes).values())
    seconds = launcher.total_seconds(configs, session.dataset(pictures.path))
    time = tale.said("unknown") if seconds is None else tale.said("about", time=_time(tale, seconds))
    label = tale.said("run", time=time)
    pressed = st.button(label, icon=":material/play_arrow:", key="dhc_story_run", help=tale.said("run_quick"))
    if pressed and launcher.start(configs, names=[RUNGS[tale.name].title]):
        st.rerun()


def _draw_rail(head: DeltaGenerator, tale: Tale) -> None:
    def way(place: int) -> Way | None:
        if not 0 <= place < len(NAMES):
            return None
        return Way(course.address("story", tale.tongue, rung=NAMES[place]), title(NAMES[place], tale.tongue))

    text = tale.said("place", number=tale.place + 1, count=len(NAMES))
    contents = course.address("lessons", tale.tongue, lesson="")
    here = Place(tale.name, text, contents, way(tale.place - 1), way(tale.place + 1), keeps=False)
    course.draw_place(head, here, NAMES, tale.tongue)
