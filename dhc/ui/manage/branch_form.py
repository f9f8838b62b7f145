"""How a run is to be gone on with: from which epoch, for how long, with which schedule and settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import streamlit as st

from dhc.config import RARE, ConfigField, RunConfig, fields
from dhc.config.titles import problems
from dhc.jobs.branch import CHANGEABLE, FREE, SECTIONS
from dhc.jobs.places import Place, Places
from dhc.models.junction import Choice
from dhc.runs import rundir
from dhc.runs.store import RunInfo
from dhc.text import rate_text
from dhc.ui.shell import address, session
from dhc.ui.shell.markdown import plain
from dhc.ui.train import form
from dhc.ui.train.draft import has_effect
from dhc.ui.widgets.controls import segments

KEY = "dhc_branch_"
CHANGES, BASE = KEY + "changes", KEY + "base"
PLACE = "go_on"  # in the address: the place to go on from, and that the dialog is open
LAST, BEST = "last", "best"
SCHEDULES: Mapping[str, str] = {"continue": "Continue", "hold": "Hold", "restart": "Restart"}
SCHEDULE_HELP = (
    "*Continue*: rate and counters as they stood, a timetable as that of the longer run. *Hold*: the rate stays to the end. *Restart*: "
    "from its first rate, counting from nothing."
)
FIELDS = tuple(
    field for field in fields() if (field.name in CHANGEABLE or field.section in SECTIONS) and field.name not in FREE
)
MOST_MORE = 50  # epochs that are proposed


@dataclass(frozen=True)
class Choices:
    """What was chosen; `problems` has a sentence by dotted name for each setting with a fault."""

    place: Place
    more_epochs: int
    schedule: Choice
    base: RunConfig
    changes: Mapping[str, Any]
    problems: Mapping[str, str]


def forget() -> None:
    """Let the next dialog begin with the run's own settings."""
    for key in [key for key in st.session_state if str(key).startswith(KEY)]:
        del st.session_state[key]


def draw(info: RunInfo, options: Places) -> Choices:
    """Draw the choices for a run with at least one usable place."""
    assert info.config is not None
    place = _place(info, options)
    if place.standing is not None:
        rate = rate_text(place.standing.rate)
        st.caption(
            f"The learning rate of epoch {place.epoch} was {rate}. One that you set here holds from the next epoch on."
        )
    base = info.config.with_values(info.course.settings_after(place.epoch))
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    more = left.number_input(
        "More epochs",
        min_value=1,
        max_value=rundir.MOST_EPOCHS - place.epoch,
        value=_proposed(base, place.epoch),
        key=f"{KEY}more_{place.epoch}",
        help=f"Train so many after epoch {place.epoch}.",
    )
    with right:
        st.session_state.setdefault(KEY + "schedule", "continue")
        schedule = segments("The schedule is to", SCHEDULES, key=KEY + "schedule", help=SCHEDULE_HELP)
    values, changes = _values(base)
    wrong = problems(values | {"fit.epochs": place.epoch + more})
    _fields(values, changes, wrong)
    effective = {field.name for field in FIELDS if has_effect(field, values)}
    changes = {name: value for name, value in changes.items() if name in effective}
    return Choices(place, int(more), cast(Choice, schedule), base, changes, wrong)


def _place(info: RunInfo, options: Places) -> Place:
    """Draw the choice of the epoch, and what cannot serve; the address has it."""
    latest_first = sorted(options.usable, key=lambda place: (place.network == "best", -place.epoch))
    usable = {_name(place): place for place in latest_first}
    accuracies = _accuracies(info)
    titles = {name: _title(place, accuracies) for name, place in usable.items()}
    wanted = st.query_params.get(PLACE, LAST)
    first = next(iter(usable))
    st.session_state[KEY + "place"] = wanted if wanted in usable else first
    chosen = st.selectbox(
        "From",
        list(usable),
        format_func=titles.__getitem__,
        key=KEY + "place",
        on_change=_write_place,
        help="All epochs up to that one are taken over.",
    )
    for place in options.places:
        if place.problem:
            st.caption(f":material/block: {plain(place.problem[:1].upper() + place.problem[1:])}.")
    return usable[chosen or first]


def _write_place() -> None:
    address.put(**{PLACE: st.session_state.get(KEY + "place", LAST)})


def _name(place: Place) -> str:
    return BEST if place.network == "best" else str(place.epoch)


def _title(place: Place, accuracies: Mapping[int, float]) -> str:
    words = {"last": "the last", "best": "the best", "change": "before a change"}
    kinds = [words[kind] for kind in place.kinds if kind in words]
    what = "its best network, with a fresh optimizer" if place.network == "best" else " and ".join(kinds)
    figure = f"val_accuracy {accuracies[place.epoch]:.3f}" if place.epoch in accuracies else ""
    return ", ".join(filter(None, (f"epoch {place.epoch}", what, figure)))


def _accuracies(info: RunInfo) -> dict[int, float]:
    epochs = session.outline(info.id)[0].epochs.dropna(subset=["val_accuracy"])
    return dict(zip(epochs["epoch"].tolist(), epochs["val_accuracy"].tolist(), strict=True))


def _proposed(base: RunConfig, epoch: int) -> int:
    """What is left of the run; where nothing is, half as many as it has, within reason."""
    left = base.fit.epochs - epoch
    return left if left > 0 else max(1, min(MOST_MORE, epoch // 2, rundir.MOST_EPOCHS - epoch))


def _values(base: RunConfig) -> tuple[dict[str, Any], dict[str, Any]]:
    """All settings as the widgets have them, and those of them that were changed."""
    st.session_state[BASE] = {field.name: base.get(field.name) for field in FIELDS}
    changes = st.session_state.get(CHANGES, {})
    changes = {name: value for name, value in changes.items() if value != base.get(name)}
    for name, value in (st.session_state[BASE] | changes).items():
        st.session_state[_key(name)] = value
    return {field.name: base.get(field.name) for field in fields()} | changes, changes


def _fields(values: Mapping[str, Any], changes: Mapping[str, Any], wrong: Mapping[str, str]) -> None:
    state = form.FormState(
        folders=(),
        values=values,
        problems=wrong,
        changes=changes,
        sweep={},
        on_change=_note,
        key=_key,
        before=st.session_state[BASE].__getitem__,
    )
    shown = [field for field in FIELDS if has_effect(field, values)]
    common = [field for field in shown if field.rank != RARE]
    form.rows(sorted((field for field in common if field.section != "augment"), key=_rank), state)
    if augmentation := [field for field in common if field.section == "augment"]:
        st.markdown("**Augmentation**")
        form.rows(augmentation, state)
    rare = [field for field in shown if field.rank == RARE]
    with st.expander("Rarely changed", expanded=any(field.name in {*changes, *wrong} for field in rare)):
        form.rows(rare, state)


def _note() -> None:
    """Remember what differs, also of fields that are not drawn for a while."""
    base = st.session_state.get(BASE, {})
    drawn = {name: st.session_state[_key(name)] for name in base if _key(name) in st.session_state}
    values = base | st.session_state.get(CHANGES, {}) | drawn
    st.session_state[CHANGES] = {name: value for name, value in values.items() if value != base[name]}


def _rank(field: ConfigField) -> int:
    """Rate and schedule first: they are what most go on for."""
    return ("optimizer", "schedule", "model", "fit").index(field.section)


def _key(name: str) -> str:
    return f"{KEY}form_{name}"
