"""Runs into MLflow's tracking: an experiment a data set, an MLflow run a run, each once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dhc.errors import RunError
from dhc.export.progress import Progress
from dhc.files import write
from dhc.files.folder import RealFolder
from dhc.runs import rundir
from dhc.runs.status import State
from dhc.runs.store import RunInfo, Store

if TYPE_CHECKING:
    from mlflow import MlflowClient

METRICS = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds", "pictures_per_second")
ARTIFACTS = (rundir.CONFIG, rundir.ENVIRONMENT, rundir.SUMMARY, rundir.PREDICTIONS)
DATABASE, ARTIFACTS_FOLDER = "mlflow.db", "artifacts"
ID_TAG = "dhc.run_id"
KIND = {"mlflow.experimentKind": "custom_model_development"}  # its own word for experiments that train models
NO_DATA = "unknown data"  # the experiment of runs whose settings cannot be read
STATUS = {
    State.QUEUED: "SCHEDULED",
    State.RUNNING: "RUNNING",
    State.STOPPING: "RUNNING",
    State.FINISHED: "FINISHED",
    State.STOPPED: "KILLED",
    State.FAILED: "FAILED",
    State.KILLED: "KILLED",
    State.CRASHED: "FAILED",
    State.UNHEARD: "RUNNING",
}
END_STATUSES = ("FINISHED", "FAILED", "KILLED")
MOST_METRICS, MOST_PARAMS = 1000, 100  # that MLflow takes in one call
LONGEST = 5000  # characters of a tag or parameter that every MLflow store takes


@dataclass(frozen=True)
class Import:
    """What an import did.

    uri: where MLflow keeps the runs. new, earlier: ids of those imported now, and of those that were there already.
    """

    uri: str
    new: tuple[str, ...]
    earlier: tuple[str, ...]


def write_mlflow(
    runs: Sequence[RunInfo],
    store: Store,
    target: str,
    *,
    network: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> Import:
    """Import runs into MLflow at `target`: a folder for its database, or a tracking URI.

    A run that was imported whole before is passed over, unless `force` imports it anew; one that was still going, or whose import
    was cut off, is replaced. `network` also copies best.keras. Raises RunError without MLflow, and where MLflow refuses.
    """
    _quiet()
    client, uri = _client(target)
    from mlflow.exceptions import MlflowException

    new: list[str] = []
    earlier: list[str] = []
    try:
        for number, info in enumerate(runs, start=1):
            experiment = _experiment(client, info, target)
            (new if _import(client, experiment, info, store, network, force) else earlier).append(info.id)
            if progress is not None:
                progress(number, len(runs))
    except (MlflowException, OSError) as error:  # requests' errors are OSErrors
        raise RunError(f"MLflow at {uri} did not take the runs: {_first_line(error)}") from error
    return Import(uri, tuple(new), tuple(earlier))


def _quiet() -> None:
    """Before MLflow is loaded: no usage figures, no chatter, no long wait for an absent server."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")


def is_uri(target: str) -> bool:
    """Whether `target` names a tracking server or database rather than a folder."""
    return "://" in target


def _client(target: str) -> tuple[MlflowClient, str]:
    try:
        from mlflow.tracking import MlflowClient

        if not is_uri(target):
            import sqlalchemy  # noqa: F401 - mlflow-skinny comes without it, and then has no database
    except ImportError as error:
        raise RunError("MLflow is not installed, or without its database: `pip install mlflow` adds it") from error
    if is_uri(target):
        return MlflowClient(tracking_uri=target), target
    try:
        folder = write.root(Path(target))
        refuse_links(folder)
    except OSError as error:
        raise RunError(f"{target} cannot be made a folder for MLflow: {error.strerror or error}") from error
    uri = f"sqlite:///{(folder / DATABASE).as_posix()}"
    return MlflowClient(tracking_uri=uri), uri


