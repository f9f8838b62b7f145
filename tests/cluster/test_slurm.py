"""Runs under a real Slurm of three nodes: arrays, preemption, limits, ends from outside, a cut network, a lost node, a head that is gone.

The claims tell one story: each goes on with the runs that those before it have left. What trains is a stand-in (`stand_in.py`), but for
the run that needs more memory than it gets; how a real training leaves its machine is told by tests/test_leaving.py.
"""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from processes import kill_processes_of, processes_of, wait_until

from cluster import slurm_cluster
from cluster.local_engine import STAND_IN
from cluster.machines import tell
from cluster.slurm_cluster import SlurmCluster
from dhc.cluster.record import cluster_of
from dhc.cluster.settings import Machines, SlurmSettings, write_machines
from dhc.config import RunConfig
from dhc.data.standin.generate import make_dataset
from dhc.jobs import control, groups, launch
from dhc.jobs.process import REPOSITORY, python
from dhc.runs import rundir
from dhc.runs.contract import Handed
from dhc.runs.status import State, Status, status_of

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

QUICK = STAND_IN | {"STAND_IN_EPOCH": "0.4", "STAND_IN_FOR": "cnn3-linear"}
NEVER = 3000  # epochs, which no test waits for
PROMPT = 15  # seconds in which the right word must be there
HIGH = ("sbatch", "--parsable", "-p", "high", "-c3", "-o", "/dev/null", "--wrap", "sleep 1")


class Lab:
    """A Slurm, a folder of runs that go to it, and the runs of the story by name."""

    def __init__(self, cluster: SlurmCluster, place: Path) -> None:
        self.cluster, self.runs_dir, self.runs = cluster, place / "runs", dict[str, Path]()
        self.runs_dir.mkdir()
        data = place / "tiny"
        make_dataset(data, classes=2, train=8, val=4, test=0, seed=1)
        values = {"data.path": str(data), "model.name": "cnn3-linear", "fit.epochs": NEVER, "device.where": "slurm"}
        self.config = RunConfig().with_values(values)

    def settings(self, **values: object) -> None:
        """How runs go to Slurm from now on."""
        slurm = SlurmSettings.model_validate({"minutes": 30, **values})
        write_machines(self.runs_dir, Machines(slurm=slurm))

    def launch(self, name: str, **values: object) -> None:
        """Queue a run of the story."""
        self.runs[name] = self.runs_dir / launch.launch(self.config.with_values(values), self.runs_dir)

    def status(self, name: str) -> Status:
        """The status of a run of the story."""
        return status_of(self.runs[name])

    def handed(self, name: str) -> Handed:
        """To which job it was handed out."""
        return Handed.of(self.runs[name])

    def epochs(self, name: str) -> list[int]:
        """The epochs that it has written of, in order; each follows the one before it, but after a resume."""
        epochs, following = list[int](), 1
        for kind, epoch in self.events(name):
            if kind == "resume":
                assert epoch <= following, "an epoch was left out"
            else:
                assert epoch == following, "two have written at once"
            following = epoch + (kind == "epoch")
            epochs += [epoch] if kind == "epoch" else []
        return epochs

    def events(self, name: str) -> list[tuple[str, int]]:
        """The ends of its epochs, and at which epoch it was resumed."""
        try:
            lines = (self.runs[name] / rundir.EVENTS).read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            return []
        events = [json.loads(line) for line in lines if line.endswith(b"\n")]
        return [(event["kind"], event["epoch"]) for event in events if event["kind"] in ("epoch", "resume")]

    def resumes(self, name: str) -> int:
        """How often it was resumed."""
        return sum(kind == "resume" for kind, _ in self.events(name))

    def job_state(self, job: str) -> str:
        """What Slurm says of a job."""
        return self.cluster.call("squeue", "-h", "-r", "-t", "all", "-o", "%T", "-j", job)

    def await_epoch(self, name: str, more: int = 1) -> int:
        """Wait until it has finished that many more epochs; returns the last."""
        goal = len(self.epochs(name)) + more
        wait_until(lambda: len(self.epochs(name)) >= goal, f"{name} trains")
        return self.epochs(name)[-1]

    def trainings(self, name: str) -> list[int]:
        """The processes that train it, on any node."""
        processes = processes_of(self.runs[name])
        return [process.pid for process in processes if STAND_IN["DHC_TRAINER"] in process.info["cmdline"]]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if why := slurm_cluster.hindrance():
        pytest.skip(why)
    with SlurmCluster() as cluster, pytest.MonkeyPatch.context() as patch:
        for name, value in (cluster.environment | QUICK).items():
            patch.setenv(name, value)
        lab = Lab(cluster, tmp_path_factory.mktemp("slurm"))
        try:
            yield lab
        finally:
            kill_processes_of(lab.runs_dir)


def soon(holds: Callable[[], bool], what: str) -> None:
    wait_until(holds, what, PROMPT)


def what_slurm_refuses_is_said_with_what_helps_and_goes_on_once_that_is_done(lab: Lab) -> None:
    lab.settings(partition="nowhere")
    lab.launch("short", **{"fit.epochs": 2})
    soon(lambda: "no such partition" in cluster_of(lab.runs_dir, "slurm").problem, "Slurm refuses it")
    assert lab.status("short").state is State.QUEUED
    lab.settings(partition="low")
    wait_until(lambda: lab.status("short").state is State.FINISHED, "it goes on")
    assert cluster_of(lab.runs_dir, "slurm").problem == ""


def a_trial_finds_nothing_to_mend(lab: Lab) -> None:
    words = ("try", "slurm", "--data-dir", str(lab.runs_dir.parent), "--runs", str(lab.runs_dir))
    trial = subprocess.run(python("-m", "dhc", "machines", *words), cwd=REPOSITORY, capture_output=True, text=True)
    assert trial.returncode == 0, trial.stdout + trial.stderr


