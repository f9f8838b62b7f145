"""The card of the selected run, or of several: state, labels, all that can be done."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dhc.jobs import control, launch
from dhc.runs.status import State
from dhc.runs.store import RunInfo
from dhc.text import count_text, shorten, size_text
from dhc.ui.manage import autopsy, branching, handed, kin, labels, storage, submission, undo, used
from dhc.ui.manage.ending import after_epoch_button
from dhc.ui.shell import address, session, sharing
from dhc.ui.shell.frame import choose_run, link
from dhc.ui.shell.markdown import TITLE_LENGTH, plain
from dhc.ui.shell.pickers import state_badge, title_markdown
from dhc.ui.shell.states import attempt, error_box
from dhc.ui.train import clone

KEY = "dhc_run_card_"


def draw(info: RunInfo) -> None:
    """One run's state, links, actions, labels, cost and settings."""
    with st.container(border=True, key="dhc-run-card"):
        _head(info)
        handed.warn(info)
        _actions(info)
        kin.draw(info, kin.family(info))
        kin.course(info)
        autopsy.draw(info)
        if info.problem:
            error_box(info.problem)
        submission.draw(info)
        # Folded, so that the curves below stand in the first screen.
        with st.expander("Name, tags, note, disk, pictures, settings", icon=":material/label:"):
            labels.draw(info)
            storage.of_run(info)
            used.draw(info)
            if info.config is not None:
                with st.expander("Settings"):
                    st.code(info.config.to_json(), language="json")
    branching.draw(info)


def draw_many(infos: Sequence[RunInfo]) -> None:
    """What can be done with several runs at once: star, archive, tag, delete."""
    ended_runs = [info for info in infos if not info.state.alive]
    about = f"{count_text(len(infos), 'run')}: star, archive, tag, delete"
    with st.container(key="dhc-run-card"), st.expander(about, icon=":material/label:"):
        if not sharing.is_read_only():
            labels.draw_many(infos)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{count_text(len(infos), 'run')}, {_cost(infos)} on disk", width="content")
            if not sharing.is_read_only():
                _delete(ended_runs, of=len(infos))


def _head(info: RunInfo) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        state_badge(info)
        st.markdown(title_markdown(info), width="content")
        if info.labels.archived:
            st.badge("archived", icon=":material/archive:", color="gray")
        handed.place_link(info)
        link("Live", run=info.id)
        if info.best_val_accuracy is not None:
            link("Mistakes", run=info.id)
            link("Confusion", run=info.id)
        if session.run_or_none(info.sought or None) is not None:
            link("Live", text="Where its learning rate comes from", run=info.sought)
        parent = None if info.course.branches else session.run_or_none(info.parent or None)
        if parent is not None:
            st.button(
                plain(f"A changed copy of {shorten(parent.title, TITLE_LENGTH)}"),
                icon=":material/fork_right:",
                type="tertiary",
                help="Selects that run.",
                on_click=_select,
                args=(parent.id,),
                key=KEY + "parent",
            )


def _actions(info: RunInfo) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if sharing.is_read_only():
            _clone(info)
            branching.button(info, key=KEY + "go_on")
            return
        labels.star_button([info])
        if info.state in (State.QUEUED, State.RUNNING, State.UNHEARD):
            stop = (launch.stop, session.runs_dir(), info.id)
            st.button("Stop", icon=":material/stop:", on_click=attempt, args=stop, key=KEY + "stop")
            after_epoch_button(info, key=KEY + "stop_after_epoch")
        if info.state in (State.RUNNING, State.STOPPING, State.UNHEARD) or (
            info.state is State.CRASHED and info.status.cause == "hung"
        ):
            _kill(info)
        _clone(info)
        branching.button(info, key=KEY + "go_on")
        labels.archive_button([info])
        if not info.state.alive:
            _delete([info], of=1)


def _clone(info: RunInfo) -> None:
    if info.config is not None and st.button(
        "Clone and edit",
        icon=":material/edit:",
        help="Opens Train with this run's settings; what you start there counts as a changed copy of it.",
        key=KEY + "clone",
    ):
        clone.open_form(info.config, info.id)


def _kill(info: RunInfo) -> None:
    with st.popover("Kill", icon=":material/dangerous:", key=KEY + "kill_asks"):
        loss = " It can be resumed from its last saved epoch; a stop loses less." if info.trains_network else ""
        st.markdown(f"Ends its process at once, whatever it is doing.{loss}")
        kill = (control.kill, session.runs_dir(), info.id)
        st.button("Kill this run", type="primary", on_click=attempt, args=kill, key=KEY + "kill")


def _delete(ended_runs: Sequence[RunInfo], *, of: int) -> None:
    """A button for those of the `of` selected runs that have ended."""
    runs = "this run" if of == 1 else count_text(len(ended_runs), "run")
    alive = of - len(ended_runs)
    with st.popover("Delete", icon=":material/delete:", disabled=not ended_runs, key=KEY + "delete_asks"):
        rest = f" {count_text(alive, 'run')} still waiting or training {_stay(alive)}." if alive else ""
        st.markdown(f"Moves {runs} to the trash, and back at a click until the trash is emptied.{rest}")
        delete = (undo.delete, [info.id for info in ended_runs])
        st.button(f"Delete {runs}", type="primary", on_click=attempt, args=delete, key=KEY + "delete")


def _stay(count: int) -> str:
    return "stays" if count == 1 else "stay"


def _cost(infos: Sequence[RunInfo]) -> str:
    return size_text(sum(session.usage(info).bytes for info in infos))


def _select(run_id: str) -> None:
    address.put(select=run_id)
    choose_run(run_id)