def refuse_links(folder: Path) -> None:
    """Raise UnfitError where MLflow, which writes into the folder by itself, would follow a link."""
    with RealFolder(folder) as place:
        place.require_file(DATABASE)
    write.make_folder(folder / ARTIFACTS_FOLDER)


def _experiment(client: MlflowClient, info: RunInfo, target: str) -> str:
    """The id of the experiment of the run's data set, made where it is not there yet."""
    name = NO_DATA if info.config is None else Path(info.config.data.path).resolve().name
    experiment = client.get_experiment_by_name(name)
    if experiment is not None:
        return str(experiment.experiment_id)
    place = None if is_uri(target) else (Path(target).resolve() / ARTIFACTS_FOLDER / name).as_uri()
    return str(client.create_experiment(name, artifact_location=place, tags=KIND))


def _import(client: MlflowClient, experiment: str, info: RunInfo, store: Store, network: bool, force: bool) -> bool:
    """Import one run; False where that was done before.

    The status is written last: until then the import is not whole.
    """
    for copy in client.search_runs([experiment], filter_string=f"tags.`{ID_TAG}` = '{info.id}'"):
        if copy.info.status in END_STATUSES and not force:
            return False
        client.delete_run(copy.info.run_id)
    epochs = store.history(info.id).epochs
    times = epochs["t"][np.isfinite(epochs["t"])]
    start = float(times.iloc[0] - np.nan_to_num(epochs["seconds"].iloc[0])) if len(times) else info.queued_at or 0.0
    run = client.create_run(experiment, start_time=int(1000 * start), tags=_tags(info), run_name=info.title)
    run_id = run.info.run_id
    _log_figures(client, run_id, info, epochs, start)
    for name in (*ARTIFACTS, *((rundir.BEST,) if network else ())):
        if (info.folder / name).is_file():
            client.log_artifact(run_id, str(info.folder / name))
    end = int(1000 * float(times.iloc[-1])) if len(times) else int(1000 * start)
    status = STATUS[info.state]
    if status in END_STATUSES:
        client.set_terminated(run_id, status, end_time=end)
    else:
        client.update_run(run_id, status=status)
    return True


def _log_figures(client: MlflowClient, run_id: str, info: RunInfo, epochs: pd.DataFrame, start: float) -> None:
    from mlflow.entities import Param

    metrics = _metrics(info, epochs, start)
    for at in range(0, len(metrics), MOST_METRICS):
        client.log_batch(run_id, metrics=metrics[at : at + MOST_METRICS])
    settings = {} if info.shown_config is None else info.shown_config.effective_settings()
    params = [Param(name, str(value)[:LONGEST]) for name, value in settings.items()]
    for at in range(0, len(params), MOST_PARAMS):
        client.log_batch(run_id, params=params[at : at + MOST_PARAMS])


def _metrics(info: RunInfo, epochs: pd.DataFrame, start: float) -> list[Any]:
    """A metric for each finite figure of an epoch (the step), and the best val_accuracy."""
    from mlflow.entities import Metric

    best = info.best_epoch
    metrics, last = [], int(1000 * start)
    for row in epochs.to_dict("records"):
        last = int(1000 * row["t"]) if np.isfinite(row["t"]) else last
        metrics += [Metric(name, row[name], last, row["epoch"]) for name in METRICS if np.isfinite(row[name])]
        if row["epoch"] == best and info.best_val_accuracy is not None:
            metrics.append(Metric("best_val_accuracy", info.best_val_accuracy, last, row["epoch"]))
    return metrics


def _tags(info: RunInfo) -> dict[str, str]:
    """What MLflow shows beside the figures; its own names where it has one."""
    tags = {
        ID_TAG: info.id,
        "mlflow.note.content": info.labels.note,
        "dhc.tags": ", ".join(info.labels.tags),
        "dhc.group": info.group,
        "dhc.parent": info.parent,
        "dhc.status": info.state.value,
        "dhc.reason": info.status.reason,
        "dhc.device": info.device,
    }
    return {name: value[:LONGEST] for name, value in tags.items() if value}


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:300]
