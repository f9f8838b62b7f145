"""Ends of a training: each fault done to real processes, then the state, the words, the epochs, and going on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from networks import plain_network

from dhc.config import RunConfig
from dhc.errors import RunError
from dhc.jobs import control, launch
from dhc.jobs import queue as queues
from dhc.runs import rundir
from dhc.runs.autopsy import autopsy
from dhc.runs.identity import boot_id
from dhc.runs.predictions import read_predictions
from dhc.runs.status import State
from faults.cases import Case, fault
from faults.conftest import EPOCHS, KNN, SOON, Bench, until

pytestmark = pytest.mark.slow


@fault("normal end", done="a run trains to its last epoch", state="finished")
def test_a_normal_end(bench: Bench, case: Case) -> None:
    folder = bench.start(fit__epochs=3)
    bench.check(folder, case, bench.epochs(folder), within=60)
    assert not (folder / rundir.RESUME).exists()
    assert not (folder / rundir.RESERVE).exists()
    until(lambda: not bench.processes(), "worker and child end", 10)


@fault("stop", done="Stop is pressed while it trains", state="stopped", says="You, or someone else, stopped it")
def test_a_stop(bench: Bench, case: Case) -> None:
    folder = bench.start(fit__epochs=EPOCHS)
    before = bench.epochs(folder)
    child = bench.pid(folder)
    launch.stop(bench.runs_dir, folder.name)
    bench.check(folder, case, before, within=60)
    until(lambda: not psutil.pid_exists(child), "the process is gone", 30)
    assert (folder / rundir.BEST).is_file()
    assert len(read_predictions(folder).y_pred) == bench.info(folder).epochs_done
    with pytest.raises(RunError, match="is stopped: only a queued or running one"):
        launch.stop(bench.runs_dir, folder.name)
    bench.resumes(folder, before)


@fault(
    "stop before the first batch", done="Stop is pressed while the backend starts", state="stopped", says="stopped it"
)
def test_a_stop_while_it_starts(started_bench: Bench, case: Case) -> None:
    folder = started_bench.queue()
    until(lambda: started_bench.info(folder).state is State.RUNNING, "it starts")
    launch.stop(started_bench.runs_dir, folder.name)
    started_bench.check(folder, case, started_bench.epochs(folder), within=60)


@fault("cancel", done="a queued run is taken out of the queue", state="stopped", says="taken out of the queue")
def test_a_queued_run_is_cancelled(bench: Bench, case: Case) -> None:
    first, second = bench.start(epochs=1), bench.queue()
    launch.stop(bench.runs_dir, second.name)
    bench.check(second, case, bench.epochs(second))
    assert "Start again" in bench.shown(second)
    launch.stop(bench.runs_dir, first.name)
    until(lambda: not bench.processes(), "the worker ends without starting it", 60)
    assert not (second / rundir.PROCESS).exists()


@fault("terminate", done="SIGTERM to the training", state="stopped", says="stopped it")
def test_terminated(bench: Bench, case: Case) -> None:
    folder = bench.start()
    before = bench.epochs(folder)
    os.kill(bench.pid(folder), signal.SIGTERM)
    bench.check(folder, case, before, within=60)


@fault("kill button", done="Kill is pressed", state="killed", says="killed it")
def test_killed_on_request(bench: Bench, case: Case) -> None:
    folder = bench.start()
    before = bench.epochs(folder)
    control.kill(bench.runs_dir, folder.name)
    bench.check(folder, case, before)


@fault(
    "kill -9 of the training",
    done="SIGKILL to the child",
    state="killed",
    says="Someone, or the system, killed its process",
)
def test_kill_of_the_child(bench: Bench, case: Case, killed: Path) -> None:
    """`dead_runs` saw its state in time; that it resumes is `test_a_torn_last_line`'s."""
    bench.check(killed, case, bench.epochs(killed))
    assert bench.info(killed).epochs_done >= 3
    assert len(read_predictions(killed).y_pred) >= 3
    assert "SIGKILL" in bench.info(killed).status.reason
    assert "Resume" in bench.shown(killed)


@fault("crash in a library", done="SIGSEGV to the training", state="killed", says="crashed inside a library")
def test_a_segmentation_fault(bench: Bench, case: Case) -> None:
    folder = bench.start()
    before = bench.epochs(folder)
    os.kill(bench.pid(folder), signal.SIGSEGV)
    bench.check(folder, case, before)


