"""How sure? Whether the selected runs are right as often as they say, and what answering only when sure would do."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dhc.analysis.ranking import best_first
from dhc.analysis.sureness import (
    Sureness,
    TemperatureFit,
    at_threshold,
    ece_interval,
    fit_temperature,
    highest_aim,
    reliability,
    sureness,
)
from dhc.figures import palette
from dhc.figures import sureness as figures
from dhc.runs import rundir
from dhc.runs.naming import titles
from dhc.runs.store import RunInfo
from dhc.text import count_text, percent_text, short_names
from dhc.ui.runs.compare import nothing
from dhc.ui.shell import session
from dhc.ui.shell.markdown import bold, plain
from dhc.ui.widgets.plot import plot

MOST = 4  # runs in one figure
TITLE = 40  # characters of a run's title in a legend
KEY = "dhc_sureness_"
ECE = (
    "Expected calibration error: by how much confidence and accuracy differ on average, in 15 bins of equal width. In brackets the middle "
    "95% of 1,000 bootstrap samples. Chance alone makes it larger than 0, the more so the fewer the pictures; "
    "a sample, in which pictures repeat, makes it larger still, so that the bracket may lie above the figure."
)
TEMPERATURE = (
    "One number that divides the logits: above 1 the network was too sure. Fitted on a random half of val; the ECE behind the arrow is that "
    "of the other half. The run itself is not changed."
)
NONE = "None of the selected runs has answers yet: the first epoch must end, and its answers must still be there."


def draw(runs: Sequence[RunInfo]) -> None:
    """Both figures and a table of the best of the runs, and the threshold of the best one."""
    with_answers = [info for info in runs if (info.folder / rundir.PREDICTIONS).is_file()]
    if not with_answers:
        nothing.say(NONE, icon=":material/hourglass_empty:", count=1)
        return
    shown = best_first(with_answers)[:MOST]
    titled = titles(shown)
    names = dict(zip(titled, short_names(tuple(titled.values()), TITLE), strict=True))
    records = {info.id: _record(info) for info in shown}
    several = [
        figures.Series(info.id, names[info.id], color, records[info.id][0], reliability(records[info.id][0]))
        for info, color in zip(shown, palette.distinct(len(shown)), strict=True)
    ]
    if len(with_answers) < len(runs) or len(shown) < len(with_answers):
        st.caption(
            f"{len(shown)} of the {count_text(len(runs), 'selected run')}: the best, at most {MOST}, of those with answers."
        )
    left, right = st.columns(2, gap="medium")
    with left:
        alt = "Accuracy by confidence, and how many answers of each confidence there are"
        plot(figures.reliability_diagram(several), key=KEY + "reliability", height=380, alt=alt, clicks=False)
    with right:
        _threshold(shown[0], several)
    _table(shown, names, records)
    for info in shown:
        _smoothing(info, names[info.id])


def _record(info: RunInfo) -> tuple[Sureness, tuple[float, float], TemperatureFit | None]:
    return _of_stored(info.id, session.stamp(info.folder / rundir.PREDICTIONS), info)


@st.cache_data(show_spinner=False, max_entries=32)
def _of_stored(
    run_id: str, stamp: tuple[int, int], _info: RunInfo
) -> tuple[Sureness, tuple[float, float], TemperatureFit | None]:
    predictions = session.predictions(_info)
    answers = sureness(predictions)
    return answers, ece_interval(answers), fit_temperature(predictions)


def _threshold(info: RunInfo, several: Sequence[figures.Series]) -> None:
    answers = several[0].answers
    with st.container():
        confidence = st.slider(
            "Answer only from this confidence on",
            0,
            100,
            0,
            format="%d%%",
            key=KEY + "threshold",
            help="Of the first run.",
        )
        choice = at_threshold(answers, confidence / 100)
        alt = "Accuracy among the pictures answered against their share"
        plot(figures.coverage(several, choice), key=KEY + "coverage", height=280, alt=alt, clicks=False)
        accuracy = "nothing is answered" if choice.accuracy is None else f"{choice.accuracy:.1%} of them rightly"
        st.markdown(
            f"{bold(several[0].name)} then answers {percent_text(choice.share)} of the pictures, {accuracy}: "
            f"{count_text(choice.caught, 'mistake')} held back, and {count_text(choice.lost, 'right answer')}."
        )


def _table(
    runs: Sequence[RunInfo],
    names: dict[str, str],
    records: dict[str, tuple[Sureness, tuple[float, float], TemperatureFit | None]],
) -> None:
    rows = []
    for info in runs:
        answers, (low, high), fit = records[info.id]
        temperature = (
            "too few pictures or classes"
            if fit is None
            else f"{fit.value:.2f} (ECE {fit.before.ece:.3f} → {fit.after.ece:.3f})"
        )
        rows.append(
            {
                "run": names[info.id],
                "pictures": len(answers.right),
                "accuracy": answers.accuracy,
                "mean confidence": float(answers.confidences.mean()),
                "ECE": f"{answers.ece:.3f} ({low:.3f} to {high:.3f})",
                "log loss": answers.log_loss,
                "temperature": temperature,
            }
        )
    config = {
        "accuracy": st.column_config.NumberColumn(format="%.3f"),
        "mean confidence": st.column_config.NumberColumn(format="%.3f", help="Above the accuracy: too sure."),
        "ECE": st.column_config.TextColumn(help=ECE),
        "log loss": st.column_config.NumberColumn(format="%.3f", help="Mean of −ln of the true class's probability."),
        "temperature": st.column_config.TextColumn(help=TEMPERATURE, width="medium"),
    }
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, column_config=config, key=KEY + "table", alt="How sure the runs are"
    )


def _smoothing(info: RunInfo, name: str) -> None:
    """What label smoothing did, which is no fault of the network."""
    config = info.config
    if config is None or not config.uses("fit.label_smoothing") or not config.fit.label_smoothing:
        return
    aim = highest_aim(config.fit.label_smoothing, len(session.predictions(info).classes))
    st.caption(
        f"{plain(name)} was trained with label smoothing {config.fit.label_smoothing:g}: it was taught to be {aim:.0%} sure at most, so "
        "its confidence tends to lie below its accuracy."
    )
