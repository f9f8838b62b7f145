"""Asking runs about pictures, a part at a time, and warming their networks before they are asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import streamlit as st

from dhc.analysis.asked import Answers, answers
from dhc.data.intake import Intake
from dhc.errors import RunError
from dhc.runs import rundir
from dhc.runs.store import RunInfo
from dhc.text import count_text
from dhc.ui.predict import like
from dhc.ui.predict.gradual import Work, work_on
from dhc.ui.shell import early, session

KEY = "dhc_predict_asked_"
PART = 64  # pictures of one question: others get their turn in between, and what was asked can be stopped


_Part = tuple[np.ndarray, np.ndarray | None]  # (n, K) float32 probabilities, (n,) `Yardstick.farther_than`


class ReplacedError(RunError):
    """The run's network was replaced while it was asked: some answers are of the one before."""


def ask(info: RunInfo, pictures: Intake, *, mirror: bool = False) -> Answers:
    """The run's answers for the pictures, or for the first of them where that was stopped. Raises UserError, HelperError, OSError.

    All are of one network: where it is replaced meanwhile, the new one is asked about all of them. With `mirror` each is asked together
    with its mirror image.
    """
    try:
        return _ask(info, pictures, mirror)
    except ReplacedError:
        return _ask(info, pictures, mirror)


def _ask(info: RunInfo, pictures: Intake, mirror: bool) -> Answers:
    identity = pictures.fingerprint, str(info.folder), stamps(info), mirror
    work = work_on(
        KEY + info.id,
        identity,
        lambda: Work(_parts(info, pictures.x, mirror), -(-len(pictures.pictures) // PART)),
        lambda done, total: (
            f"{min(done * PART, len(pictures.pictures)):,} of {count_text(len(pictures.pictures), 'picture')} answered"
        ),
    )
    return work.whole(lambda parts: _answers(info, parts, mirror))


def _answers(info: RunInfo, parts: Sequence[_Part], mirror: bool) -> Answers:
    measured = [farther for _, farther in parts if farther is not None]
    farther_than = np.concatenate(measured) if measured and len(measured) == len(parts) else None
    chances = np.concatenate([chances for chances, _ in parts])
    return answers(session.predictions(info), chances, farther_than, mirror=mirror)


def stamps(info: RunInfo) -> tuple[tuple[int, int], ...]:
    """What changes with the run's answers."""
    return tuple(session.stamp(info.folder / name) for name in (rundir.BEST, rundir.PREDICTIONS, rundir.FEATURES))


def features_of(info: RunInfo, x: np.ndarray) -> np.ndarray:
    """(F,) what the run's network makes of a picture, (64, 64, 3) uint8, before its last layer. Raises UserError, HelperError, OSError."""
    return _features(str(info.folder), stamps(info), x.tobytes())


@st.cache_data(show_spinner=False, max_entries=64)
def _features(folder: str, stamps: tuple[tuple[int, int], ...], pixels: bytes) -> np.ndarray:
    x = np.frombuffer(pixels, np.uint8).reshape(1, 64, 64, 3)
    return np.asarray(session.helper().ask("classify", {"x": x}, folder=folder).arrays["features"][0])


def _parts(info: RunInfo, x: np.ndarray, mirror: bool) -> Iterator[_Part]:
    """The answers for each part, all of one network."""
    measure, first = like.kept(info).yardstick, None
    for start in range(0, len(x), PART):
        part = {"x": x[start : start + PART]}
        answer = session.helper().ask("classify", part, folder=str(info.folder), mirror=mirror)
        first = first or answer.values["stamp"]
        if answer.values["stamp"] != first:
            raise ReplacedError(
                f"The network of run {info.id} was replaced again and again while it was asked; ask later."
            )
        features = answer.arrays["features"]
        yield answer.arrays["probabilities"], None if measure is None else measure.farther_than(features)


def warm(info: RunInfo) -> None:
    """Let the helper load the run's network while a person still chooses a picture."""
    early.load(str(info.folder), stamps(info))
