"""Runs as TensorBoard event files, named as Keras's own callback does, with HParams.

Written with TensorBoard's own protocol buffers and record writer, the parts of it that do not load TensorFlow.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dhc.errors import RunError
from dhc.export.progress import Progress
from dhc.files import remove, target
from dhc.runs.records import History
from dhc.runs.status import State
from dhc.runs.store import RunInfo, Store

Event = tuple[float, int, Any]  # wall time in Unix seconds, step, summary_pb2.Summary
MARK = ".dhc"  # ends the names of our event files, so that only those are ever replaced
EVENT_FILES = re.compile(rf"events\.out\.tfevents\..*{re.escape(MARK)}")
FOLDERS: Mapping[str, Mapping[str, str]] = {
    "train": {"epoch_loss": "loss", "epoch_accuracy": "accuracy", "epoch_learning_rate": "learning_rate"},
    "validation": {"epoch_loss": "val_loss", "epoch_accuracy": "val_accuracy"},
}


def write_tensorboard(
    runs: Sequence[RunInfo], store: Store, out: Path, *, force: bool = False, progress: Progress | None = None
) -> list[Path]:
    """Write a log folder of each run into `out` and return the folders.

    Scalars stand in ``<id>/train`` and ``<id>/validation``, the settings in ``<id>``.

    Steps are epochs as the dashboard counts them, from 1; wall times are those of the training. Figures that are not finite
    are left out. Raises RunError without TensorBoard, and where a run's folder is there already (and not `force`).
    """
    _refuse_without_tensorboard()
    folders = [out / info.id for info in runs]
    _refuse(out, folders, force=force)
    for number, (info, folder) in enumerate(zip(runs, folders, strict=True), start=1):
        _write_run(info, store.history(info.id), folder, out)
        if progress is not None:
            progress(number, len(runs))
    return folders


def _refuse_without_tensorboard() -> None:
    try:
        import tensorboard.summary.writer.record_writer  # noqa: F401 - whether it is there, and whole
    except ImportError as error:
        raise RunError(
            "TensorBoard is not installed, so its event files cannot be written: `pip install tensorboard` adds it"
        ) from error


def _refuse(out: Path, folders: Iterable[Path], *, force: bool) -> None:
    if out.exists() and not out.is_dir():
        raise RunError(f"{out} is a file: name a folder for the event files")
    there = next((folder for folder in folders if folder.exists()), None)
    if there is not None and not force:
        raise RunError(f"{there} already exists: choose another folder, or --force to replace its event files")


def _write_run(info: RunInfo, history: History, folder: Path, out: Path) -> None:
    start = _start(info, history.epochs)
    parts = {"": _session(info, history.epochs, start)}
    parts |= {name: list(_scalars(history.epochs, columns, start)) for name, columns in FOLDERS.items()}
    for name, events in parts.items():
        remove.leftovers(folder / name, EVENT_FILES)
        if events:
            file = folder / name / f"events.out.tfevents.{start:.0f}{MARK}"
            target.put(file, _records(start, events), below=out)


def _start(info: RunInfo, epochs: pd.DataFrame) -> float:
    """When the run began, in Unix seconds.

    The first epoch's end less its length; else when the run was queued; else 0.
    """
    if len(epochs):
        began = float(epochs["t"].iloc[0] - np.nan_to_num(epochs["seconds"].iloc[0]))
        if np.isfinite(began):
            return began
    return info.queued_at or 0.0


def _scalars(epochs: pd.DataFrame, columns: Mapping[str, str], start: float) -> Iterable[Event]:
    from tensorboard.plugins.scalar.summary_v2 import scalar_pb

    for row in epochs.to_dict("records"):
        t = float(row["t"]) if np.isfinite(row["t"]) else start
        for tag, column in columns.items():
            if np.isfinite(row[column]):
                yield t, int(row["epoch"]), scalar_pb(tag, row[column])


def _session(info: RunInfo, epochs: pd.DataFrame, start: float) -> list[Event]:
    """What the HParams tab reads: settings with an effect, the best val_accuracy, the ending."""
    from tensorboard.plugins.hparams.summary_v2 import hparams_pb
    from tensorboard.plugins.scalar.summary_v2 import scalar_pb

    settings = {} if info.shown_config is None else info.shown_config.effective_settings()
    events: list[Event] = [(start, 0, hparams_pb(settings, trial_id=info.id, start_time_secs=start))]
    end = float(epochs["t"].iloc[-1]) if len(epochs) and np.isfinite(epochs["t"].iloc[-1]) else start
    if info.best_val_accuracy is not None and info.best_epoch is not None:
        events.append((end, info.best_epoch, scalar_pb("best_val_accuracy", info.best_val_accuracy)))
    if not info.state.alive:
        events.append((end, 0, _end_summary(end, well=info.state in (State.FINISHED, State.STOPPED))))
    return events


def _end_summary(end: float, *, well: bool) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

    status = api_pb2.STATUS_SUCCESS if well else api_pb2.STATUS_FAILURE
    outcome = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=end)
    about = metadata.create_summary_metadata(plugin_data_pb2.HParamsPluginData(session_end_info=outcome))
    value = Summary.Value(tag=metadata.SESSION_END_INFO_TAG, metadata=about, tensor=metadata.NULL_TENSOR)
    return Summary(value=[value])


def _records(start: float, events: Iterable[Event]) -> bytes:
    """The bytes of an event file: its version, then the events."""
    from tensorboard.compat.proto.event_pb2 import Event as Record
    from tensorboard.summary.writer.record_writer import RecordWriter

    buffer = io.BytesIO()
    writer = RecordWriter(buffer)
    writer.write(Record(wall_time=start, file_version="brain.Event:2").SerializeToString())
    for wall_time, step, summary in events:
        writer.write(Record(wall_time=wall_time, step=step, summary=summary).SerializeToString())
    return buffer.getvalue()
