"""One picture, large: what each run takes it for, how sure it is, what it looked at, and what it has seen like it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from dhc.analysis.asked import Answers, unlike_text
from dhc.data.intake import Intake
from dhc.runs.naming import titles
from dhc.runs.store import RunInfo
from dhc.text import clean, count_text, percent_text, shorten
from dhc.ui.answers import look, yours
from dhc.ui.answers.album import inline
from dhc.ui.answers.near import by_features, nearest_of_class
from dhc.ui.answers.picture import top_bars
from dhc.ui.predict import asking, like
from dhc.ui.shell import session
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import bold, plain
from dhc.ui.shell.states import guard

LARGE, BESIDE = 256, 2  # CSS pixels; answers on a row
CALIBRATED = (
    "The same answer after temperature scaling: one number, fitted on half of this run's val pictures, brings how sure it is nearer to how "
    "often it is right (Guo et al., 2017). It holds for pictures like those of val."
)


def draw(infos: Sequence[RunInfo], pictures: Intake, said: Mapping[str, Answers], row: int) -> None:
    """The picture in `row` and the answers of each run."""
    picture = pictures.pictures[row]
    left, right = st.columns([LARGE, 640], gap="medium")
    with left:
        st.html(inline(picture.x, size=LARGE, alt=f"The picture {clean(picture.name)}", title=clean(picture.name)))
        st.caption(plain(" ".join([clean(picture.name), *(f"· {each}" for each in picture.conversions)])))
        yours.way(infos[0], picture)
    with right:
        names = titles(infos)
        width = min(BESIDE, len(infos))
        for start in range(0, len(infos), width):
            for column, info in zip(st.columns(width), infos[start : start + width], strict=False):
                with column:
                    _answer(info, names[info.id], said[info.id], row, several=len(infos) > 1)
                    _unknown(said[info.id], said[infos[0].id], row)
    first = infos[0]
    answers = said[first.id]
    place = int(answers.decided[row])
    look.draw(first, picture.x, [look.Asked(place, answers.classes[place], "its answer"), *_runner_up(answers, row)])
    with guard():
        _nearest(first, answers.classes[place], picture.x)


def _answer(info: RunInfo, title: str, answers: Answers, row: int, *, several: bool) -> None:
    if several:
        link("Live", text=plain(shorten(title, 44)), run=info.id)
    place, sure, calibrated = int(answers.decided[row]), answers.confidences[row], answers.calibrated
    st.markdown(f"### {bold(answers.classes[place])}")
    words = f"{plain(percent_text(float(sure)))} sure"
    if calibrated is not None:
        words += f" · {plain(percent_text(float(calibrated[row])))} calibrated"
    if answers.mirror:
        words += " · with its mirror image"
    st.caption(words, help=None if calibrated is None else CALIBRATED)
    if answers.unlike[row] and answers.farther_than is not None:
        st.warning(
            unlike_text(float(answers.farther_than[row]), len(session.predictions(info).ids)), icon=":material/help:"
        )
    top_bars(answers.classes, answers.top(row), key=f"dhc_predict_bars_{info.id}")


def _nearest(info: RunInfo, name: str, x: np.ndarray) -> None:
    """The training pictures of the decided class that are nearest: by features where they are kept and asked for."""
    by = like.kept(info).is_there and by_features()
    feature = asking.features_of(info, x) if by else None
    nearest_of_class(info, name, "the class it decided for", x, feature)


def _unknown(answers: Answers, first: Answers, row: int) -> None:
    """Say so where a run does not know the class that the first one decided for, and could not have."""
    name = first.classes[first.decided[row]]
    if name not in answers.classes:
        count = count_text(len(answers.classes), "class")
        st.caption(plain(f"It knows {count}, and “{shorten(name, 40)}” is none of them."))


def _runner_up(answers: Answers, row: int) -> list[look.Asked]:
    """The second most probable class, where there is one."""
    best = answers.top(row, 2)
    if len(best) < 2:
        return []
    name = best[1][0]
    return [look.Asked(answers.classes.index(name), name, "the runner-up")]
