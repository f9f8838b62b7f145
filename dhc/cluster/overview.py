"""The machines there are: this one, and those of each cluster, with what runs on them, what waits and why."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from dhc.cluster.record import Cluster, Node, cluster_of
from dhc.cluster.roster import Roster
from dhc.cluster.settings import NAMES, machines_of
from dhc.cluster.trial import Trial, last_trial
from dhc.errors import DeviceError
from dhc.jobs import queue as queues
from dhc.jobs.launch import require_engine
from dhc.jobs.ready import Waiting, waiting_here
from dhc.machine import hardware
from dhc.machine.cores import cores
from dhc.runs import rundir
from dhc.runs.contract import Handed
from dhc.runs.status import State, Status
from dhc.text import count_text, setting_number

FRESH = 15.0  # seconds for which what was seen of a cluster is called today's


@dataclass(frozen=True)
class Queue:
    """One device of this machine: the ids of the run that trains, "" for none, and of those that wait, in their order."""

    device: str
    training: str
    waiting: tuple[str, ...]


@dataclass(frozen=True)
class ThisMachine:
    """This machine: its processor, how busy it is in percent, its GPUs, its queues with a run in them, what waits for the next one."""

    cores: int
    busy: float
    gpus: tuple[hardware.Gpu, ...]
    queues: tuple[Queue, ...]
    ready: tuple[Waiting, ...] = ()


@dataclass(frozen=True)
class Placed:
    """A run of an engine that has not ended, and what its worker has written down of it."""

    id: str
    status: Status
    handed: Handed


@dataclass(frozen=True)
class Engine:
    """A cluster as it is known here.

    lack       what must be done before it can be used at all, a sentence; "" for nothing
    cluster    what was seen of it last
    idle       why nobody is at work on its queue; "" where somebody is
    runs       those that it was given, and those that wait, in their order
    trial      the last one with today's settings
    """

    name: str
    lack: str
    cluster: Cluster
    idle: str
    runs: tuple[Placed, ...]
    trial: Trial | None

    @property
    def title(self) -> str:
        """What a person calls it."""
        return NAMES[self.name]

    @property
    def is_used(self) -> bool:
        """Whether it is set up, or has runs."""
        return not self.lack or bool(self.runs)

    @property
    def running(self) -> tuple[Placed, ...]:
        """The runs that were begun."""
        return tuple(run for run in self.runs if run.status.state is not State.QUEUED)

    @property
    def waiting(self) -> tuple[Placed, ...]:
        """The runs that wait, here or there."""
        return tuple(run for run in self.runs if run.status.state is State.QUEUED)

    @property
    def age(self) -> float | None:
        """Seconds since somebody looked; None where nobody has."""
        seen = self.cluster.seen_at
        return None if seen is None else max(0.0, time.time() - seen)

    @property
    def is_fresh(self) -> bool:
        """Whether that was just now."""
        return self.age is not None and self.age <= FRESH

    def on(self, node: Node) -> tuple[Placed, ...]:
        """The runs that a node has."""
        return tuple(run for run in self.running if run.handed.node == node.name)


def busy_percent() -> float:
    """How busy this machine's processor is; takes a tenth of a second."""
    return float(psutil.cpu_percent(0.1))


def this_machine(runs_dir: Path, gpus: tuple[hardware.Gpu, ...], busy: float) -> ThisMachine:
    """This machine as it is now; `gpus` are those that its driver lists, `busy` is `busy_percent`."""
    devices = [name for name in queues.devices(runs_dir, training=True) if name not in rundir.ENGINES]
    in_use = tuple(_queue(runs_dir, device) for device in devices)
    return ThisMachine(cores(), busy, gpus, in_use, waiting_here(runs_dir))


def engines(runs_dir: Path) -> tuple[Engine, ...]:
    """Every kind of cluster, set up or not."""
    return tuple(engine(runs_dir, name) for name in rundir.ENGINES)


def engine(runs_dir: Path, name: str) -> Engine:
    """One of them."""
    entries = sorted(Roster(runs_dir, name).entries(), key=lambda entry: entry.waits)
    placed = [Placed(entry.folder.name, entry.status, Handed.of(entry.folder)) for entry in entries]
    return Engine(
        name,
        lack(runs_dir, name),
        cluster_of(runs_dir, name),
        queues.idle_reason(runs_dir, name),
        tuple(run for run in placed if run.status.state.alive),
        last_trial(runs_dir, name),
    )


def lack(runs_dir: Path, name: str) -> str:
    """What a cluster needs before it can be used: its package, an address, Slurm's commands; "" for nothing."""
    try:
        require_engine(name)
    except DeviceError as error:
        return str(error)
    if name == "ray" and not machines_of(runs_dir).ray.reached_at:
        return "no cluster is named: set its address, such as ray://HEAD:10001"
    if name == "slurm" and shutil.which("sbatch") is None:
        return "Slurm's command sbatch is not here: start the dashboard on a machine that may submit jobs"
    return ""


def size_text(cluster: Cluster) -> str:
    """``3 machines, 1 of them down: 4 of 6 cores and 1 of 2 GPUs free; room for 4 runs at once``; "" where nothing is known."""
    if not cluster.nodes:
        return ""
    up = [node for node in cluster.nodes if node.state == "up"]
    down = len(cluster.nodes) - len(up)
    missing = f", {down} of them down" if down else ""
    parts = [
        free_text(up) if up else "",
        f"room for {count_text(cluster.width, 'run')} at once" if up else "",
    ]
    return f"{count_text(len(cluster.nodes), 'machine')}{missing}: " + "; ".join(
        filter(None, parts) if up else ["none can run anything"]
    )


def free_text(nodes: Sequence[Node]) -> str:
    """``4 of 6 cores and 1 of 2 GPUs free``, as far as nobody has them."""
    totals = {key: sum(getattr(node, key) for node in nodes) for key in ("cpus", "cpus_free", "gpus", "gpus_free")}
    shares = {"core": (totals["cpus_free"], totals["cpus"]), "GPU": (totals["gpus_free"], totals["gpus"])}
    texts = [_share(*share, noun) for noun, share in shares.items() if share[1]]
    return f"{' and '.join(texts)} free" if texts else "nothing for runs"


def _share(free: float, total: float, noun: str) -> str:
    return f"{setting_number(free, 3)} of {setting_number(total, 3)} {noun}{'' if total == 1 else 's'}"


def is_in_order_of_its_own(folder: Path) -> bool:
    """Whether a run that waits is a job of Slurm's already, which begins jobs in its own order, not in the queue's."""
    return Handed.of(folder).engine == "slurm"


def placed_text(run: Placed) -> str:
    """``running on node2, job 17``, ``queued, job 17_2: no room``, with the machines that it was lost with."""
    handed, state = run.handed, run.status.state
    where = f" on {handed.node}" if handed.node and state is not State.QUEUED else ""
    job = f", job {handed.job}" if handed.job and not (where and handed.node in handed.job) else ""
    reason = run.status.reason or handed.reason
    lost = f"; lost with {', '.join(handed.lost)}" if handed.lost else ""
    return f"{state.value}{where}{job}{f': {reason}' if reason else ''}{lost}"


def _queue(runs_dir: Path, device: str) -> Queue:
    training = queues.training_run(runs_dir, device)
    waiting = tuple(folder.name for folder in queues.queue(runs_dir, device))
    return Queue(device, "" if training is None else training.name, waiting)
