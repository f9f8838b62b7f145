"""Going on exactly where a run was: everything that the next epoch depends on, saved between epochs. Imports Keras.

``resume/epoch-00007/`` holds ``state.npz`` (weights, moving averages, seeds, the optimizer's moments and step, the learning
rate, the counters of the schedule and of early stopping) and hard links to the best network and the predictions of that
moment. A state is written beside the earlier one and renamed into place, so that there is a whole one at any time.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dhc.models.build import inner_optimizer
from dhc.runs import rundir
from dhc.runs.environment import read_environment
from dhc.runs.rundir import RunWriter
from dhc.training.callbacks import KeepBest, Telemetry, Validation
from dhc.training.outcomes import ResumeStateError

STATE = "state.npz"
COUNTERS = ("best", "wait", "cooldown_counter", "best_epoch")  # of ReduceLROnPlateau and EarlyStopping
TELLS = {"epoch", "seconds", "best", "best_epoch", "speeds", "curve", "rate", "counters"}
OTHER_SIZES = "is of a network or an optimizer of other sizes, as happens after an update of Keras or of this program"
DAMAGED = "cannot be read, because its files are damaged"
POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")  # what a run may have begun in
SHARE = 20  # saving may take a twentieth of the time
LINKED = (rundir.BEST, rundir.PREDICTIONS)


class Resume(keras.callbacks.Callback):  # type: ignore[misc]
    """Saves the state after an epoch, as often as costs at most a twentieth of the time; `restore` goes on from the last one.

    Stands last among the callbacks: it saves what they have become. `first_epoch` (from 0) is where to go on.
    """

    def __init__(
        self,
        writer: RunWriter,
        validation: Validation,
        keep: KeepBest,
        counters: Sequence[keras.callbacks.Callback],
        telemetry: Telemetry,
        *,
        save: bool = True,
    ) -> None:
        super().__init__()
        self._writer, self._folder = writer, writer.folder / rundir.RESUME
        self._validation, self._keep, self._counters, self._telemetry = validation, keep, counters, telemetry
        self._save_at_all = save
        self._restored: list[dict[str, Any]] = []
        self._last, self._cost = time.perf_counter(), 0.0
        self._began, self._before = time.perf_counter(), 0.0
        self.first_epoch = 0

    @property
    def seconds(self) -> float:
        """Spent on this run so far, in this process and in those before it."""
        return self._before + time.perf_counter() - self._began

    def restore(self, model: keras.Model) -> None:
        """Take up the newest whole state, where there is one; to be called between ``compile`` and ``fit``.

        Raises ResumeStateError, before anything is changed.
        """
        found = newest(self._folder)
        if found is None:
            self._begin_again()
            return
        folder, told, values = found
        variables = state_variables(model)
        if [value.shape for value in values] != [tuple(variable.shape) for variable in variables]:
            raise ResumeStateError(int(told["epoch"]), OTHER_SIZES)
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        for name in LINKED:
            _link(folder / name, self._folder.parent / name)
        self._take_up(told)
        self._writer.event("resume", epoch=self.first_epoch + 1)
        print(f"goes on with epoch {self.first_epoch + 1}")

    def _begin_again(self) -> None:
        """Where no state was saved: earlier epochs, which will be trained anew, no longer count."""
        run = self._writer.folder
        if (after := rundir.next_epoch(run) - 1) > 0:
            raise ResumeStateError(after, DAMAGED)
        if (run / rundir.PREDICTIONS).exists():
            self._writer.event("resume", epoch=1)
            print("no state was saved to go on from: begins again with epoch 1")

    def _take_up(self, told: dict[str, Any]) -> None:
        self.first_epoch = int(told["epoch"])
        self._before = float(told["seconds"])
        self._restored = told["counters"]
        self._telemetry.speeds[:] = told["speeds"]
        self._telemetry.curve[:] = told["curve"]
        self._telemetry.rate = float(told["rate"])
        with np.load(self._folder.parent / rundir.PREDICTIONS, allow_pickle=False) as file:
            self._validation.predictions[:] = list(file["y_pred"][: self.first_epoch])
            self._keep.take_up(float(told["best"]), int(told["best_epoch"]), file["probabilities"])

    def on_train_begin(self, logs: Any = None) -> None:
        """Keras's own callbacks start from nothing here; set their counters back to where they were."""
        for callback, counters in zip(self._counters, self._restored, strict=False):
            for name, value in counters.items():
                setattr(callback, name, value)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Save, unless that is not wanted, the last one was only just written, or no epoch follows."""
        start = time.perf_counter()
        if not self._save_at_all or epoch + 1 == self.params["epochs"] or start - self._last < SHARE * self._cost:
            return
        try:
            self._save(epoch + 1)
        except OSError as error:
            shutil.rmtree(self._folder / f".epoch-{epoch + 1:05d}", ignore_errors=True)
            self._writer.event("note", text=f"the state to go on from could not be saved: {error.strerror or error}")
        self._last = time.perf_counter()
        self._cost = self._last - start

    def _save(self, epoch: int) -> None:
        told = {
            "epoch": epoch,
            "seconds": self.seconds,
            "best": self._keep.best,
            "best_epoch": self._keep.best_epoch,
            "speeds": self._telemetry.speeds,
            "curve": self._telemetry.curve,
            "rate": self._telemetry.rate,
            "counters": [{n: _plain(getattr(c, n)) for n in COUNTERS if hasattr(c, n)} for c in self._counters],
        }
        values = {f"v{number}": np.asarray(v) for number, v in enumerate(state_variables(self.model))}
        made = self._folder / f".epoch-{epoch:05d}"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        np.savez(made / STATE, told=np.array(json.dumps(told)), **values)  # type: ignore[arg-type]
        for name in LINKED:
            _link(self._folder.parent / name, made / name)
        place = made.with_name(made.name[1:])
        shutil.rmtree(place, ignore_errors=True)
        made.rename(place)
        for old in self._folder.iterdir():
            if old != place:
                shutil.rmtree(old, ignore_errors=True)


def state_variables(model: keras.Model) -> list[keras.Variable]:
    """Every variable that the next epoch depends on: weights, averages, seeds, and the optimizer's own."""
    optimizer = model.optimizer
    if not optimizer.built:
        optimizer.build(model.trainable_variables)
    found = [*model.variables, *optimizer.variables, *inner_optimizer(optimizer).variables]
    return list({id(variable): variable for variable in found}.values())


