"""The Machines screen: this machine and each cluster, updated while something happens there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import streamlit as st

from dhc.cluster import errands, overview
from dhc.cluster.overview import Engine, ThisMachine
from dhc.jobs.ready import Waiting, dismiss
from dhc.machine import hardware
from dhc.runs import rundir
from dhc.runs.naming import titles
from dhc.text import count_text, shorten
from dhc.ui.machines import engine as engines
from dhc.ui.machines import setting
from dhc.ui.shell import address, session, sharing
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import TITLE_LENGTH, plain
from dhc.ui.shell.states import attempt, empty
from dhc.ui.shell.watch import watch

TICK = 2.0  # seconds between two updates, as a worker writes what it sees
ENGINE = "engine"  # the address's parameter: whose settings are open
NO_CLUSTER = """Runs train on this machine. For more of them at once, on other machines:

1. install what it takes: `pip install -r requirements-cluster.txt -c constraints.txt`;
2. below, under *Settings*, say where your Ray cluster is, or how your Slurm wants its jobs, and *Try it*;
3. on Train, choose *Runs on*: ray or slurm."""

READY_HELP = "After a run, a process keeps what training needs in memory, so that the next run starts seconds sooner. It ends by itself."


@dataclass(frozen=True)
class Scene:
    """What the screen shows, read at one moment; `pending` are the errands under way, by engine."""

    here: ThisMachine
    engines: tuple[Engine, ...]
    names: Mapping[str, str]
    pending: tuple[tuple[str, str], ...]

    @property
    def is_moving(self) -> bool:
        """Whether anything trains, waits or is looked at."""
        return bool(self.pending or self.here.queues or self.here.ready or any(engine.runs for engine in self.engines))


def draw() -> None:
    """Draw the screen."""
    watch(
        _read,
        _draw,
        every=TICK,
        alive=lambda scene: scene.is_moving,
        page=lambda scene: scene.pending,
        key="dhc-machines",
    )
    if not sharing.is_read_only():
        setting.offer_undo()
    chosen = address.choice(ENGINE, rundir.ENGINES, "")
    for name in rundir.ENGINES:
        setting.draw(name, is_linked=name == chosen)


def _read() -> Scene:
    runs_dir = session.runs_dir()
    engines = overview.engines(runs_dir)
    infos = [info for info in session.runs_and_searches() if info.state.alive]
    pending = [
        (name, kind) for name in rundir.ENGINES for kind in errands.KINDS if errands.is_pending(runs_dir, name, kind)
    ]
    return Scene(_this_machine(), engines, titles(infos), tuple(pending))


@st.cache_data(ttl=1.5, show_spinner=False)
def _busy() -> float:
    return overview.busy_percent()


def _this_machine() -> ThisMachine:
    return overview.this_machine(session.runs_dir(), session.gpus(), _busy())


def _draw(scene: Scene) -> None:
    _here(scene)
    used = [engine for engine in scene.engines if engine.is_used]
    if not any(engine.is_used or engine.cluster.seen_at for engine in scene.engines):
        empty(NO_CLUSTER, links=["Train"], icon=":material/dns:")
    for engine in scene.engines:
        if engine in used or engine.cluster.seen_at:
            engines.draw(engine, scene.names)


def _here(scene: Scene) -> None:
    here = scene.here
    with st.container(border=True, key="dhc-machine-here"):
        gpus = "".join(f" · {plain(gpu.name)}, {gpu.utilization} % busy" for gpu in here.gpus) or " · no NVIDIA GPU"
        st.markdown(
            f"**This machine** · {count_text(here.cores, 'core')} ({plain(hardware.cpu_name())}), {here.busy:.0f} % busy{gpus}"
        )
        for queue in here.queues:
            name = "the CPU" if queue.device == "cpu" else queue.device
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"{name[:1].upper()}{name[1:]}:", width="content")
                if queue.training:
                    link(
                        "Live",
                        text=plain(shorten(scene.names.get(queue.training, queue.training), TITLE_LENGTH)),
                        run=queue.training,
                    )
                waiting = f"{count_text(len(queue.waiting), 'run')} waiting" if queue.waiting else "nothing waits"
                st.markdown(waiting if queue.training else f"nothing trains; {waiting}", width="content")
                if queue.waiting:
                    link("Runs", text="The queue")
        for one in here.ready:
            _ready(one)
        if not here.queues:
            st.caption("Nothing trains here, and nothing waits.")


def _ready(one: Waiting) -> None:
    """What waits for a device's next run, with the button that gives its memory back."""
    with st.container(horizontal=True, vertical_alignment="center"):
        name = "the CPU" if one.device == "cpu" else one.device
        st.markdown(f"A process for the next run on {name} {one.text}", width="content", help=READY_HELP)
        if not sharing.is_read_only():
            end = partial(attempt, dismiss, session.runs_dir(), one.device, failure="It could not be ended")
            st.button("End it", key=f"dhc_ready_{one.device}", on_click=end, type="tertiary")
