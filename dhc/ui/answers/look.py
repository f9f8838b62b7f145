"""What a network looked at: a map over the picture for each class that matters, by four methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from dhc.figures.heat import overlay
from dhc.models.ladder import plan_of
from dhc.models.plan import Conv2D
from dhc.runs import rundir
from dhc.runs.store import RunInfo
from dhc.text import shorten
from dhc.ui.answers.album import inline
from dhc.ui.shell import guide, session, sharing
from dhc.ui.shell.markdown import bold, plain
from dhc.ui.shell.states import guard, loading
from dhc.ui.widgets.controls import segments

KEY = "dhc_look_"
BOX, KIND, LAYER, SHARE, RANDOM = KEY + "box", KEY + "kind", KEY + "layer", KEY + "share", KEY + "random"
KEPT: Mapping[str, Any] = {"persist_state": "session"}  # of a control: it stays as it is from picture to picture
SIDE = 220  # CSS pixels
LAST = -1  # of the convolutions


@dataclass(frozen=True)
class Method:
    """A way to make a map: its title, what it shows, whether it is made of a layer, whether it has two signs."""

    title: str
    words: str
    of_layer: bool = False
    signed: bool = False


METHODS: Mapping[str, Method] = {
    "grad_cam": Method(
        "Grad-CAM",
        "Which places of a convolution's maps raise the class's score: each map weighed by the mean slope of the score in it "
        "(Selvaraju et al., 2017). As coarse as the layer.",
        of_layer=True,
    ),
    "grad_cam_pp": Method(
        "Grad-CAM++",
        "Grad-CAM that weighs each place of a map by itself, so that several things of one class all show (Chattopadhay et al., 2018).",
        of_layer=True,
    ),
    "occlusion": Method(
        "Occlusion",
        "A grey square is moved over the picture: red is where the class's probability falls when it is covered, blue where it rises "
        "(Zeiler and Fergus, 2014). It asks only for answers, so it is true of any network.",
        signed=True,
    ),
    "saliency": Method(
        "SmoothGrad",
        "How steeply the score changes with each pixel, the mean over 16 noisy copies (Simonyan et al., 2014; Smilkov et al., 2017).",
    ),
}
LIMITS = (
    "A map says which places the score hangs on, not why, and not that the network sees what you see there. Some maps hardly change when "
    "the weights are made random (Adebayo et al., 2018): if that one looks the same, the map tells of the picture, not of what was learned."
)
ONE_POINT = (
    "The layer has a single place for the whole picture, so its map says nothing of where: choose an earlier one."
)
RANDOM_HELP = "The same map of the same network before it learned anything."


class Asked(NamedTuple):
    """A class whose map is drawn: its place among the run's classes, its name, and why it is asked for."""

    place: int
    name: str
    role: str


def has_network(info: RunInfo) -> bool:
    """Whether the run has a network that can be asked."""
    return info.has_epochs and (info.folder / rundir.BEST).is_file()


def draw(info: RunInfo, picture: np.ndarray, classes: Sequence[Asked]) -> None:
    """The maps of one picture, (64, 64, 3) uint8, in a box that is closed at first; nothing for nearest neighbours."""
    if not info.has_epochs:
        return
    box = st.expander("What it looked at", icon=":material/visibility:", key=BOX, on_change="rerun")
    if not box.open:  # the first map starts Keras
        return
    with box, guard():
        if why := obstacle(info):
            st.caption(why)
            return
        st.session_state.setdefault(KIND, next(iter(METHODS)))
        with st.container(horizontal=True, vertical_alignment="center"):
            kind = segments(
                "Method", {name: method.title for name, method in METHODS.items()}, bare=True, key=KIND, **KEPT
            )
            guide.draw("what-it-looked-at")
        method = METHODS[kind]
        st.caption(method.words)
        layer, share, random = _controls(method, convolutions(info))
        stamp, places = session.stamp(info.folder / rundir.BEST), tuple(asked.place for asked in classes)
        with loading("Asking the network … the first time Keras starts for it, which takes some seconds"):
            heats = _heats(str(info.folder), stamp, picture.tobytes(), places, kind, layer, random)
        _pictures(picture, heats, classes, share, method)
        st.caption(LIMITS)


def _controls(method: Method, convolutions: int) -> tuple[int, float, bool]:
    """The convolution, how much of the picture is coloured, and whether the weights are random."""
    left, middle, right = st.columns([3, 3, 2], gap="medium", vertical_alignment="bottom")
    layer = LAST
    if method.of_layer:
        choices = [LAST, *range(convolutions - 2, -1, -1)]
        words = "Earlier layers have finer maps, of simpler things."
        layer = left.selectbox(
            "Layer", choices, key=LAYER, format_func=lambda n: layer_title(n, convolutions), help=words
        )
    share = middle.slider("Overlay", 0, 100, 60, format="%d%%", key=SHARE, **KEPT)
    return layer, share / 100, right.toggle("Random weights", key=RANDOM, help=RANDOM_HELP, **KEPT)


def layer_title(layer: int, convolutions: int) -> str:
    """What a convolution is called, by its place from 0; LAST for the last one."""
    return "last convolution" if layer == LAST else f"convolution {layer + 1} of {convolutions}"


def convolutions(info: RunInfo) -> int:
    """How many convolutions the network of a run has, whose settings can be read. Raises RunError."""
    assert info.config is not None
    return sum(isinstance(layer, Conv2D) for layer in plan_of(info.config, len(session.predictions(info).classes)))


def _pictures(picture: np.ndarray, heats: np.ndarray, classes: Sequence[Asked], share: float, method: Method) -> None:
    columns = st.columns([SIDE] * len(classes) + [max(1, 3 - len(classes)) * SIDE], gap="medium")
    for column, heat, asked in zip(columns, heats, classes, strict=False):
        with column:
            st.markdown(f"for {bold(shorten(asked.name, 30))}, {asked.role}")
            image = overlay(picture, heat, share, signed=method.signed)
            st.html(inline(image, size=SIDE, alt=f"{method.title} for {asked.name}"))
            if not heat.any():
                st.caption("Nothing here speaks for it." if not method.signed else "No square changes the answer.")
            elif min(heat.shape) == 1:
                st.caption(ONE_POINT)


def obstacle(info: RunInfo) -> str:
    """Why no network can be asked, as Markdown; "" where one can."""
    if sharing.is_read_only():
        return "This view asks no network: open the full dashboard to see what it looked at."
    if has_network(info):
        return ""
    if info.example:
        return "The networks of the example runs were left out for their size: train a run of your own to see what it looks at."
    return plain(f"The network of this run, {rundir.BEST}, is not there: no epoch has ended, or it was deleted.")


@st.cache_data(show_spinner=False, max_entries=200)
def _heats(
    folder: str, stamp: tuple[int, int], pixels: bytes, classes: tuple[int, ...], kind: str, layer: int, random: bool
) -> np.ndarray:
    """A map for each class, (n, h, w) float32, from the helper process. Raises UserError, HelperError, OSError."""
    x = np.repeat(np.frombuffer(pixels, np.uint8).reshape(1, 64, 64, 3), len(classes), axis=0)
    arrays = {"x": x, "classes": np.array(classes)}
    answer = session.helper().ask("look", arrays, folder=folder, kind=kind, layer=layer, random=random)
    return answer.arrays["map"]