def kept_precision(asked: str, run_dir: Path) -> str:
    """What to ask for instead of ``auto`` in a run that has begun already: the precision that it began in.

    Another machine may mean another one by ``auto``, whose variables and whose rounding would not be those of the saved state.
    """
    begun = read_environment(run_dir).get("precision", "")
    return begun if asked == "auto" and begun in POLICIES else asked


def newest(folder: Path) -> tuple[Path, dict[str, Any], list[np.ndarray]] | None:
    """The state of the latest epoch that can be read whole: its folder, what it tells, its variables' values; None when there is none."""
    if not folder.is_dir():
        return None
    for place in sorted((p for p in folder.iterdir() if rundir.STATE_OF_EPOCH.fullmatch(p.name)), reverse=True):
        try:
            with np.load(place / STATE, allow_pickle=False) as file:
                told = json.loads(str(file["told"]))
                values = [file[f"v{number}"] for number in range(len(file.files) - 1)]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            continue
        if isinstance(told, dict) and told.keys() >= TELLS:
            return place, told, values
    return None


def drop(run_dir: Path) -> None:
    """Forget the state of a run that is done."""
    shutil.rmtree(run_dir / rundir.RESUME, ignore_errors=True)


def _link(source: Path, target: Path) -> None:
    temporary = target.with_name(f".linking-{target.name}")
    temporary.unlink(missing_ok=True)
    try:
        os.link(source, temporary)
    except OSError:  # a file system without hard links
        shutil.copy2(source, temporary)
    temporary.replace(target)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
