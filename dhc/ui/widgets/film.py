"""A slider over a run's epochs, and the film of its confusion matrix, counted in the browser."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import streamlit as st

from dhc.runs.records import Predictions
from dhc.text import rate_text
from dhc.ui.widgets import assets

MOST_ACCURACIES = 5_000  # of a longer run they would weigh more than the film
MOST_BYTES = 300_000  # of a film: of more answers than that, some epochs are left out


@dataclass(frozen=True, eq=False)
class Reel:
    """A matrix on the page and the answers that it shows.

    box           the key of the container in which its chart stands
    predictions   the run's
    order         classes as drawn, some or all
    by            "counts", "true" or "pred": what the colour means
    diagonal      whether it is shown
    """

    box: str
    predictions: Predictions
    order: np.ndarray
    by: str = "counts"
    diagonal: bool = True


@dataclass(frozen=True)
class Drop:
    """A change of the learning rate: the first epoch that runs at `new`."""

    epoch: int
    old: float
    new: float


def film(
    *, key: str, epoch: int, best: int, accuracy: Sequence[float], drops: Sequence[Drop], reels: Sequence[Reel] = ()
) -> None:
    """Draw the slider at `epoch` of as many as there are in `accuracy`; with `reels` it can be played.

    `clicked_epoch` says where it came to rest.
    """
    numbers = frame_numbers(len(accuracy), best, sum(len(reel.predictions.ids) for reel in reels))
    assets.component("film", isolate_styles=True)(
        key=key,
        data={
            "epoch": epoch,
            "best": best,
            "total": len(accuracy),
            "accuracy": [round(value, 4) for value in accuracy] if len(accuracy) <= MOST_ACCURACIES else [],
            "drops": [
                {"epoch": drop.epoch, "rate": rate_text(drop.new), "title": _title(drop)}
                for drop in drops
                if drop.epoch <= len(accuracy)
            ],
            "numbers": list(numbers),
            "reels": [_encode(reel, numbers) for reel in reels],
        },
        on_epoch_change=_rerun,
    )


def clicked_epoch(key: str, epochs: int) -> int | None:
    """The epoch at which the slider has just come to rest, None in a run that it did not start."""
    state = st.session_state.get(key)
    epoch = None if state is None else state.get("epoch")
    return epoch if isinstance(epoch, int) and 1 <= epoch <= epochs else None


def frame_numbers(epochs: int, best: int, pictures: int) -> tuple[int, ...]:
    """The epochs that a film of so many pictures shows: all, or evenly spread ones with the first, the best and the last."""
    most = max(3, MOST_BYTES // max(1, pictures))
    if epochs <= most:
        return tuple(range(1, epochs + 1))
    spread = np.linspace(1, epochs, most - 1).round().astype(int).tolist()
    return tuple(sorted({*spread, best}))


def _title(drop: Drop) -> str:
    verb = "falls" if drop.new < drop.old else "rises"
    return f"The learning rate {verb} from {rate_text(drop.old)} to {rate_text(drop.new)} before epoch {drop.epoch}"


def _encode(reel: Reel, numbers: tuple[int, ...]) -> dict[str, Any]:
    true, answers, wide, frames = _packed(reel.predictions, numbers)
    return {
        "box": reel.box,
        "true": true,
        "answers": answers,
        "wide": wide,
        "frames": frames,
        "pictures": len(reel.predictions.ids),
        "order": reel.order.tolist(),
        "by": reel.by,
        "diagonal": reel.diagonal,
    }


@lru_cache(maxsize=8)
def _packed(predictions: Predictions, numbers: tuple[int, ...]) -> tuple[str, str, bool, int]:
    """True classes and the answers of these epochs as base64, whether a class takes two bytes, how many epochs.

    A run that ended earlier keeps its last answers.
    """
    wide = len(predictions.classes) > 256
    dtype = np.uint16 if wide else np.uint8
    rows = [min(number, len(predictions.y_pred)) - 1 for number in numbers]
    answers = predictions.y_pred[rows].astype(dtype)
    return _base64(predictions.y_true.astype(dtype)), _base64(answers), wide, len(rows)


def _base64(values: np.ndarray) -> str:
    return base64.b64encode(values.tobytes()).decode("ascii")


def _rerun() -> None:
    """Registered so that the slider starts a rerun; the page reads where it came to rest."""
