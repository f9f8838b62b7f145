"""Launching, stopping and resuming runs, by way of their device's queue."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, Literal

from dhc.config import RunConfig
from dhc.data.layout import open_dataset
from dhc.data.select import class_count
from dhc.errors import ConfigError, DeviceError, RunError
from dhc.files import remove, write
from dhc.jobs import ready, webhook
from dhc.jobs.hung import end_hung_worker
from dhc.jobs.process import detach, python, worker_module
from dhc.jobs.queue import STEP, devices, last_place
from dhc.machine import hardware
from dhc.models.cost import cost
from dhc.runs import room, rundir
from dhc.runs.config_file import read_config, write_config
from dhc.runs.contract import Design, Exit, Handed, Labels, RateSearch, Request
from dhc.runs.fit import require_fit, require_fit_queue
from dhc.runs.labels import NO_LABELS, new_labels
from dhc.runs.lock import hold
from dhc.runs.status import State, status_of
from dhc.text import quote_path

ENGINE_PACKAGES = {"ray": "ray", "slurm": "submitit"}
INSTALL = "pip install -r requirements-cluster.txt -c constraints.txt"


def launch(config: RunConfig, runs_dir: Path, *, name: str = "", **about: Any) -> str:
    """Queue a run and make sure that a worker is there; returns its id at once.

    `name` is what the run is called, `about` what else `launch_all` takes. What is bound to fail is refused before there is a folder: DataError for the pictures'
    tables, DeviceError for a device or a backend that is not there.
    """
    (run_id,) = launch_all([config], runs_dir, names=[name], **about)
    return run_id


def launch_all(
    configs: Iterable[RunConfig],
    runs_dir: Path,
    *,
    group: str = "",
    parent: str = "",
    bet: Mapping[str, float] | None = None,
    rule: Literal["", "median"] = "",
    names: Sequence[str] = (),
    note: str = "",
    search: RateSearch | None = None,
    design: Design = "",
    sought: str = "",
) -> list[str]:
    """Queue runs in the given order, or none where `launch` refuses one; returns their ids.

    `group` names the sweep that they belong to, `design` how its settings were chosen, `parent` the run that they are changed copies of, `bet` what a person
    expects of the end: val_accuracy, accuracy (0 to 1), each or both. The `rule` median stops a run early that does worse
    than the group's ended ones did (`dhc.training.median`). `names` are one for each config, or none at all; with the `note`
    they become the runs' labels. With `search` no run is trained, but a learning rate sought with its settings; `sought` is the search from which the runs
    took theirs. Raises RunError for a text that is too long.
    """
    about: dict[str, Any] = {
        "group": group,
        "parent": parent,
        "bet": dict(bet or {}),
        "rule": rule,
        "search": search,
        "design": design,
        "sought": sought,
    }
    about = {name: value for name, value in about.items() if value}  # what says nothing is not written
    ready = [_ready(config) for config in configs]
    labels = [new_labels(name=name, note=note) for name in names or [""] * len(ready)]
    require_fit_queue(runs_dir)
    ids: list[str] = []
    place = last_place(runs_dir)
    try:
        for (config, device, classes), labels_of_run in zip(ready, labels, strict=True):
            turn = place + len(ids) * STEP
            request = Request(queued_at=time.time(), device=device, place=turn, classes=classes, **about)
            ids.append(_enqueue(config, runs_dir, request, labels_of_run))
    finally:  # on a full disk, what could be queued runs
        for device in {device for _, device, _ in ready[: len(ids)]}:
            start_worker(runs_dir, device)
    return ids


def _ready(config: RunConfig) -> tuple[RunConfig, str, int]:
    """The config with its full path, its device, and how many classes its pictures have; raises what `launch` raises."""
    config = with_absolute_path(config)
    device = device_of(config)
    dataset = open_dataset(Path(config.data.path))
    cost(config, class_count(dataset, config.data.classes))
    return config, device, len(dataset.classes)


def device_of(config: RunConfig) -> str:
    """The device that a run with these settings is queued for: ``cpu``, ``gpu:0``, …

    Nearest neighbours use no GPU and no backend; what goes to a cluster needs neither here. Raises DeviceError for a device, a
    backend or an engine that is not here.
    """
    if config.device.where != "here":
        require_engine(config.device.where)
        return config.device.where
    if not config.trains_network:
        return hardware.resolve("cpu")
    hardware.require(config.device.backend)
    return hardware.resolve(config.device.device)


def require_engine(engine: str) -> None:
    """Raise DeviceError where the package that speaks to a cluster is not installed."""
    if not is_installed(engine):
        package, what = ENGINE_PACKAGES[engine], "" if engine == "ray" else ", which slurm needs"
        raise DeviceError(f"{package} is not installed here{what}: {INSTALL}")


def is_installed(engine: str) -> bool:
    """Whether the package that speaks to a cluster is here. Imports nothing."""
    return PathFinder.find_spec(ENGINE_PACKAGES[engine]) is not None


def _enqueue(config: RunConfig, runs_dir: Path, request: Request, labels: Labels) -> str:
    def fill(folder: Path) -> None:
        write_config(folder, config)
        request.write(folder)
        if labels != NO_LABELS:
            labels.write(folder)

    return create_run(runs_dir, config.model.name, fill)


def create_run(runs_dir: Path, model: str, fill: Callable[[Path], None]) -> str:
    """`rundir.create` → the run's id; where no file finds room any more, RunError says so."""
    try:
        return rundir.create(runs_dir, model, fill).name
    except OSError as error:
        if rundir.is_full(error) and (left := room.files_left(runs_dir)) is not None and left < room.FEW:
            raise RunError(f"the run cannot be queued: {room.shortage(runs_dir)}; remove some files") from error
        raise


