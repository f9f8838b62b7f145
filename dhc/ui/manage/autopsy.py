"""What a screen says of a run that did not finish: what happened, its log, and what helps."""

from __future__ import annotations

import streamlit as st

from dhc.jobs import control, launch
from dhc.runs.autopsy import Autopsy, Offer, autopsy
from dhc.runs.naming import proposed_name
from dhc.runs.store import RunInfo
from dhc.text import count_text
from dhc.ui.shell import session, sharing
from dhc.ui.shell.frame import choose_run, link
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import error_box, guard

FAILURE = "dhc_offer_failure"
ICONS = {
    "resume": ":material/resume:",
    "restart": ":material/restart_alt:",
    "free": ":material/delete_sweep:",
    "kill": ":material/dangerous:",
}
MILD = ("stop", "cancelled", "median", "kill", "scancel")  # causes that someone intended
UNKNOWN = ("start", "elsewhere", "renamed", "unread")  # causes of which "crashed" says more than anybody knows
COMPLETE = ("stop", "cancelled", "restart")  # causes whose headline says all that the record says


def draw(info: RunInfo) -> None:
    """Draw the autopsy of a run that ended without finishing; nothing for any other."""
    record = autopsy(info, freeable=session.freeable() if info.status.cause == "disk" else 0)
    if record is None:
        return
    with st.container(border=True, key="dhc-autopsy"):
        _headline(info, record)
        if not sharing.is_read_only():
            _offers(info, record)
        if record.log and info.status.cause not in MILD:
            _log(record, expanded=info.status.cause in ("error", "library", ""))
    if failure := st.session_state.pop(FAILURE, None):
        error_box(failure)


def _log(record: Autopsy, *, expanded: bool) -> None:
    with st.expander("Last lines of the log", expanded=expanded):
        if record.frame:
            st.markdown(f"It broke in {plain(record.frame)}.")
        st.code(record.log, language=None, wrap_lines=True)


def _headline(info: RunInfo, record: Autopsy) -> None:
    sign = ":material/stop_circle:" if info.status.cause in MILD else ":material/report:"
    state = "" if info.status.cause in UNKNOWN else f"{info.state.capitalize()}. "
    st.markdown(f"{sign} **{state}{plain(record.headline)}**")
    if record.reason and info.status.cause not in COMPLETE:
        st.markdown(plain(_sentence(record.reason, info.status.cause)))
    if info.epochs_done and info.best_val_accuracy is not None:
        epochs = count_text(info.epochs_done, "finished epoch")
        verb = "is" if info.epochs_done == 1 else "are"
        st.caption(f"{epochs} {verb} kept, best val_accuracy {info.best_val_accuracy:.3f} at epoch {info.best_epoch}.")


def _sentence(reason: str, cause: str) -> str:
    """The reason with a capital letter and a full stop; names such as gpu:7 stay as they are. What a headline says is not said again."""
    reason = reason.rpartition(": ")[2] if reason.startswith("the loss became nan") else reason
    first = reason[:1] if cause in ("device", "package") else reason[:1].upper()
    return first + reason[1:].rstrip(".") + "."


def _offers(info: RunInfo, record: Autopsy) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        for number, offer in enumerate(record.offers):
            if offer.kind == "free":
                link("Runs", text=offer.label, storage="open")
                continue
            if offer.kind == "machines":
                link("Machines", text=offer.label, engine=info.device)
                continue
            st.button(
                offer.label,
                icon=ICONS[offer.kind],
                help=offer.help,
                type="primary" if number == 0 else "secondary",
                key="dhc-resume" if offer.kind == "resume" else f"dhc-restart-{number}",
                on_click=_accept,
                args=(info.id, offer),
            )
        if info.status.cause == "data":
            link("Data")


def _accept(run_id: str, offer: Offer) -> None:
    """Do what is offered; `draw` says what went wrong."""
    with guard(_remember):
        if offer.kind == "resume":
            launch.resume(session.runs_dir(), run_id)
            return
        if offer.kind == "kill":
            control.kill(session.runs_dir(), run_id)
            return
        run = session.store().run(run_id)
        assert run.config is not None
        changed = run.config.with_values(offer.changes)
        choose_run(launch.launch(changed, session.runs_dir(), parent=run_id, name=proposed_name(changed, run)))


def _remember(failure: str) -> None:
    st.session_state[FAILURE] = failure
