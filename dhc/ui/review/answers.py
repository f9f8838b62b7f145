"""What the network says of a picture that is reviewed: noted, or asked of the helper process meanwhile, some pictures ahead."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Final

import numpy as np
import streamlit as st

from dhc.errors import RunError
from dhc.runs import rundir
from dhc.runs.features import Features
from dhc.runs.store import RunInfo
from dhc.ui.answers.features import features_of
from dhc.ui.answers.look import has_network
from dhc.ui.review.desk import Desk
from dhc.ui.shell import session, sharing

CHUNK: Final = 32  # pictures that are asked about at once: the one on screen and those that come next


def answer_of(desk: Desk, listed: Sequence[int], place: int) -> np.ndarray | Future[np.ndarray] | None:
    """(K,) probabilities of the run's classes for a picture, or what will come once the network was asked.

    None where it cannot be asked. listed: the pictures that are gone through, of which the next ones are asked about, too. Raises UserError, HelperError,
    OSError.
    """
    noted = desk.probabilities[place] if desk.probabilities is not None else _of_sample(desk, place)
    if noted is not None:
        return noted
    if sharing.is_read_only() or not has_network(desk.info):
        return None
    chunks = [tuple(listed[start : start + CHUNK]) for start in range(0, len(listed), CHUNK)]
    number = listed.index(place) // CHUNK if place in listed else None
    chunk = (place,) if number is None else chunks[number]
    asked = _asked(desk, chunk)
    if not asked.done():
        return asked
    if asked.exception() is not None:
        _asking.clear()  # so that the next look asks again
    answers = asked.result()
    if number is not None and number + 1 < len(chunks) and chunk.index(place) >= CHUNK // 4:
        _asked(desk, chunks[number + 1])
    answer: np.ndarray = answers[chunk.index(place)]
    return answer


def _asked(desk: Desk, chunk: tuple[int, ...]) -> Future[np.ndarray]:
    stamp = session.stamp(desk.info.folder / rundir.BEST)
    return _asking(str(desk.info.folder), desk.split, stamp, desk.pictures.digest, chunk, desk)


@st.cache_resource(show_spinner=False, max_entries=64)
def _asking(
    folder: str, split: str, stamp: tuple[int, int], digest: str, chunk: tuple[int, ...], _desk: Desk
) -> Future[np.ndarray]:
    x, helper = np.ascontiguousarray(_desk.pictures.x[_desk.rows[list(chunk)]]), session.helper()
    return _pool().submit(lambda: helper.ask("classify", {"x": x}, folder=folder).arrays["probabilities"])


@cache
def _pool() -> ThreadPoolExecutor:
    """The thread that waits for the helper process, so that nobody's keys do."""
    return ThreadPoolExecutor(1, "review")


def features_if_sound(info: RunInfo) -> Features | None:
    """The features of the run's best network; None without them, and where their file is damaged, which Map says."""
    try:
        return features_of(info)
    except RunError:
        return None


def in_sample(desk: Desk, features: Features, place: int) -> int | None:
    """The row of a training picture in the sample whose features were made; None where it is not among them."""
    number = int(desk.numbers[place])
    row = int(np.searchsorted(features.train_rows, number))
    return row if row < len(features.train_rows) and int(features.train_rows[row]) == number else None


def _of_sample(desk: Desk, place: int) -> np.ndarray | None:
    """The network's answer for a training picture, where it was noted with its features."""
    features = features_if_sound(desk.info)
    row = None if features is None else in_sample(desk, features, place)
    if features is None or row is None:
        return None
    answer: np.ndarray = features.train_probabilities[row]
    return answer


def proposal(desk: Desk, place: int, answer: np.ndarray | None) -> str:
    """The class to give a picture instead of its label: the most probable other one; "" where nothing says so."""
    if answer is None:
        return ""
    label = desk.label(place)
    others = [(chance, name) for chance, name in zip(answer.tolist(), desk.known, strict=True) if name != label]
    return max(others)[1] if others else ""
