"""The columns of the Runs page's table: which there are, how each is drawn, and what each run has in them."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pandas as pd
import streamlit as st

from dhc.analysis.baseline import Lead
from dhc.analysis.differences import differing_settings, setting_text, value_text
from dhc.config import MISSION, ConfigField, RunConfig, fields
from dhc.runs.naming import titles
from dhc.runs.status import State
from dhc.runs.store import RunInfo
from dhc.text import duration_text, short_names
from dhc.ui.runs.memory import PerRun, Same
from dhc.ui.shell.pickers import COLORS

_ICON = re.compile("^:")  # what a button would show as an icon

RUN, STATE = "run", "status"
POINTS, PERCENT, REASON = "Δ points", "Δ %", "not compared"
PICTURES = "pictures"
RESULTS: Final = (RUN, STATE, "best val_accuracy", "val_accuracy by epoch")
OTHERS: Final = ("gap", "best epoch", "time")
EXTRA: Final = ("epochs", "tags", "note", "group", "data", "started", "id", "accuracy", "val_accuracy", "pictures/s")
LAST: Final = ("device",)
TITLE_LENGTH, HEADING_LENGTH = 60, 14  # characters of a run's title and of a heading
# More would make the message three times as large, and the browser looks through all of them at each cell that it draws.
MOST_GREY = 2_000  # cells
# Letters of a better and a worse result, and of a run on other pictures: no colour has a contrast of 4.5 in both themes.
INKS: Final = {"light": ("#0f7a41", "#c0302f", "#6b6880"), "dark": ("#4cc38a", "#ff7b78", "#9d9aab")}
LETTER, LEAST = 7, 62  # pixels of a heading's letter, and of the narrowest column
SIGNS: Final = {
    State.QUEUED: "◷",
    State.RUNNING: "▶",
    State.STOPPING: "◼",
    State.FINISHED: "✓",
    State.STOPPED: "◼",
    State.FAILED: "✕",
    State.KILLED: "✕",
    State.CRASHED: "✕",
    State.UNHEARD: "◌",
}
COLUMNS: Final[dict[str, Any]] = {
    "best val_accuracy": st.column_config.ProgressColumn(
        "Best val", min_value=0, max_value=1, format="%.3f", width=108, help="best val_accuracy: of its best epoch"
    ),
    "val_accuracy by epoch": st.column_config.LineChartColumn(
        "Curve", y_min=0, y_max=1, width=84, help="val_accuracy by epoch"
    ),
    POINTS: st.column_config.NumberColumn(
        "Δ points", format="%+.1f", width=78, help="Percentage points of best val_accuracy above the baseline's"
    ),
    PERCENT: st.column_config.NumberColumn(
        "Δ %", format="%+.1f", width=62, help="The same difference as a share of the baseline's, in percent"
    ),
    REASON: st.column_config.TextColumn("Not compared", width=118, help="Why there is no difference to the baseline"),
    "gap": st.column_config.NumberColumn(
        "Gap", format="%.3f", width=66, help="accuracy − val_accuracy after the last epoch"
    ),
    "best epoch": st.column_config.NumberColumn("Best epoch", width=92),
    "time": st.column_config.TextColumn("Time", width=84, help="Of training"),
    "epochs": st.column_config.TextColumn("Epochs done", width=104),
    "accuracy": st.column_config.NumberColumn(
        "accuracy", format="%.3f", help="On the training pictures, after the last epoch"
    ),
    "val_accuracy": st.column_config.NumberColumn("val_accuracy", format="%.3f", help="After the last epoch"),
    "pictures/s": st.column_config.NumberColumn("Pictures/s", format="localized"),
    "started": st.column_config.DatetimeColumn("Started", format="D MMM YYYY, HH:mm"),
    "tags": st.column_config.TextColumn("Tags"),
    "note": st.column_config.TextColumn("Note"),
    "group": st.column_config.TextColumn("Group"),
    "data": st.column_config.TextColumn("Data set"),
    "id": st.column_config.TextColumn("Id"),
    "device": st.column_config.TextColumn("Device"),
}
NAMES: Final = {RUN: "Run", STATE: "State", PICTURES: "Judged on", "best val_accuracy": "Best val_accuracy"}


@dataclass(frozen=True)
class Comparison:
    """What the table says of its runs beside each other.

    baseline   the id of the run that the others are compared with, "" for none
    leads      of each run by id, where there is a baseline
    pictures   by run, what the val pictures that judged it are called; empty where all have the same ones
    main       what those are called that the baseline was judged on, or else the runs that the advice is about
    """

    baseline: str = ""
    leads: Mapping[str, Lead] | None = None
    pictures: Mapping[str, str] | None = None
    main: str = ""

    def __hash__(self) -> int:
        return hash((self.baseline, self.main, *(self.pictures or ())))


def every_column(runs: Sequence[RunInfo]) -> list[str]:
    """Every column to choose from: results, settings with an effect in some run, and whatever else a run has."""
    effective = _effective(tuple({Same(info.config): None for info in runs[:200] if info.config is not None}))
    main = [name for name in main_settings() if name in effective]
    rest = [name for name in effective if name not in main]
    return [*RESULTS, POINTS, PERCENT, REASON, PICTURES, *main, *OTHERS, *EXTRA, *LAST, *rest]


@functools.lru_cache(maxsize=8)
def _effective(configs: tuple[Same[RunConfig], ...]) -> tuple[str, ...]:
    """The settings that have an effect in some config."""
    return tuple(field.name for field in fields() if any(config.value.uses(field.name) for config in configs))


def usual(runs: Sequence[RunInfo], searched: Iterable[str], comparison: Comparison) -> list[str]:
    """The columns where nobody chose: results, the main hyperparameters, what is searched for or differs, labels in use."""
    differing = _differing(tuple(Same(info.shown_config) for info in runs if info.shown_config is not None))
    labels = {
        "tags": any(info.labels.tags for info in runs),
        "group": any(info.group for info in runs),
        "note": any(info.labels.note or info.example for info in runs),
    }
    leads = [] if comparison.leads is None else [POINTS, PERCENT]
    if any(lead.reason for run_id, lead in (comparison.leads or {}).items() if run_id != comparison.baseline):
        leads.append(REASON)
    pictures = [PICTURES] if comparison.pictures else []
    in_use = [name for name, present in labels.items() if present]
    main = [*main_settings(), *searched]
    # At 1280 pixels the main hyperparameters stand there without scrolling; beside a baseline there is no room for more.
    front = [*leads, *main, *RESULTS[3:], *pictures] if leads else [*pictures, *RESULTS[3:], *main]
    names = [*RESULTS[:3], *front, *differing, *OTHERS, *in_use, "started"]
    return list(dict.fromkeys(name for name in names if name != "data.path" or not pictures))


@functools.lru_cache(maxsize=8)
def _differing(configs: tuple[Same[RunConfig], ...]) -> tuple[str, ...]:
    return differing_settings([config.value for config in configs])


@functools.cache
def main_settings() -> tuple[str, ...]:
    """The main hyperparameters, which the table always has."""
    return tuple(field.name for field in fields() if field.rank == MISSION)


def heading(name: str) -> str:
    """What a column is called, in full."""
    setting = _settings().get(name)
    if setting is not None:
        return setting.label
    return NAMES.get(name) or (COLUMNS[name]["label"] if name in COLUMNS else name)


@functools.cache
def _settings() -> dict[str, ConfigField]:
    return {field.name: field for field in fields()}


def table(runs: Sequence[RunInfo], names: Sequence[str], comparison: Comparison = Comparison()) -> pd.DataFrame:
    """One row a run with the columns of these names; settings have dotted names.

    A number that has no effect, or is not known, is missing.
    """
    shown = labels(runs, comparison.baseline)
    values: dict[str, Sequence[Any]] = {}
    for name in names:
        if name == RUN:
            values[name] = [shown[info.id] for info in runs]
        elif name in (POINTS, PERCENT, REASON):
            values[name] = _lead_column(runs, name, comparison.leads or {})
        elif name == PICTURES:
            values[name] = [_chips((comparison.pictures or {}).get(info.id)) for info in runs]
        elif name in _settings():
            values[name] = _setting_column(runs, name)
        else:
            values[name] = [fixed(info)[name] for info in runs]
    return pd.DataFrame(values, columns=list(names), index=range(len(runs)))


def coloured(frame: pd.DataFrame, runs: Sequence[RunInfo], comparison: Comparison, theme: str) -> Any:
    """The table with leads in green and red, beside their sign, and in grey the runs that other pictures judged.

    `theme` is "light" or "dark".

    As it is where nothing is coloured. Of very many runs on other pictures only the column that names those is grey.
    """
    pictures = comparison.pictures or {}
    others = [i for i, info in enumerate(runs) if info.id in pictures and pictures[info.id] != comparison.main]
    leads = [name for name in (POINTS, PERCENT) if name in frame]
    others = [] if len(others) * frame.shape[1] > MOST_GREY else others
    if not (others or leads):
        return frame
    better, worse, grey = INKS[theme]

    def ink(value: Any) -> str:
        return f"color: {better}" if value > 0 else f"color: {worse}" if value < 0 else ""

    style = frame.style.map(ink, subset=(slice(None), leads)) if leads else frame.style
    return style.set_properties(subset=(others, slice(None)), color=grey) if others else style


def labels(runs: Sequence[RunInfo], baseline: str = "") -> dict[str, str]:
    """What each run's button reads, by id, no two alike: its title, with ★ if it is starred and ⚑ if it is the baseline.

    A run without a name is called by what differs among these runs.
    """
    names = titles(runs)
    texts = []
    for info in runs:
        marks = ("⚑ " if info.id == baseline else "") + ("★ " if info.labels.star else "")
        texts.append(marks + _ICON.sub("\u2060:", names[info.id]))
    return dict(zip((info.id for info in runs), short_names(tuple(texts), TITLE_LENGTH), strict=True))


def state_text(info: RunInfo) -> str:
    """A run's state with its sign, and how far one that is alive has come: ``▶ running 7/40``."""
    is_begun = info.state in (State.RUNNING, State.STOPPING, State.UNHEARD)
    progress = f" {info.epochs_done}/{info.epochs_total or '?'}" if is_begun else ""
    return f"{SIGNS[info.state]} {info.state.value}{progress}"