@fault("kill -9 of the worker", done="SIGKILL to the worker", state="finished")
def test_kill_of_the_worker(bench: Bench, case: Case) -> None:
    folder = bench.start(fit__epochs=EPOCHS)
    worker = bench.pid(folder, "worker")
    with bench.paused(folder):  # else a slow machine trains to the end meanwhile
        os.kill(worker, signal.SIGKILL)
        before = bench.epochs(folder)
        until(lambda: not psutil.pid_exists(worker), "the worker is gone", SOON)
        assert bench.info(folder).state is State.RUNNING
    bench.check(folder, case, before, within=60)


@fault(
    "kill -9 of worker and training",
    done="SIGKILL to both",
    state="crashed",
    says="both were killed, or memory ran out",
)
def test_kill_of_both(bench: Bench, case: Case, crashed: Path) -> None:
    """`dead_runs` saw its state in time."""
    before = bench.epochs(crashed)
    assert len(before) >= 3
    bench.check(crashed, case, before)
    bench.resumes(crashed, before)


@fault(
    "kill -9 of the server",
    done="SIGKILL to the process group that launched it, then to the worker, which outlives it",
    state="finished",
)
def test_kill_of_the_server(started_bench: Bench, case: Case) -> None:
    code = (
        "import sys, time; from pathlib import Path; from dhc.config import RunConfig; from dhc.jobs.launch import launch; "
        f"print(launch(RunConfig.from_json(sys.stdin.read()), Path({str(started_bench.runs_dir)!r})), flush=True); time.sleep(600)"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(started_bench.config.with_values({"fit.epochs": EPOCHS}).to_json())
    server.stdin.close()
    folder = started_bench.runs_dir / server.stdout.readline().strip()
    until(lambda: started_bench.info(folder).epochs_done >= 1, "an epoch")
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()
    server.stdout.close()
    os.kill(started_bench.pid(folder, "worker"), signal.SIGKILL)  # it outlived the server
    before = started_bench.epochs(folder)
    until(lambda: started_bench.info(folder).epochs_done > len(before), "training goes on")
    started_bench.check(folder, case, before, within=60)


@fault("a paused process", done="SIGSTOP to the training, later SIGCONT", state="running")
def test_a_paused_process_still_runs(bench: Bench, case: Case) -> None:
    folder = bench.start(fit__epochs=EPOCHS)
    os.kill(bench.pid(folder), signal.SIGSTOP)
    time.sleep(1)
    bench.check(folder, case, bench.epochs(folder))
    os.kill(bench.pid(folder), signal.SIGCONT)
    until(lambda: bench.info(folder).state is State.FINISHED, "it goes on to its end")


@fault(
    "loss becomes NaN",
    done="SGD with a learning rate of 10",
    state="failed",
    says=("The loss became NaN at epoch", "Restart with LR ÷ 10"),
)
def test_a_loss_that_is_no_number(bench: Bench, case: Case) -> None:
    wild = {"model__name": "cnn5", "model__activation": "leaky_relu", "model__width": 1 / 8}
    folder = bench.start(
        epochs=1, **wild, optimizer__name="sgd", optimizer__learning_rate=10.0, schedule__name="constant"
    )
    bench.check(folder, case, bench.epochs(folder), within=60)
    assert "Resume" not in bench.shown(folder)
    found = autopsy(bench.info(folder))
    assert found is not None
    assert found.offers[0].label == "Restart with LR ÷ 10"
    assert found.offers[0].changes["optimizer.learning_rate"] == 1.0


STARVED = """
import resource, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import numpy as np, psutil, tensorflow as tf
from dhc.training import __main__
from dhc.training.validation import Validation
judge = Validation.on_epoch_end
refused = ThreadPoolExecutor(1).submit(lambda: tf.zeros([1 << 20, 1 << 20, 16]) + 1)  # TensorFlow tries for ten seconds
def limited(self, epoch, logs=None):
    if epoch == 1:
        resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms + (64 << 20), resource.RLIM_INFINITY))
        np.ones(1 << 28)
    judge(self, epoch, logs)
def on_device(self, epoch, logs=None):
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
    if epoch == 1:
        try: refused.result()
        except Exception as error: print(type(error).__name__); raise
    judge(self, epoch, logs)
for folder, Validation.on_epoch_end in zip(sys.argv[1:], (limited, on_device)):
    assert __main__.run(Path(folder)) == 1
"""


@pytest.fixture(scope="module")
def starved(tmp_path_factory: pytest.TempPathFactory, tiny_data: Path) -> tuple[Bench, list[Path]]:
    """A bench and two runs of one process, to which NumPy gives no memory in epoch 2, and TensorFlow."""
    bench = Bench(tmp_path_factory.mktemp("starved") / "runs", plain_network(tiny_data))
    folders = [bench.waiting(), bench.waiting()]
    done = subprocess.run(
        [sys.executable, "-c", STARVED, *map(str, folders)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "ResourceExhausted" in done.stdout
    return bench, folders


@fault(
    "out of memory on the host",
    done="RLIMIT_AS of the training is lowered, and NumPy asks for more in epoch 2",
    state="failed",
    says=("It ran out of memory", "Restart with batch size halved"),
)
def test_out_of_memory(starved: tuple[Bench, list[Path]], case: Case) -> None:
    bench, (folder, _) = starved
    before = bench.epochs(folder)
    assert before["epoch"].tolist() == [1]
    bench.check(folder, case, before)
    assert bench.info(folder).status.cause == "memory"


@fault(
    "out of memory on the GPU",
    done="TensorFlow's own ResourceExhaustedError, raised by a real allocation",
    state="failed",
    says="It ran out of memory",
)
def test_the_backends_own_memory_error_is_understood(starved: tuple[Bench, list[Path]], case: Case) -> None:
    bench, (_, folder) = starved
    bench.check(folder, case, bench.epochs(folder))
    assert bench.info(folder).status.cause == "memory"


@fault("an exception", done="the user's own keras.json holds nonsense", state="failed", says="It met an error")
def test_an_exception(
    started_bench: Bench, case: Case, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path_factory.mktemp("keras")
    (home / "keras.json").write_text('{"floatx": "float99"}')
    monkeypatch.setenv("KERAS_HOME", str(home))
    folder = started_bench.start()
    until(lambda: not started_bench.info(folder).state.alive, "it ends")
    started_bench.check(folder, case, started_bench.epochs(folder))
    found = autopsy(started_bench.info(folder))
    assert found is not None
    assert "line" in found.frame
    assert "Traceback" in (folder / rundir.LOG).read_text()
    assert "Traceback" not in started_bench.shown(folder)


@fault(
    "the machine restarts",
    done="both are killed, and the boot id of their record is another one",
    state="crashed",
    says="The machine restarted while it ran",
)
def test_a_restart_of_the_machine(bench: Bench, case: Case, crashed: Path) -> None:
    waiting = bench.waiting(**KNN)
    before = bench.epochs(crashed)
    _edit(crashed / rundir.PROCESS, child={"boot": "00000000-0000-0000-0000-000000000000"})
    bench.check(crashed, case, before)
    assert bench.info(waiting).state is State.QUEUED
    assert queues.worker_of(bench.runs_dir, "cpu") is None
    assert launch.work(bench.runs_dir) == ["cpu"]
    until(lambda: bench.info(waiting).state is State.FINISHED, "the queue goes on")


@fault(
    "a restart, and its number is another program's",
    done="the record names this very test's pid with another start",
    state="crashed",
    says="both were killed",
)
def test_a_reused_pid(bench: Bench, case: Case, crashed: Path) -> None:
    before = bench.epochs(crashed)
    _edit(crashed / rundir.PROCESS, child={"pid": os.getpid(), "boot": boot_id()})
    bench.check(crashed, case, before)
    with pytest.raises(RunError, match="there is no process to kill"):
        control.kill(bench.runs_dir, crashed.name)


@fault(
    "the clock is set back an hour",
    done="every time recorded so far lies an hour ahead of now",
    state="running",
)
def test_a_clock_that_was_set_back(bench: Bench, case: Case) -> None:
    folder = bench.start()
    _edit(folder / rundir.PROCESS, child=_later(folder, "child"), worker=_later(folder, "worker"))
    _edit(folder / rundir.REQUEST, place=time.time() + 3600)
    for path in folder.iterdir():
        os.utime(path, (time.time() + 3600,) * 2)
    bench.check(folder, case, bench.epochs(folder))
    waiting = [bench.queue(**KNN), bench.queue(**KNN)]
    assert queues.queue(bench.runs_dir, "cpu") == waiting
    os.kill(bench.pid(folder), signal.SIGKILL)
    until(lambda: bench.info(folder).state is State.KILLED, "its end is recorded", SOON)
    assert "killed its process" in bench.shown(folder)
    until(lambda: all(bench.info(f).state is State.FINISHED for f in waiting), "the queue goes on")


@fault(
    "copied from another machine",
    done="the folder's record names another host, another machine and another boot",
    state="crashed",
    says="It ran on another machine",
)
def test_a_copy_from_another_machine(bench: Bench, case: Case, crashed: Path) -> None:
    before = bench.epochs(crashed)
    _edit(crashed / rundir.PROCESS, child={"boot": "another", "machine": "another"}, host="another-machine")
    bench.check(crashed, case, before)
    bench.resumes(crashed, before)


@fault(
    "killed in the middle of a line",
    done="SIGKILL, and half a line at the end of events.jsonl",
    state="killed",
    says="killed its process",
)
def test_a_torn_last_line(bench: Bench, case: Case, killed: Path) -> None:
    before = bench.epochs(killed)
    with (killed / rundir.EVENTS).open("a") as file:
        file.write('{"t": 1.0, "kind": "epo')
    bench.check(killed, case, before)
    bench.resumes(killed, before)


@fault(
    "the saved state is damaged",
    done="SIGKILL, then the state to go on from is cut in half",
    state="failed",
    says="could not go on from its saved state",
)
def test_a_damaged_state(bench: Bench, case: Case, killed: Path) -> None:
    before = bench.epochs(killed)
    for state in (killed / rundir.RESUME).glob("*/state.npz"):
        os.truncate(state, state.stat().st_size // 2)
    best = (killed / rundir.BEST).read_bytes()
    launch.resume(bench.runs_dir, killed.name)
    until(lambda: not bench.info(killed).state.alive, "it refuses")
    bench.check(killed, case, before)
    found = autopsy(bench.info(killed))
    assert found is not None
    assert "its files are damaged or were edited: start a copy" in found.reason
    assert [offer.label for offer in found.offers] == ["Start a copy"]
    assert (killed / rundir.BEST).read_bytes() == best


@fault(
    "the saved state does not fit the network",
    done="SIGKILL, then the settings are given another width, as an update of the program might",
    state="failed",
    says="could not go on from its saved state",
)
def test_a_state_that_does_not_fit(bench: Bench, case: Case, killed: Path) -> None:
    before = bench.epochs(killed)
    config = RunConfig.from_json((killed / rundir.CONFIG).read_bytes())
    rundir.write_json(killed / rundir.CONFIG, config.with_values({"model.width": 1.0}).model_dump())
    best = (killed / rundir.BEST).read_bytes()
    launch.resume(bench.runs_dir, killed.name)
    until(lambda: not bench.info(killed).state.alive, "it refuses")
    bench.check(killed, case, before)
    found = autopsy(bench.info(killed))
    assert found is not None
    assert "start a copy" in found.reason
    assert [(offer.kind, offer.label) for offer in found.offers] == [("restart", "Start a copy")]
    assert (killed / rundir.BEST).read_bytes() == best


@fault(
    "the saved state tells nonsense",
    done="SIGKILL, then the record in it says epoch 10⁹",
    state="failed",
    says="could not go on from its saved state",
)
def test_a_state_that_tells_nonsense(bench: Bench, case: Case, killed: Path) -> None:
    before = bench.epochs(killed)
    (path,) = (killed / rundir.RESUME).glob("*/state.npz")
    with np.load(path) as file:
        values = dict(file)
    values["told"] = np.array(json.dumps(json.loads(str(values["told"])) | {"epoch": 10**9}))
    np.savez(path, **values)
    launch.resume(bench.runs_dir, killed.name)
    until(lambda: not bench.info(killed).state.alive, "it refuses")
    bench.check(killed, case, before)
    assert "its files are damaged or were edited: start a copy" in bench.info(killed).status.reason


@pytest.mark.parametrize("split", ["val", "train"])
@fault(
    "resumed on other pictures",
    done="SIGKILL, then a row is taken out of val.csv, or a training picture becomes another",
    state="failed",
    says="could not go on from its saved state",
)
def test_resumed_on_other_pictures(bench: Bench, case: Case, killed: Path, tmp_path: Path, split: str) -> None:
    before = bench.epochs(killed)
    config = RunConfig.from_json((killed / rundir.CONFIG).read_bytes())
    data = shutil.copytree(config.data.path, tmp_path / "data")
    rundir.write_json(killed / rundir.CONFIG, config.with_values({"data.path": str(data)}).model_dump())
    if split == "val":
        table = data / "val.csv"
        table.write_text("\n".join(table.read_text().splitlines()[:-1]) + "\n")
    else:
        first, second = sorted((data / "train_images").iterdir())[:2]
        first.write_bytes(second.read_bytes())
    launch.resume(bench.runs_dir, killed.name)
    until(lambda: not bench.info(killed).state.alive, "it refuses")
    bench.check(killed, case, before)
    assert f"was reached with other {split} pictures" in bench.info(killed).status.reason
    assert "put them back and resume, or start a copy" in bench.info(killed).status.reason


def _edit(path: Path, **changes: object) -> None:
    record = rundir.read_json(path)
    assert record is not None
    for name, value in changes.items():
        record[name] = {**record[name], **value} if isinstance(value, dict) else value
    rundir.write_json(path, record)


def _later(folder: Path, who: str) -> dict[str, float]:
    record = rundir.read_json(folder / rundir.PROCESS)
    assert record is not None
    return {"created": record[who]["created"] + 3600}
