"""Runs that take long: amber in the forecast, asked about before they start, with cheaper ways at a click."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dhc.config import RunConfig, find_field
from dhc.data.layout import Dataset
from dhc.text import count_text, duration_text
from dhc.ui.train import draft, expectation, link
from dhc.ui.train.words import setting_words

HOUR = 3600.0
MANY_HOURS = 2 * HOUR  # from here on it is asked before the start
WORTHWHILE = 0.75  # of the time; a way that saves less is not offered
CHEAPER: Mapping[str, tuple[float, ...]] = {
    "model.width": (0.5, 0.25, 0.125),
    "data.classes": (48, 24, 12),
    "fit.epochs": (100, 60, 30, 20, 10),
}
ASKING, AGREED = "dhc_long_asking", "dhc_long_agreed"


@dataclass(frozen=True)
class Duration:
    """How long runs take in all, in seconds, None where nothing is known; `source` says by which measure."""

    seconds: float | None
    source: str
    runs: int

    @property
    def is_long(self) -> bool:
        """Whether it takes more than an hour."""
        return self.seconds is not None and self.seconds > HOUR

    @property
    def asks(self) -> bool:
        """Whether it takes so many hours that nobody should start it by mistake."""
        return self.seconds is not None and self.seconds > MANY_HOURS

    @property
    def sentence(self) -> str:
        """Markdown: how long, and by which measure."""
        what = "This run takes" if self.runs == 1 else f"These {count_text(self.runs, 'run')} take"
        return f"{what} about **{duration_text(self.seconds)}** ({self.source})."


@dataclass(frozen=True)
class Cheaper:
    """A setting's value that makes the runs cheaper, and the seconds that they then take."""

    name: str
    value: float
    seconds: float

    @property
    def label(self) -> str:
        """``Width 0.25: about 25 min``."""
        field = find_field(self.name)
        short = field.short[0].upper() + field.short[1:]
        return f"{short} {setting_words(field, self.value)}: about {duration_text(self.seconds)}"


def duration_of(configs: Sequence[RunConfig], dataset: Dataset) -> Duration:
    """Of all runs together (`expectation.wall_seconds`). Raises UserError as a launch would."""
    times = [expectation.run_seconds(config, dataset) for config in configs]
    known = [(config, time) for config, (time, _) in zip(configs, times, strict=True) if time is not None]
    seconds = expectation.wall_seconds(*zip(*known, strict=True)) if known else None
    return Duration(seconds, times[0][1], len(configs))


def cheaper(
    configs: Sequence[RunConfig], swept: Collection[str], seconds_of: Callable[[Sequence[RunConfig]], float | None]
) -> list[Cheaper]:
    """For each setting of CHEAPER the largest value that ends within an hour, else the smallest; none that saves little.

    A setting that the sweep varies (`swept`) is left alone.
    """
    now = seconds_of(configs)
    ways = []
    for name, values in CHEAPER.items():
        if now is None or name in swept or not all(config.uses(name) for config in configs):
            continue
        way = _largest(name, values, configs, seconds_of)
        if way is not None and way.seconds < WORTHWHILE * now:
            ways.append(way)
    return ways


def _largest(
    name: str,
    values: Sequence[float],
    configs: Sequence[RunConfig],
    seconds_of: Callable[[Sequence[RunConfig]], float | None],
) -> Cheaper | None:
    way = None
    for value in values:
        current = configs[0].get(name)
        if (name == "data.classes" and current == 0) or value < current:
            changed = [config.with_values({name: value}) for config in configs]
            seconds = seconds_of(changed)
            way = way if seconds is None else Cheaper(name, value, seconds)
            if way is not None and way.seconds <= HOUR:
                break
    return way


def warn(duration: Duration, ways: Sequence[Cheaper]) -> None:
    """Say in amber that it takes more than an hour, and offer the cheaper ways."""
    if not duration.is_long:
        return
    with st.container(key="dhc-long"):
        st.warning(duration.sentence, icon=":material/schedule:")
        _buttons(ways, "dhc_cheaper")


def agreed(pressed: bool, configs: Sequence[RunConfig], duration: Duration, ways: Sequence[Cheaper]) -> bool:
    """Whether to start: the button was pressed, and a person has agreed where it takes many hours."""
    fingerprint = repr(configs)
    if st.session_state.pop(AGREED, None) == fingerprint:
        return True
    if pressed and not duration.asks:
        return True
    if pressed:
        st.session_state[ASKING] = fingerprint
    if st.session_state.get(ASKING) == fingerprint:
        _ask(fingerprint, duration, ways)
    return False


def _ask(fingerprint: str, duration: Duration, ways: Sequence[Cheaper]) -> None:
    @st.dialog("This takes long", on_dismiss=_close)
    def dialog() -> None:
        st.markdown(duration.sentence)
        if ways:
            st.markdown("Cheaper, to see first whether it works:")
            _buttons(ways, "dhc_dialog_cheaper")
        with st.container(horizontal=True):
            st.button("Start all the same", type="primary", key="dhc_long_start", on_click=_agree, args=(fingerprint,))
            st.button("Not now", key="dhc_long_close", on_click=_close)

    dialog()


def _buttons(ways: Sequence[Cheaper], prefix: str) -> None:
    with st.container(horizontal=True):
        for way in ways:
            st.button(
                way.label,
                key=f"{prefix}_{way.name}",
                help=f"Sets {find_field(way.name).title} in the form.",
                on_click=_apply,
                args=({way.name: way.value},),
            )


def _apply(changes: Mapping[str, Any]) -> None:
    _close()
    draft.change(changes)
    link.touched()


def _agree(fingerprint: str) -> None:
    st.session_state[AGREED] = fingerprint
    _close()


def _close() -> None:
    st.session_state.pop(ASKING, None)
