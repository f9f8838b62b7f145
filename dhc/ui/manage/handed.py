"""Where a run of a cluster is: engine, machine, job, what it waits for, machines that it was lost with, and what unheard means."""

from __future__ import annotations

import streamlit as st

from dhc.cluster.settings import NAMES
from dhc.runs.contract import Handed
from dhc.runs.rundir import ENGINES
from dhc.runs.status import State
from dhc.runs.store import RunInfo
from dhc.text import shorten
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import plain

LONGEST = 160  # characters of a place
UNHEARD = (
    "Nothing is begun anew while it may train on there; once the cluster says that its machine is lost, it goes on elsewhere from its "
    "last saved epoch. *Kill this run* ends it for good, wherever it is."
)


def place_link(info: RunInfo, *, says_why: bool = True) -> None:
    """Where a run of a cluster is, as a link to Machines; nothing for one of this machine.

    `says_why`: what one that waits is waiting for.
    """
    if info.device in ENGINES:
        text = place_text(info, Handed.of(info.folder), says_why=says_why)
        link("Machines", text=plain(shorten(text, LONGEST)), engine=info.device)


def warn(info: RunInfo) -> None:
    """What it means that nothing is heard of a run, and what can be done; nothing for any other."""
    if info.state is State.UNHEARD:
        st.warning(f"{plain(sentence(info))} {UNHEARD}", icon=":material/cloud_off:")


def place_text(info: RunInfo, handed: Handed, *, says_why: bool = True) -> str:
    """``On Slurm, machine c2, job 1234_2; lost with c1``; what it waits for while it does."""
    engine = NAMES[info.device]
    if info.state is State.QUEUED:
        job = f", job {handed.job}" if handed.job else ""
        where = f"Waits in {engine}{job}" if handed.engine else f"Waits here for {engine}"
        where += f": {info.status.reason}" if info.status.reason and says_why else ""
    else:
        is_known = not handed.job or (handed.node and handed.node in handed.job)
        parts = (f"machine {handed.node}" if handed.node else "", "" if is_known else f"job {handed.job}")
        where = ", ".join([f"On {engine}", *filter(None, parts)])
    return f"{where}; lost with {', '.join(handed.lost)}" if handed.lost else where


def sentence(info: RunInfo) -> str:
    """What is known of a run that is unheard of, as a sentence."""
    reason = info.status.reason
    return f"{reason[:1].upper()}{reason[1:].rstrip('.')}."
