"""The answers of several runs together as one submission, and beside it a manifest of who answered."""

from __future__ import annotations

import gc
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from dhc.analysis.folders import resolved_path
from dhc.config import RunConfig
from dhc.errors import DataError, RunError
from dhc.files import target
from dhc.predict.answers import SplitPredictions, predict_split
from dhc.predict.submission import COMMONEST, Submission, open_form, put_answers
from dhc.runs import rundir
from dhc.runs.config_file import require_config
from dhc.runs.predictions import read_predictions

MANIFEST = ".members.json"  # after the submission's name
HOW = "the mean of the members' probabilities, each as its network gives them, not calibrated"


def write_ensemble(
    folders: Sequence[Path], out: Path, *, force: bool = False, unreadable: str = "", progress: Path | None = None
) -> Submission:
    """Write what the runs in `folders` answer together for test to `out`, and who answered to `out` with MANIFEST after its name.

    One network after the other, so that memory holds one at a time; how many have answered stands in the JSON file `progress`, if one is
    named. Raises RunError or DataError in one sentence, among them: members on other data sets or of other classes.
    """
    manifest = out.with_name(out.name + MANIFEST)
    for path in (out, manifest):
        target.refuse(path, force=force)
    configs = [require_config(folder) for folder in folders]
    _refuse_strangers(folders, configs)
    form = open_form(Path(configs[0].data.path), "test")
    rows = [_member(folder, config) for folder, config in zip(folders, configs, strict=True)]
    predictions = _mean(folders, progress)
    wish = unreadable or (COMMONEST if any(config.data.skip_bad for config in configs) else "")
    written = put_answers(form, predictions, folders[0], out, wish=wish, force=force)
    record = {
        "submission": out.name,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "how": HOW,
        "members": rows,
        "answers": written.answers,
        "unseen": list(written.unseen),
        "answer_of_unseen": written.answer,
    }
    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    target.put(manifest, text.encode("utf-8", "backslashreplace"), make_folder=False)
    return written


def _refuse_strangers(folders: Sequence[Path], configs: Sequence[RunConfig]) -> None:
    """Raise RunError where the members would answer other pictures, or choose among other classes."""
    classes = [read_predictions(folder).classes for folder in folders]
    for folder, config, own in zip(folders[1:], configs[1:], classes[1:], strict=True):
        if resolved_path(config.data.path) != resolved_path(configs[0].data.path):
            raise RunError(
                f"{folders[0].name} and {folder.name} have their pictures in different folders, so it is not said whose test "
                "they answer together: choose runs on one data set"
            )
        if set(own) != set(classes[0]):
            raise RunError(
                f"{folders[0].name} knows {len(classes[0]):,} classes and {folder.name} {len(own):,}, so their mean would be "
                "against the classes that one of them does not know: choose runs on the same classes"
            )


def _member(folder: Path, config: RunConfig) -> dict[str, Any]:
    """What the manifest says of a member."""
    predictions = read_predictions(folder)
    accuracy = float((predictions.predicted == predictions.y_true).mean())
    network = folder / (rundir.BEST if config.trains_network else rundir.PREDICTIONS)
    return {
        "run": folder.name,
        "network": config.model.name,
        "epoch": predictions.best_epoch,
        "val_accuracy": accuracy,
        "file": network.name,
        "bytes": network.stat().st_size if network.is_file() else 0,
    }


def _mean(folders: Sequence[Path], progress: Path | None) -> SplitPredictions:
    """The members' answers for test, their probabilities averaged. Raises RunError, DataError."""
    first: SplitPredictions | None = None
    total = np.zeros(0)
    for number, folder in enumerate(folders):
        if progress is not None:
            rundir.write_json(progress, {"done": number, "total": len(folders)})
        answers = predict_split(folder, "test", every=True)
        if first is None:
            first, total = answers, answers.probabilities.astype(np.float64)
        else:
            _refuse_other_pictures(first, answers)
            total += answers.probabilities[:, [answers.classes.index(name) for name in first.classes]]
        gc.collect()  # a network is full of circles: it would stay beside the next one
    assert first is not None
    mean = (total / len(folders)).astype(np.float32)
    return SplitPredictions(first.ids, first.y_true, total.argmax(axis=1), mean, first.classes)


def _refuse_other_pictures(first: SplitPredictions, other: SplitPredictions) -> None:
    if not np.array_equal(first.ids, other.ids):
        raise DataError("the test pictures were changed while they were answered: try again")
