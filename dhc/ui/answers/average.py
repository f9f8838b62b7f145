"""What a network looks at in all pictures of a cell: the mean of their maps over the mean picture, for both classes."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dhc.analysis.mistakes import select_rows
from dhc.figures.heat import mean_map, overlay
from dhc.runs import rundir
from dhc.text import count_text
from dhc.ui.answers import look
from dhc.ui.answers.album import inline
from dhc.ui.answers.look import METHODS, Asked
from dhc.ui.answers.subject import Subject
from dhc.ui.shell import address, session
from dhc.ui.shell.markdown import bold, plain
from dhc.ui.shell.states import guard, loading
from dhc.ui.widgets.controls import segments

KEY = "dhc_average_"
OPEN, KIND, LAYER, RANDOM = "maps", "maps_kind", "maps_layer", "maps_random"  # in the address
MOST = {"grad_cam": 64, "grad_cam_pp": 64, "saliency": 16, "occlusion": 8}  # pictures; a few seconds on two cores
AT_ONCE = {"grad_cam": 16, "grad_cam_pp": 16, "saliency": 4, "occlusion": 2}  # pictures of one question
SIDE = 200  # CSS pixels
HELP = (
    "Each picture's map is scaled to its own largest value, then their mean is laid over the mean picture. It shows where this network looks "
    "when it takes the one for the other, as far as the thing lies in the same place in each picture."
)


def draw(subject: Subject, cell: tuple[int, int] | None) -> None:
    """The mean maps of the cell's pictures, behind a switch in the address; nothing for nearest neighbours."""
    if cell is None or not subject.info.has_epochs:
        return
    rows = select_rows(subject.table, true=cell[0], predicted=cell[1], only_mistakes=False)["index"].tolist()
    images = [(row, image) for row in rows if (image := subject.album.image(row)) is not None]
    if not images:
        return
    if not st.toggle("What it looks at here", help=HELP, **address.bound_flag(OPEN, key=KEY + "open")):
        return
    with guard():
        if why := look.obstacle(subject.info):
            st.caption(why)
            return
        _draw(subject, cell, images)


def _draw(subject: Subject, cell: tuple[int, int], images: list[tuple[int, np.ndarray]]) -> None:
    info, names = subject.info, subject.predictions.classes
    kind, layer, share, random = _controls(look.convolutions(info))
    some = np.stack([image for _, image in images[: MOST[kind]]])
    true, predicted = cell
    classes = [Asked(predicted, names[predicted], "its answer")]
    if true != predicted:
        classes.append(Asked(true, names[true], "the true class"))
    method, stamp = METHODS[kind], session.stamp(info.folder / rundir.BEST)
    with loading(f"Asking the network about {count_text(len(some), 'picture')} …"):
        places = tuple(asked.place for asked in classes)
        means = _means(str(info.folder), stamp, some.tobytes(), places, kind, layer, random, method.signed)
    picture = np.rint(some.mean(axis=0)).astype(np.uint8)
    for column, (heat, silent), asked in zip(st.columns(2, gap="small"), means, classes, strict=False):
        with column:
            st.markdown(f"for {bold(asked.name)}, {asked.role}")
            drawn = overlay(picture, heat, share, signed=method.signed)
            st.html(inline(drawn, size=SIDE, alt=f"Mean {method.title} map for {asked.name}"))
            if silent:
                st.caption(f"In {silent:,} of {count_text(len(some), 'picture')} nothing speaks for it.")
            elif min(heat.shape) == 1:
                st.caption(look.ONE_POINT)
    _say(subject, len(some), len(images))


def _controls(convolutions: int) -> tuple[str, int, float, bool]:
    """Method, convolution, how much of the picture is coloured, and whether the weights are random."""
    binding = address.bound_choice(KIND, list(METHODS), next(iter(METHODS)), key=KEY + "kind")
    kind = segments("Method", {name: method.title for name, method in METHODS.items()}, bare=True, **binding)
    left, right = st.columns(2, gap="small", vertical_alignment="bottom")
    layer = look.LAST
    if METHODS[kind].of_layer:
        choices = [str(n) for n in (look.LAST, *range(convolutions - 2, -1, -1))]
        by_layer = address.bound_choice(LAYER, choices, choices[0], key=KEY + "layer")
        title = left.selectbox("Layer", format_func=lambda n: look.layer_title(int(n), convolutions), **by_layer)
        layer = int(title)
    share = right.slider("Overlay", 0, 100, 60, format="%d%%", key=KEY + "share")
    random = st.toggle("Random weights", help=look.RANDOM_HELP, **address.bound_flag(RANDOM, key=KEY + "random"))
    return kind, layer, share / 100, random


def _say(subject: Subject, drawn: int, there: int) -> None:
    some = (
        f"Mean of the first {drawn:,} of {there:,} pictures"
        if drawn < there
        else f"Mean of {count_text(drawn, 'picture')}"
    )
    best = "" if subject.of_best else f" The network is that of epoch {subject.predictions.best_epoch:,}, the best one."
    st.caption(plain(f"{some}.{best}") + f" {look.LIMITS}")


@st.cache_data(show_spinner=False, max_entries=100)
def _means(
    folder: str,
    stamp: tuple[int, int],
    pixels: bytes,
    classes: tuple[int, ...],
    kind: str,
    layer: int,
    random: bool,
    signed: bool,
) -> list[tuple[np.ndarray, int]]:
    """For each class the mean map, (h, w) float32, and in how many pictures there was none. Raises UserError, HelperError, OSError.

    Asked in parts, so that others who ask meanwhile get their turn.
    """
    x = np.frombuffer(pixels, np.uint8).reshape(-1, 64, 64, 3)
    heats = []
    for start in range(0, len(x), AT_ONCE[kind]):
        part = x[start : start + AT_ONCE[kind]]
        arrays = {"x": np.repeat(part, len(classes), axis=0), "classes": np.tile(classes, len(part))}
        answer = session.helper().ask("look", arrays, folder=folder, kind=kind, layer=layer, random=random)
        heats.append(answer.arrays["map"])
    every = np.concatenate(heats)
    by_class = [every[number :: len(classes)] for number in range(len(classes))]
    return [(mean_map(some, signed=signed), int((~some.any(axis=(1, 2))).sum())) for some in by_class]
