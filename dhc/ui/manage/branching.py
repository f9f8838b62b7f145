"""Going on with a run: a button, and a dialog that says and draws first what will become of rate and schedule."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st

from dhc.config.titles import in_titles
from dhc.errors import ConfigError
from dhc.figures.junction import Joint
from dhc.figures.schedule import planned_branch
from dhc.jobs.branch import Epoch, Plan, branch, plan, proposed_name
from dhc.jobs.places import Places, places
from dhc.runs import rundir
from dhc.runs.lenient import MAX_NAME
from dhc.runs.store import RunInfo
from dhc.text import count_text
from dhc.ui.manage import branch_form
from dhc.ui.manage.branch_form import KEY, LAST, PLACE, Choices
from dhc.ui.shell import address, guide, session, sharing
from dhc.ui.shell.frame import choose_run, go
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import error_box, guard
from dhc.ui.train import expectation
from dhc.ui.train.duration import Duration
from dhc.ui.widgets.plot import plot

NO_EPOCHS = "Nearest neighbours have no epochs to go on with."
MEND = "Mend the marked fields first."
NAME_HELP = "Empty: as proposed, by what differs."
ICON = ":material/fork_right:"
HEIGHT = 230  # CSS pixels of the drawing


def button(info: RunInfo, *, key: str) -> None:
    """Draw the button that opens the dialog; grey, with the reason, where nobody can go on."""
    about: dict[str, Any] = {"help": "Train more epochs, or branch off from one that was kept, as a run of its own."}
    if not info.has_epochs:
        about = {"disabled": True, "help": NO_EPOCHS}
    if st.button("Go on…", icon=ICON, key=key, **about | sharing.greyed()):
        branch_form.forget()
        address.put(**{PLACE: LAST, "run": info.id})
        st.rerun(scope="app")  # the button may stand in a part that runs alone, and the dialog belongs to the page


def draw(info: RunInfo) -> None:
    """Open the dialog for the run, where the address asks for it. To be called where the page itself runs."""
    if PLACE not in st.query_params or not info.has_epochs:
        return

    @st.dialog(f"Go on with {plain(info.title)}", width="large", icon=ICON, on_dismiss=_close)
    def dialog() -> None:
        with guard():
            options = _places(info)
            if not options.usable:
                _say_why_not(info, options)
                return
            left, right = st.columns([11, 9], gap="medium")
            with left:
                choices = branch_form.draw(info, options)
            with right:
                _plan(info, options, choices)

    dialog()


def _close() -> None:
    address.put(**{PLACE: None})


def _places(info: RunInfo) -> Places:
    """`places`, looked up anew when what they are read from has changed, and after a while."""
    names = (rundir.STATES, rundir.RESUME, rundir.BEST, rundir.PREDICTIONS, rundir.CONFIG, rundir.COURSE)
    return _places_of(info.folder, tuple(session.stamp(info.folder / name) for name in names))


@st.cache_resource(show_spinner=False, max_entries=4, ttl=20, hash_funcs=session.PATHS)
def _places_of(folder: Path, stamps: tuple[tuple[int, int], ...]) -> Places:
    return places(folder)


def _say_why_not(info: RunInfo, options: Places) -> None:
    problems = [options.problem] if options.problem else [place.problem for place in options.places]
    for problem in problems:
        error_box(f"{problem[:1].upper()}{problem[1:].rstrip('.')}.")


def _plan(info: RunInfo, options: Places, choices: Choices) -> None:
    """What will happen, and the button that starts it."""
    proposal = None if choices.problems else _proposal(info, options, choices)
    if proposal is not None:
        joint = Joint(choices.place.epoch, info.title)
        figure = _figure(_rates_so_far(info, choices.place.epoch), proposal.rates.rates, joint)
        plot(figure, key=KEY + "rates", height=HEIGHT, alt="Learning rate before and after the junction", clicks=False)
        with st.container(horizontal=True, wrap=False):
            st.markdown(plain(proposal.sentence), width="stretch")
            guide.draw("go-on-and-branch")
        _say_time(proposal, choices)
    proposed = "" if proposal is None else proposed_name(info.folder, proposal)
    name = st.text_input("Name", key=KEY + "name", max_chars=MAX_NAME, placeholder=proposed, help=NAME_HELP)
    about: dict[str, Any] = {"disabled": proposal is None, "help": MEND if proposal is None else None}
    about |= sharing.greyed()
    icon = ":material/play_arrow:"
    if st.button("Start", type="primary", icon=icon, width="stretch", key=KEY + "start", **about):
        _start(info, choices, name.strip())


def _proposal(info: RunInfo, options: Places, choices: Choices) -> Plan | None:
    """What the choices come to; None where they do not go together, which is said."""
    try:
        return plan(
            info.folder, _epoch(choices), choices.more_epochs, choices.changes, choices.schedule, options=options
        )
    except ConfigError as error:
        error_box(in_titles(str(error)))
        return None


def _epoch(choices: Choices) -> Epoch:
    return "best" if choices.place.network == "best" else choices.place.epoch


def _rates_so_far(info: RunInfo, epoch: int) -> tuple[float, ...]:
    epochs = session.outline(info.id)[0].epochs
    return tuple(epochs.loc[epochs["epoch"] <= epoch, "learning_rate"].tolist())


@lru_cache(maxsize=16)
def _figure(before: tuple[float, ...], rates: tuple[float, ...], joint: Joint) -> object:
    return planned_branch(before, rates, joint)


def _say_time(proposal: Plan, choices: Choices) -> None:
    """How long the further epochs take, in amber where that is long, and who is before it in the queue."""
    config = proposal.config.with_values({"fit.epochs": choices.more_epochs})
    seconds, source = expectation.run_seconds(config, session.dataset(session.pictures_folder(config)))
    duration = Duration(seconds, source, 1)
    if duration.is_long:
        st.warning(duration.sentence, icon=":material/schedule:")
    else:
        st.caption(duration.sentence)
    alive = sum(info.state.alive for info in session.runs())
    if alive:
        st.caption(f"{count_text(alive, 'run')} already training or waiting.")


def _start(info: RunInfo, choices: Choices, name: str) -> None:
    child = branch(
        session.runs_dir(),
        info.id,
        _epoch(choices),
        choices.more_epochs,
        choices.changes,
        choices.schedule,
        name=name,
    )
    choose_run(child)
    go("Live", run=child)