@PerRun
def settings(info: RunInfo) -> dict[str, Any]:
    """The run's settings that have an effect, by dotted name."""
    return {} if info.shown_config is None else info.shown_config.effective_settings()


@PerRun
def fixed(info: RunInfo) -> dict[str, object]:
    """What a run has besides its settings, by column."""
    return {
        STATE: state_text(info),
        "best val_accuracy": info.best_val_accuracy,
        "best epoch": info.best_epoch,
        "gap": info.gap,
        "time": duration_text(info.seconds) if info.seconds else "–",
        "val_accuracy by epoch": list(info.curve),
        "epochs": f"{info.epochs_done} / {info.epochs_total or '?'}",
        "tags": ", ".join(info.labels.tags),
        "note": info.labels.note.partition("\n")[0][:120] or ("example" if info.example else ""),
        "group": info.group,
        "data": setting_text(info.config, "data.path"),
        "started": datetime.fromtimestamp(info.queued_at) if info.queued_at else None,
        "id": info.id,
        "accuracy": info.accuracy,
        "val_accuracy": info.val_accuracy,
        "pictures/s": None if info.pictures_per_second is None else round(info.pictures_per_second),
        "device": info.device,
    }


def _chips(text: str | None) -> list[str]:
    """In a list, since a cell's text would be split at its commas."""
    return [text] if text else []