def with_absolute_path(config: RunConfig) -> RunConfig:
    """The config with its data folder's full path, the same from any working directory. Raises ConfigError."""
    try:
        path = Path(config.data.path).expanduser().resolve()
    except (OSError, RuntimeError) as error:  # ~ without a home or of an unknown user, a loop of links
        raise ConfigError(
            f"data.path {quote_path(config.data.path)} leads nowhere ({error}): write the whole path"
        ) from error
    return config.with_values({"data.path": str(path)})


def work(runs_dir: Path) -> list[str]:
    """Start a worker for each device with queued runs, as after a restart, and for each cluster with runs; returns the devices.

    A worker that hangs is ended first. Raises RunError where it cannot be.
    """
    require_fit_queue(runs_dir)
    clusters = [device for device in devices(runs_dir, training=True) if device in rundir.ENGINES]
    waiting = sorted({*devices(runs_dir), *clusters})
    for device in waiting:
        end_hung_worker(runs_dir, device)
        start_worker(runs_dir, device)
    return waiting


def start_worker(runs_dir: Path, device: str) -> None:
    """Start a worker for the device's queue; one that finds another at work ends at once."""
    folder = runs_dir.resolve()
    ready.wake(rundir.worker_file(folder, device))
    detach(python("-m", worker_module(device), str(folder), device), log=folder / rundir.WORKER_LOG)


def stop(runs_dir: Path, run_id: str) -> None:
    """Ask a run to stop at its next batch, keeping its best network; take a queued one out.

    Raises RunError when there is no such run or when it has ended already.
    """
    folder = rundir.run_dir(runs_dir, run_id)
    state = status_of(folder).state
    if not state.alive:
        raise RunError(f"run {run_id} is {state.value}: only a queued or running one can be stopped")
    write.mark(folder / rundir.STOP)
    webhook.announce_cancelled([folder])


def stop_after_epoch(runs_dir: Path, run_id: str) -> None:
    """Ask a run that trains to end with the epoch that runs, which is evaluated and saved first.

    `stop` still ends it at once. Raises RunError when there is no such run, or when it trains no network just now.
    """
    folder = rundir.run_dir(runs_dir, run_id)
    state, (config, _) = status_of(folder).state, read_config(folder)
    if state is not State.RUNNING:
        raise RunError(f"run {run_id} is {state.value}: only one that trains can be stopped after its epoch")
    if config is not None and not config.trains_network:
        raise RunError(f"run {run_id} compares pictures and has no epochs: stop it at once instead")
    if Request.of(folder).search is not None:
        raise RunError(f"run {run_id} searches for a learning rate and has no epochs: stop it at once instead")
    write.mark(folder / rundir.STOP_AFTER_EPOCH)


def keep_on(runs_dir: Path, run_id: str) -> None:
    """Take back `stop_after_epoch`. Raises RunError when there is no such run."""
    remove.file(rundir.run_dir(runs_dir, run_id) / rundir.STOP_AFTER_EPOCH)


def resume(runs_dir: Path, run_id: str) -> None:
    """Queue a run that ended early once more; it goes on from its last saved epoch, if any.

    One that the median rule stopped goes on without the rule. Raises RunError when there is no such run, when it is alive or
    has finished; DeviceError when its device is not here.
    """
    folder = rundir.run_dir(runs_dir, run_id)
    _refuse_to_resume(folder)
    require_fit(folder)
    require_fit_queue(runs_dir)
    if status_of(folder).cause == "hung":  # while its worker lives, nobody else can start a run
        end_hung_worker(runs_dir, Request.of(folder).queue)
    with hold(folder):
        _refuse_to_resume(folder)  # asked again: someone else may have resumed it meanwhile
        device = _queue_again(folder)
    start_worker(runs_dir, device)


def _refuse_to_resume(folder: Path) -> None:
    state = status_of(folder).state
    if state.alive:
        raise RunError(f"run {folder.name} is {state.value} already")
    if state is State.FINISHED:
        raise RunError(f"run {folder.name} has finished: there is nothing left to resume")


def _queue_again(folder: Path) -> str:
    """Make a run that has ended one that waits; returns its device."""
    config, problem = read_config(folder)
    if config is None:
        raise RunError(f"run {folder.name} cannot go on: {problem}")
    device = device_again(config, Request.of(folder))
    drop = ["classes", *(["rule"] if Exit.of(folder).cause == "median" else [])]  # its pictures may be others by now
    # first: on a full disk nothing has changed
    Request.change(folder, drop=drop, queued_at=time.time(), device=device, place=last_place(folder.parent))
    if (folder / rundir.HANDED).exists():
        Handed.renew(folder, lost=())
    for name in (rundir.STOP, rundir.STOP_AFTER_EPOCH, rundir.LEAVE, rundir.KILL, rundir.SUMMARY, rundir.PROCESS):
        remove.file(folder / name)
    remove.file(folder / rundir.EXIT)  # last: until here the run says how it ended
    return device


def device_again(config: RunConfig, request: Request) -> str:
    """Where it ran before; where that is unknown or gone, what its settings mean here."""
    if config.device.where != "here":
        return device_of(config)
    try:
        return hardware.resolve(request.queue if request.device else device_of(config))
    except DeviceError:
        return device_of(config)
