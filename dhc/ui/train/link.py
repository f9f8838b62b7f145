"""The Train form in the page's address: what differs from a preset or a run, so that it can be sent and reloaded.

    ?factor=0.33                                 the default preset, with another LR factor
    ?preset=report&epochs=3                      another preset
    ?like=20261124-042501-vgg16-747c&seed=1      a run's settings
    ?vary=factor,patience&factor=0.3..0.9 step 0.2&patience=2,5      a sweep

What the form was filled from is the address's while nobody has touched the form: `follow`. Whoever changes a field writes
the address in the same moment: `touched`, the callback of each widget. So a click that is sent before the browser knows the
new address cannot bring the old values back.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from dhc.config import ConfigField, RunConfig, fields
from dhc.config.titles import names_in, problems
from dhc.errors import ConfigError, DataError
from dhc.jobs.values import format_value
from dhc.models.presets import DEFAULT, PRESETS, preset_config
from dhc.ui.shell import address, chosen, session
from dhc.ui.train import draft, sweep

LIKE, PRESET = "like", "preset"
SEEN = "dhc_draft_address"


NAMED = {"data.path": "data", "device.where": "where"}


def alias(field: ConfigField) -> str:
    """A field's parameter: its key, ``factor``; where several have that key, its section, ``optimizer``."""
    if field.name in NAMED:
        return NAMED[field.name]
    return field.section if field.key in ("name", "where") else field.key


PARAMETERS: tuple[str, ...] = (LIKE, PRESET, *sweep.PARAMETERS, *(alias(field) for field in fields()))


def follow() -> None:
    """Fill the form from the address where that is new: a link, a reload, a step back; else with the default preset.

    An address without settings does so in the page that is open, but does not empty the form of one who comes from elsewhere.
    """
    params = _ours()
    arrives = st.session_state.pop(draft.FRESH, False) or draft.key("data.path") not in st.session_state
    if draft.draft() is None or (params != st.session_state.get(SEEN) and (params or not arrives)):
        _read(params)
        del st.session_state[draft.FRESH]
    st.session_state[SEEN] = _ours()


def touched() -> None:
    """Write the form into the address: the callback of each of its widgets."""
    draft.take()
    params = st.session_state[SEEN] = written()
    remember()
    others = {name: value for name, value in st.query_params.to_dict().items() if name not in PARAMETERS}
    st.query_params.from_dict({**others, **params})


def remember() -> None:
    """Let the links of other pages open the form as it stands."""
    chosen.remember("Train", written())


def written() -> dict[str, str]:
    """The parameters of the form as it stands; what cannot run as it stands is left out."""
    values = draft.draft() or {}
    wrong = problems(values)
    swept = sweep.texts()
    params = {LIKE: draft.parent()} if draft.parent() else {PRESET: draft.preset()}
    params = {name: value for name, value in params.items() if value != DEFAULT}
    changed = set(draft.changes(values))
    if not draft.parent() and len(session.data_folders()) > 1:
        changed.add("data.path")  # which one a preset takes may be another one tomorrow
    for field in fields():
        if field.name in changed and field.name not in swept and field.name not in wrong:
            params[alias(field)] = _text(field, values[field.name])
    return params | sweep.written({field.name: alias(field) for field in fields()})


def whole_address() -> str:
    """The page's address with the form as it stands and nothing else."""
    query = urlencode(written())
    place = (st.context.url or "").partition("?")[0]
    return f"{place}?{query}" if query else place


def with_data(config: RunConfig) -> RunConfig:
    """A preset with a data folder: the form's if that is here, else the latest run's that is here, else any, else the stand-in set's."""
    folders = session.data_folders()
    path = (draft.draft() or {}).get("data.path")
    if path not in folders and not (path and _opens(path)):
        of_runs = (info.config.data.path for info in session.runs() if info.config is not None)
        of_latest = next((path for path in of_runs if path in folders), None)
        path = of_latest or next(iter(folders), str(session.data_dir() / "stand-in"))
    return config.with_values({"data.path": path})


def _ours() -> dict[str, str]:
    return {name: value for name, value in st.query_params.to_dict().items() if name in PARAMETERS}


def _read(params: Mapping[str, str]) -> None:
    bad: dict[str, str] = {}
    config, parent, preset = _origin(params, bad)
    by_alias = {alias(field): field for field in fields()}
    swept = sweep.take(params, by_alias, bad)
    changes: dict[str, Any] = {}
    for name, field in by_alias.items():
        if name in params and field.name not in swept:
            try:
                changes[field.name] = _value(field, params[name])
            except ConfigError:
                bad[name] = params[name]
    changes = _fitting(config, changes, bad, params)
    draft.fill(config, parent, preset=preset)
    draft.change(changes)
    if bad:
        address.refuse(bad, "which does not fit here" if len(bad) == 1 else "which do not fit here")


def _origin(params: Mapping[str, str], bad: dict[str, str]) -> tuple[RunConfig, str, str]:
    """What the form is filled from: a config, and the id of its run or the name of its preset."""
    run_id = params.get(LIKE, "")
    info = session.run_or_none(run_id or None)
    if info is not None and info.config is not None:
        return info.config, info.id, ""
    if run_id:
        bad[LIKE] = run_id
    preset = params.get(PRESET) or DEFAULT
    if preset not in PRESETS:
        bad[PRESET], preset = preset, DEFAULT
    return with_data(preset_config(preset)), "", preset


def _fitting(
    config: RunConfig, changes: Mapping[str, Any], bad: dict[str, str], params: Mapping[str, str]
) -> dict[str, Any]:
    """The changes without those that do not fit together."""
    try:
        config.with_values(changes)
    except ConfigError as error:
        unfit = set(names_in(str(error))) & set(changes) or set(changes)
        bad |= {alias(field): params[alias(field)] for field in fields() if field.name in unfit}
        return _fitting(config, {name: value for name, value in changes.items() if name not in unfit}, bad, params)
    return dict(changes)


def _opens(path: str) -> bool:
    """Whether there is a data set that this view may show."""
    try:
        session.dataset(path)
    except (DataError, OSError):
        return False
    return True


def _text(field: ConfigField, value: Any) -> str:
    """A value as the address has it: a data set of ours by its name."""
    if field.name == "data.path":
        return next((Path(folder).name for folder in session.data_folders() if folder == value), str(value))
    return format_value(value)


def _value(field: ConfigField, text: str) -> Any:
    """Raises ConfigError for a text that is no value of the field."""
    if field.name != "data.path":
        return field.check(text)
    for folder in session.data_folders():
        if text in (folder, Path(folder).name):
            return folder
    stand_in = str(session.data_dir() / "stand-in")
    if text == stand_in:
        return text
    # no name of another machine: asking it for the folder could tell it who asks
    if Path(text).is_absolute() and not text.startswith(("//", "\\\\")) and "\0" not in text and _opens(text):
        return text
    raise ConfigError(field.refusal(text))
