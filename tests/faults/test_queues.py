"""Faults of the queue: several workers, several servers, killed ones, other orders. Runs of nearest neighbours: a second each."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dhc.errors import RunError
from dhc.jobs import launch, trash
from dhc.jobs import queue as queues
from dhc.jobs.process import python
from dhc.runs import rundir
from dhc.runs.status import State
from dhc.runs.store import Store
from faults.cases import Case, fault
from faults.conftest import Bench, until

pytestmark = pytest.mark.slow


def starts(folder: Path) -> int:
    """How many processes have begun this run."""
    events = Store(folder.parent).log(folder.name).others
    return sum(event.get("phase") == "starting" for event in events)


@fault(
    "two workers of one device",
    done="five workers are started at once for three queued runs",
    state="finished",
)
def test_no_run_is_started_twice(bench: Bench, case: Case) -> None:
    config = bench.knn
    ids = launch.launch_all([config] * 3, bench.runs_dir)
    for _ in range(5):
        launch.start_worker(bench.runs_dir, "cpu")
    folders = [bench.runs_dir / run_id for run_id in ids]
    until(lambda: all(case.has_state(bench.info(f).state) for f in folders), "all finish")
    assert [starts(folder) for folder in folders] == [1, 1, 1]
    ends = [(rundir.read_json(f / rundir.EXIT) or {})["t"] for f in folders]
    assert ends == sorted(ends), "one after the other, first come first served"
    until(lambda: not bench.processes(), "no worker stays", 30)


@fault(
    "two servers on one folder",
    done="two processes launch two runs each into one folder at the same time",
    state="finished",
)
def test_two_servers_share_a_folder(bench: Bench, case: Case) -> None:
    code = (
        "import sys; from pathlib import Path; from dhc.config import RunConfig; from dhc.jobs.launch import launch\n"
        f"config = RunConfig.from_json(sys.stdin.read())\nfor _ in range(2): launch(config, Path({str(bench.runs_dir)!r}))"
    )
    text = bench.knn.to_json()
    servers = [subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, text=True) for _ in range(2)]
    for server in servers:
        assert server.stdin is not None
        server.stdin.write(text)
        server.stdin.close()
    assert [server.wait() for server in servers] == [0, 0]
    store = Store(bench.runs_dir)
    assert len(store.ids()) == 4
    until(lambda: all(case.has_state(info.state) for info in store.runs()), "all finish")
    assert [starts(bench.runs_dir / run_id) for run_id in store.ids()] == [1] * 4


@fault(
    "a training started by hand besides",
    done="python -m dhc.training on a run that trains",
    state="running",
    says="already being trained",
)
def test_a_second_training_is_refused(bench: Bench, case: Case) -> None:
    folder = bench.start(epochs=1)
    second = subprocess.run(python("-m", "dhc.training", str(folder)), capture_output=True, text=True, check=False)
    assert second.returncode == rundir.TAKEN
    assert case.is_said(second.stderr)
    assert case.has_state(bench.info(folder).state)


@fault(
    "a training started by hand afterwards",
    done="python -m dhc.training on a run that has finished",
    state="finished",
    says="has ended: `python -m dhc runs resume … resumes it",
)
def test_a_finished_run_is_not_trained_again(bench: Bench, case: Case) -> None:
    folder = bench.runs_dir / launch.launch(bench.knn, bench.runs_dir)
    until(lambda: case.has_state(bench.info(folder).state) and not bench.processes(), "it finishes")
    again = subprocess.run(python("-m", "dhc.training", str(folder)), capture_output=True, text=True, check=False)
    assert again.returncode == 2
    assert case.is_said(again.stderr)
    assert case.has_state(bench.info(folder).state)
    assert starts(folder) == 1


@fault(
    "worker killed with runs waiting",
    done="SIGKILL to the worker; its training goes on, another run is launched",
    state="queued",
    says="still trains on this device",
)
def test_one_at_a_time_even_after_a_kill(bench: Bench, case: Case) -> None:
    alone = bench.start(epochs=1)
    os.kill(bench.pid(alone, "worker"), signal.SIGKILL)
    second = bench.runs_dir / launch.launch(bench.knn, bench.runs_dir)
    until(lambda: (w := queues.worker_of(bench.runs_dir, "cpu")) is not None and case.is_said(w.waits), "it waits")
    assert case.has_state(bench.info(second).state)
    launch.stop(bench.runs_dir, alone.name)
    until(lambda: bench.info(second).state is State.FINISHED, "the queue goes on")
    assert bench.info(alone).state is State.STOPPED


@fault("reorder", done="the last of three queued runs is moved to the front", state="finished")
def test_a_moved_run_is_next(bench: Bench, case: Case) -> None:
    busy = bench.start(epochs=1)
    config = bench.knn
    first, second, third = launch.launch_all([config] * 3, bench.runs_dir)
    queues.move(bench.runs_dir, third, 0)
    queues.move(bench.runs_dir, first, 1)
    assert [folder.name for folder in queues.queue(bench.runs_dir, "cpu")] == [third, first, second]
    with pytest.raises(RunError, match="does not wait in a queue: it is running"):
        queues.move(bench.runs_dir, busy.name, 0)
    launch.stop(bench.runs_dir, busy.name)
    until(lambda: all(case.has_state(bench.info(bench.runs_dir / r).state) for r in (first, second, third)), "all end")
    ends = [(rundir.read_json(bench.runs_dir / r / rundir.EXIT) or {})["t"] for r in (third, first, second)]
    assert ends == sorted(ends)


@fault(
    "the browser and the server are gone over night",
    done="four runs are queued by a process that then ends",
    state="finished",
)
def test_four_runs_without_anyone(bench: Bench, case: Case) -> None:
    code = (
        "import sys; from pathlib import Path; from dhc.config import RunConfig; from dhc.jobs.launch import launch_all\n"
        f"launch_all([RunConfig.from_json(sys.stdin.read())] * 4, Path({str(bench.runs_dir)!r}))"
    )
    text = bench.knn.to_json()
    subprocess.run([sys.executable, "-c", code], input=text, text=True, check=True)
    store = Store(bench.runs_dir)
    until(lambda: [case.has_state(info.state) for info in store.runs()] == [True] * 4, "four results", 300)


@fault(
    "a queue that nobody works on",
    done="a queued run without any worker, as after a restart, then `runs work`",
    state="queued",
    says="no worker is running; `python -m dhc runs work` starts one",
)
def test_runs_work_goes_on(bench: Bench, case: Case) -> None:
    folder = bench.waiting(model__name="knn")
    assert case.is_said(command("queue", bench.runs_dir))
    assert case.has_state(bench.info(folder).state)
    assert "cpu: 1 queued, a worker is running" in command("work", bench.runs_dir)
    until(lambda: bench.info(folder).state is State.FINISHED, "it is done")


@fault(
    "resumed by two people at once",
    done="four processes resume a stopped run at the same moment",
    state="finished",
    says="is queued already | is running already | is being started",
)
def test_a_run_resumed_twice_is_started_once(bench: Bench, case: Case) -> None:
    run_id = launch.launch(bench.knn, bench.runs_dir)
    launch.stop(bench.runs_dir, run_id)
    folder = bench.runs_dir / run_id
    until(lambda: bench.info(folder).state is State.STOPPED and not bench.processes(), "it is stopped")
    before = starts(folder)
    with people(bench.runs_dir, 4) as together:
        told = together(*[f"launch.resume(runs, {run_id!r})"] * 4)
    assert told.count("") == 1
    assert all(case.is_said(line) for line in told if line)
    until(lambda: case.has_state(bench.info(folder).state) and not bench.processes(), "it finishes")
    assert starts(folder) == before + 1


@fault(
    "deleted and resumed at once",
    done="two processes, one of which deletes a stopped run while the other resumes it",
    says="stop it before you delete it | was deleted just now | there is no run",
)
def test_a_run_is_deleted_or_resumed_never_both(bench: Bench, case: Case) -> None:
    with people(bench.runs_dir, 2) as together:
        for _ in range(3):
            run_id = launch.launch(bench.knn, bench.runs_dir)
            launch.stop(bench.runs_dir, run_id)
            folder = bench.runs_dir / run_id
            until(lambda f=folder: bench.info(f).state is State.STOPPED and not bench.processes(), "it is stopped")  # type: ignore[misc]
            told = together(f"trash.delete(runs, {run_id!r})", f"launch.resume(runs, {run_id!r})")
            assert told.count("") == 1, told
            assert case.is_said("".join(told))
            if folder.exists():
                until(lambda f=folder: bench.info(f).state is State.FINISHED, "it goes on")  # type: ignore[misc]
                assert "stop it before you delete it" in told[0]
            else:
                assert "was deleted just now" in told[1] or "there is no run" in told[1]
                assert trash.latest(bench.runs_dir, run_id).is_dir()


@fault(
    "requests edited by hand",
    done="no device, a list, a device that is none, places of NaN and 10⁴⁰⁰, between two sound requests",
    state="finished",
)
def test_a_strange_request_stops_no_queue(bench: Bench, case: Case) -> None:
    config = bench.knn.model_dump()
    strange = [
        "{}",
        '{"device": []}',
        '{"device": "GPU"}',
        '{"device": "cpu", "place": NaN}',
        '{"place": 1' + 400 * "0" + "}",
    ]
    for text in ['{"device": "cpu", "place": 1}', *strange, '{"device": "cpu", "place": 2}']:
        folder = rundir.create(bench.runs_dir, "knn")
        rundir.write_json(folder / rundir.CONFIG, config)
        (folder / rundir.REQUEST).write_text(text)
    assert "cpu: 7 queued" in command("work", bench.runs_dir)
    until(lambda: all(case.has_state(info.state) for info in Store(bench.runs_dir).runs()), "all finish")


@fault(
    "queued for a GPU that is not here",
    done="a run folder of another machine, whose request names gpu:99, then `runs work`, then resume",
    state="failed",
    says="The device that it was to run on is not here",
)
def test_a_missing_gpu_is_said_and_resume_goes_on_without(bench: Bench, case: Case) -> None:
    folder = rundir.create(bench.runs_dir, "knn")
    rundir.write_json(folder / rundir.CONFIG, bench.knn.model_dump())
    rundir.write_json(folder / rundir.REQUEST, {"queued_at": time.time(), "device": "gpu:99"})
    launch.work(bench.runs_dir)
    until(lambda: not bench.info(folder).state.alive, "it ends")
    bench.check(folder, case, bench.epochs(folder))
    assert "gpu:99 is not here" in bench.shown(folder)
    launch.resume(bench.runs_dir, folder.name)
    until(lambda: bench.info(folder).state is State.FINISHED, "it runs on what is here")
    assert bench.info(folder).device == "cpu"


@contextmanager
def people(runs_dir: Path, count: int) -> Iterator[Callable[..., list[str]]]:
    """So many processes that wait. What is given does an action in each, at the same moment, and returns what each was
    refused with, "" where it was not."""
    code = (
        "import sys; from pathlib import Path; from dhc.jobs import launch, trash; from dhc.errors import RunError\n"
        "runs = Path(sys.stdin.readline().strip()); print('ready', flush=True)\n"
        "for action in sys.stdin:\n    said = ''\n"
        "    try:\n        exec(action)\n    except RunError as error:\n        said = ' '.join(str(error).split())\n"
        "    print(said, flush=True)"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen([sys.executable, "-c", code], **pipes) for _ in range(count)]  # type: ignore[call-overload]
    for process in processes:
        process.stdin.write(f"{runs_dir}\n")  # no word of its command, by which a process of the bench is known
        process.stdin.flush()
    for process in processes:
        assert process.stdout.readline() == "ready\n"

    def together(*actions: str) -> list[str]:
        for process, action in zip(processes, actions, strict=True):
            process.stdin.write(action + "\n")
            process.stdin.flush()
        return [process.stdout.readline().strip() for process in processes]

    yield together
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0] * count


def command(name: str, runs_dir: Path, *arguments: str) -> str:
    """What `python -m dhc runs NAME` prints."""
    words = python("-m", "dhc", "runs", name, *arguments, "--runs", str(runs_dir))
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout
