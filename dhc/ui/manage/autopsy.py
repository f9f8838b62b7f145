"""What a screen says of a run that did not finish: what happened, the last words of its log, and buttons for what helps."""

from __future__ import annotations

import streamlit as st

from dhc.jobs import launch
from dhc.runs.autopsy import Autopsy, Offer, autopsy
from dhc.runs.store import RunInfo
from dhc.text import count_text
from dhc.ui.shell import session
from dhc.ui.shell.frame import choose_run, link
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import error_box, guard

FAILED = "dhc_offer_failed"
ICONS = {"resume": ":material/resume:", "restart": ":material/restart_alt:", "free": ":material/delete_sweep:"}
MILD = ("stop", "cancelled", "median", "kill")  # ends that someone wanted


def draw(info: RunInfo) -> None:
    """Draw nothing for a run that is alive or has finished."""
    found = autopsy(info, freeable=session.freeable() if info.status.cause == "disk" else 0)
    if found is None:
        return
    with st.container(border=True, key="dhc-autopsy"):
        _told(info, found)
        _offers(info, found)
        if found.log and info.status.cause not in MILD:
            with st.expander("Last lines of the log", expanded=info.status.cause in ("error", "library", "")):
                if found.frame:
                    st.markdown(f"It broke in {plain(found.frame)}.")
                st.code(found.log, language=None, wrap_lines=True)
    if failed := st.session_state.pop(FAILED, None):
        error_box(failed)


def _told(info: RunInfo, found: Autopsy) -> None:
    sign = ":material/stop_circle:" if info.status.cause in MILD else ":material/report:"
    st.markdown(f"{sign} **{info.state.capitalize()}. {plain(found.happened)}**")
    if found.told and info.status.cause not in ("stop", "cancelled", "restart"):  # of which that is all
        st.markdown(plain(_sentence(found.told, info.status.cause)))
    if info.epochs_done and info.best_val_accuracy is not None:
        epochs = count_text(info.epochs_done, "finished epoch")
        verb = "is" if info.epochs_done == 1 else "are"
        st.caption(f"{epochs} {verb} kept, best val_accuracy {info.best_val_accuracy:.3f} at epoch {info.best_epoch}.")


def _sentence(told: str, cause: str) -> str:
    """With a capital letter, unless it begins with a name: gpu:7, jax."""
    begin = told[:1] if cause in ("device", "package") else told[:1].upper()
    return begin + told[1:].rstrip(".") + "."


def _offers(info: RunInfo, found: Autopsy) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        for number, offer in enumerate(found.offers):
            if offer.kind == "free":
                link("Runs", text=offer.label, storage="open")
                continue
            st.button(
                offer.label,
                icon=ICONS[offer.kind],
                help=offer.help,
                type="primary" if number == 0 else "secondary",
                key="dhc-resume" if offer.kind == "resume" else f"dhc-restart-{number}",
                on_click=_take,
                args=(info.id, offer),
            )
        if info.status.cause == "data":
            link("Data")


def _take(run_id: str, offer: Offer) -> None:
    """Do what was offered; what goes wrong is said at the next drawing."""
    with guard(_remember):
        if offer.kind == "resume":
            launch.resume(session.runs_dir(), run_id)
            return
        config = session.store().run(run_id).config
        assert config is not None
        choose_run(launch.launch(config.with_values(offer.changes), session.runs_dir(), parent=run_id))


def _remember(failure: str) -> None:
    st.session_state[FAILED] = failure