def a_sweep_is_one_array_and_what_waits_says_why(lab: Lab) -> None:
    lab.settings(minutes=1, partition="apart")  # begun anew after a disturbance, its minute would be, too
    lab.launch("limited")
    soon(lambda: lab.handed("limited").node != "", "the first run has a node")
    lab.settings(cpus=3)
    configs = [lab.config.with_values({"fit.seed": seed}) for seed in range(4)]
    _, ids = groups.start_group(configs, lab.runs_dir, "four seeds")
    names = ["long", "killed", "stopped", "scancelled"]
    lab.runs |= {name: lab.runs_dir / run_id for name, run_id in zip(names, ids, strict=True)}
    soon(lambda: all("no machine has room" in lab.status(name).reason for name in names[2:]), "two say why they wait")
    jobs = {name: lab.handed(name).job for name in names}
    assert [job.partition("_")[2] for job in jobs.values()] == ["0", "1", "2", "3"]
    assert len({job.partition("_")[0] for job in jobs.values()}) == 1
    assert {lab.handed(name).node for name in names[:2]} == {"n1", "n2"}

    launch.stop(lab.runs_dir, ids[2])
    lab.cluster.call("scancel", jobs["scancelled"])
    wait_until(lambda: lab.status("killed").state is State.RUNNING, "one is there to be killed")
    control.kill(lab.runs_dir, ids[1])
    assert lab.status("killed").cause == "kill"
    soon(lambda: not lab.trainings("killed"), "nothing of it is left")
    soon(lambda: not lab.status("scancelled").state.alive, "its end is recorded")
    assert (lab.status("scancelled").state, lab.status("scancelled").cause) == (State.KILLED, "scancel")
    assert lab.status("stopped").cause == "cancelled"
    assert lab.job_state(jobs["stopped"]) in ("", "CANCELLED")


def a_preempted_run_goes_on_with_the_epoch_behind_its_last(lab: Lab) -> None:
    lab.await_epoch("long", 2)
    lab.cluster.call(*HIGH, "-w", lab.handed("long").node)
    soon(lambda: "higher priority" in lab.status("long").reason, "its machine is wanted")
    soon(lambda: lab.status("long").state is State.QUEUED, "it waits again")
    last = lab.epochs("long")[-1]
    lab.await_epoch("long")
    assert ("resume", last + 1) in lab.events("long")


def a_run_whose_node_is_cut_off_goes_on_elsewhere_and_never_twice_at_once(lab: Lab) -> None:
    soon(lambda: lab.handed("long").node != "", "the worker has heard where it is")
    before = lab.handed("long").node
    lab.cluster.cut(before)
    (old,) = lab.trainings("long")
    wait_until(lambda: lab.handed("long").node not in ("", before), "Slurm begins it elsewhere")
    soon(lambda: old not in lab.trainings("long"), "the old training ends by itself")
    lab.await_epoch("long", 2)
    assert len(lab.trainings("long")) == 1
    assert lab.resumes("long") == 2
    lab.cluster.heal(before)


def the_head_and_the_worker_may_go_away_for_a_while(lab: Lab) -> None:
    lab.cluster.stop_controller()
    for process in processes_of(lab.runs_dir):
        if "dhc.cluster.worker" in process.info["cmdline"]:
            process.send_signal(signal.SIGKILL)
    launch.start_worker(lab.runs_dir, "slurm")
    soon(lambda: "controller does not answer" in cluster_of(lab.runs_dir, "slurm").problem, "this is said")
    lab.await_epoch("long")
    assert lab.status("long").state is State.RUNNING
    lab.cluster.start_controller()
    soon(lambda: cluster_of(lab.runs_dir, "slurm").problem == "", "the head is found again")
    soon(lambda: lab.handed("long").node != "", "and what it runs")


def a_run_that_is_lost_with_its_node_does_not_seem_to_run(lab: Lab) -> None:
    lab.settings(partition="narrow")
    lab.launch("large", **{"model.name": "cnn3"})  # which trains in earnest
    lab.cluster.kill_node(lab.handed("long").node)
    soon(lambda: lab.status("long").state is not State.RUNNING, "it does not seem to run")
    assert "no sign of life" in lab.status("long").reason or "took it back" in lab.status("long").reason
    launch.stop(lab.runs_dir, lab.runs["long"].name)


def what_the_limits_end_says_so(lab: Lab) -> None:
    wait_until(lambda: not lab.status("limited").state.alive, "the time limit comes")
    assert (lab.status("limited").state, lab.status("limited").cause) == (State.STOPPED, "limit")
    assert rundir.next_epoch(lab.runs["limited"]) == lab.epochs("limited")[-1] + 1
    if lab.cluster.limits_memory:
        wait_until(lambda: not lab.status("large").state.alive, "Slurm gives it no more memory")
        assert (lab.status("large").state, lab.status("large").cause) == (State.KILLED, "memory")


CLAIMS = (
    what_slurm_refuses_is_said_with_what_helps_and_goes_on_once_that_is_done,
    a_trial_finds_nothing_to_mend,
    a_sweep_is_one_array_and_what_waits_says_why,
    a_preempted_run_goes_on_with_the_epoch_behind_its_last,
    a_run_whose_node_is_cut_off_goes_on_elsewhere_and_never_twice_at_once,
    the_head_and_the_worker_may_go_away_for_a_while,
    a_run_that_is_lost_with_its_node_does_not_seem_to_run,
    what_the_limits_end_says_so,
)


def test_runs_live_through_all_that_slurm_and_others_do_to_them(lab: Lab) -> None:
    """One after the other; a second try begins with another Slurm."""
    tell(CLAIMS, lab)
