"""What the pooling threw away: the cell that decided one of your mistakes, and how much of the picture it sees."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import streamlit as st

from dhc.analysis.network import NetworkLayer
from dhc.figures.lesson_pooled import cells, framed
from dhc.lessons import pooled
from dhc.models.plan import Conv2D, MaxPooling2D
from dhc.runs import rundir
from dhc.runs.store import RunInfo
from dhc.teaching.words import Words
from dhc.text import shorten
from dhc.ui.answers.album import open_album
from dhc.ui.answers.look import has_network
from dhc.ui.lessons import run
from dhc.ui.network import subject
from dhc.ui.shell import address, session, sharing
from dhc.ui.shell.markdown import bold
from dhc.ui.shell.states import empty, loading
from dhc.ui.widgets.controls import segments

NAME, KEY = "thrown-away", "dhc_lesson_thrown-away_"
NUMBER, CONVOLUTION, FOR = "number", "convolution", "for"  # in the address
MOST = 50  # mistakes to leaf through, the surest ones
SIDE, LENGTH = 64, 24


@dataclass(frozen=True, eq=False)
class Mistake:
    """A val picture (64, 64, 3) uint8 that a run takes for another class."""

    picture: np.ndarray
    true: int
    predicted: int
    confidence: float


def draw(words: Words) -> None:
    """The run, one of its mistakes, a layer, and the cell in it that spoke loudest."""
    runs = [info for info in run.with_answers() if not info.state.alive and has_network(info)]
    if not runs:
        run.offer(words.language, words("none"), run.starting_config(), key=KEY + "start")
        return
    top, middle = st.container(), st.container()
    info = run.choose(words.language, runs, key=KEY + "run")
    assert info is not None
    if sharing.is_read_only():
        empty(words("asks_network"))
        return
    mistakes = _mistakes(info)
    if not mistakes:
        st.info(words("no_mistakes"))
        return
    layers = subject.of_run(info).layers
    convolutions = [layer for layer in layers if isinstance(layer.layer, Conv2D)]
    with middle, st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        mistake, place, is_true = _controls(words, mistakes, convolutions)
    with top:
        _draw(words, info, mistake, layers, convolutions[place], place, is_true)


def _mistakes(info: RunInfo) -> list[Mistake]:
    """The surest mistakes whose pictures are still there."""
    predictions = session.predictions(info)
    album = open_album(info, predictions)
    wrong = np.flatnonzero(predictions.predicted != predictions.y_true)
    sure = predictions.probabilities[wrong].max(axis=1)
    found = []
    for row in wrong[np.argsort(-sure, kind="stable")].tolist():
        image = album.image(row)
        if image is not None and image.shape == (SIDE, SIDE, 3):
            true, predicted = int(predictions.y_true[row]), int(predictions.predicted[row])
            found.append(Mistake(image, true, predicted, float(predictions.probabilities[row].max())))
        if len(found) == MOST:
            break
    return found


def _controls(words: Words, mistakes: list[Mistake], convolutions: list[NetworkLayer]) -> tuple[Mistake, int, bool]:
    """The mistake, the place of the convolution, and whether the cell that speaks for the true class is sought."""
    number = 1
    if len(mistakes) > 1:
        bound = address.bound_integer(NUMBER, low=1, high=len(mistakes), key=KEY + "number")
        number = int(st.slider(words("mistake"), **bound))
    place = len(convolutions)
    if len(convolutions) > 1:
        options = [str(at) for at in range(1, len(convolutions) + 1)]
        bound = address.bound_choice(CONVOLUTION, options, options[len(options) // 2], key=KEY + "convolution")
        place = int(st.select_slider(words("convolution"), **bound))
    ways = {"taken": words("taken"), "true": words("true")}
    way = segments(words("for"), ways, **address.bound_choice(FOR, list(ways), "taken", key=KEY + "for"))
    return mistakes[number - 1], place - 1, way == "true"


def _draw(
    words: Words,
    info: RunInfo,
    mistake: Mistake,
    layers: tuple[NetworkLayer, ...],
    layer: NetworkLayer,
    place: int,
    is_true: bool,
) -> None:
    classes = session.predictions(info).classes
    true, taken = (bold(shorten(classes[at], LENGTH)) for at in (mistake.true, mistake.predicted))
    st.markdown(words("title", true=true, taken=taken, confidence=mistake.confidence))
    asked = mistake.true if is_true else mistake.predicted
    stamp = session.stamp(info.folder / rundir.BEST)
    with loading(words("asking")):
        heat = _heat(str(info.folder), stamp, mistake.picture.tobytes(), asked, place)
    if not heat.max() > 0:
        st.info(words("silent"))
        return
    row, column = pooled.strongest(heat.astype(np.float64))
    rows, columns = layer.field.spans[row], layer.field.spans[column]
    poolings = [
        (len(before.field.spans), len(after.field.spans))
        for before, after in pairwise(layers)
        if isinstance(after.layer, MaxPooling2D) and after.place < layer.place
    ]
    drawings = {
        words("picture"): framed(mistake.picture, rows, columns),
        words("cells", height=heat.shape[0], width=heat.shape[1]): cells(heat, (row, column)),
    }
    for place_of, (caption, drawing) in zip(st.columns([5, 5, 2]), drawings.items(), strict=False):
        place_of.image(drawing, caption=caption, width="stretch", output_format="PNG")
    figures = {"height": rows[1] - rows[0], "width": columns[1] - columns[0], "poolings": len(poolings)}
    seen, left = pooled.share_seen(rows, columns, SIDE), pooled.left_of(poolings)
    st.markdown(words("outcome", seen=seen, lost=1 - left, **figures))


@st.cache_data(show_spinner=False, max_entries=64)
def _heat(folder: str, stamp: tuple[int, int], pixels: bytes, asked: int, place: int) -> np.ndarray:
    """The layer's cells (h, w) float32 by how much they speak for a class (Grad-CAM). Raises UserError, HelperError, OSError."""
    arrays = {"x": np.frombuffer(pixels, np.uint8).reshape(1, SIDE, SIDE, 3), "classes": np.array([asked])}
    answer = session.helper().ask("look", arrays, folder=folder, kind="grad_cam", layer=place, random=False)
    return np.asarray(answer.arrays["map"][0])