def _lead_column(runs: Sequence[RunInfo], name: str, leads: Mapping[str, Lead]) -> list[Any]:
    attribute = {POINTS: "points", PERCENT: "percent", REASON: "reason"}[name]
    column = [getattr(leads.get(info.id, Lead()), attribute) for info in runs]
    return column if name == REASON else [None if value is None else float(value) for value in column]


def _setting_column(runs: Sequence[RunInfo], name: str) -> list[Any]:
    """Numbers where all are, so that a click on the heading sorts them; else texts."""
    values = [settings(info).get(name) for info in runs]
    if _is_numeric(name) and not (_settings()[name].zero and 0 in values):
        return values
    return ["" if value is None else value_text(value, name) for value in values]


def _is_numeric(name: str) -> bool:
    setting = _settings().get(name)
    return setting is not None and setting.kind in ("int", "float")


def configuration(frame: pd.DataFrame, pinned: Sequence[str], comparison: Comparison) -> dict[str, Any]:
    """How each column of the table is drawn, except for the runs' names."""
    made = {STATE: _state_column(frame), PICTURES: _pictures_column(comparison)}
    names = [str(name) for name in frame if name != RUN]
    configs = {name: dict(made.get(name) or COLUMNS.get(name) or _setting_config(frame, name)) for name in names}
    return {name: config | {"pinned": name in pinned} for name, config in configs.items()}


def _state_column(frame: pd.DataFrame) -> Any:
    texts = list(dict.fromkeys(frame[STATE])) if STATE in frame else []
    signs = {state.value: state for state in State}
    colors = [COLORS[signs[text.split()[1]]] for text in texts]
    return st.column_config.MultiselectColumn("State", options=texts, color=colors, width=120)


def _pictures_column(comparison: Comparison) -> Any:
    """The pictures that the table is about in colour, others in grey."""
    texts = list(dict.fromkeys((comparison.pictures or {}).values()))
    colors = ["violet" if text == comparison.main else "gray" for text in texts]
    about = "The val pictures that judged it: only results on the same ones can be compared"
    return st.column_config.MultiselectColumn("Judged on", options=texts, color=colors, width=130, help=about)


def _setting_config(frame: pd.DataFrame, name: str) -> Any:
    setting = _settings()[name]
    title = setting.title if len(setting.title) <= HEADING_LENGTH else setting.short[:1].upper() + setting.short[1:]
    options: dict[str, Any] = {
        "label": title,
        "help": f"{setting.label}, `{name}`: {setting.help}",
        "width": max(LEAST, LETTER * len(title) + 18),
    }
    if _is_numeric(name) and pd.api.types.is_numeric_dtype(frame[name]):
        return st.column_config.NumberColumn(format="%d" if setting.kind == "int" else "%.4g", **options)
    return st.column_config.TextColumn(**options)
