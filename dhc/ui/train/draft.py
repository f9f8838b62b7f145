"""The Train form's values as a session keeps them, and what they were filled from: a preset or a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import streamlit as st

from dhc.config import ConfigField, RunConfig, fields, find_field
from dhc.errors import ConfigError
from dhc.models.presets import DEFAULT
from dhc.ui.shell import session

VALUES = "dhc_draft"
BASE = "dhc_draft_base"
SOUND = "dhc_draft_sound"
FRESH = "dhc_draft_fresh"  # filled or changed, and not drawn since
PARENT = "dhc_parent"
PRESET = "dhc_draft_preset"
NO_SWEEP: Mapping[str, Sequence[Any]] = MappingProxyType({})


def key(name: str) -> str:
    """The session's key of a field's widget."""
    return f"dhc_form_{name}"


def fill(config: RunConfig, parent: str = "", *, preset: str = DEFAULT) -> None:
    """Put a config's values into the form, those of the run `parent` where it is named, else of a preset.

    Call it before the form is drawn, or in a callback.
    """
    st.session_state[PARENT], st.session_state[PRESET] = parent, "" if parent else preset
    original = _config_of(parent) or config
    st.session_state[BASE] = _values(original)
    st.session_state.pop(SOUND, None)
    st.session_state[VALUES] = {}
    change(_values(config))


def change(changes: Mapping[str, Any]) -> None:
    """Put other values into a form that is filled; those of other fields stay, and so does what it was filled from."""
    st.session_state[FRESH] = True
    st.session_state[VALUES] = {**st.session_state[VALUES], **changes}
    for name, value in changes.items():
        st.session_state[key(name)] = value


def draft() -> Mapping[str, Any] | None:
    """The form's values by dotted name as they were drawn last; None where it was not filled yet."""
    return st.session_state.get(VALUES)


def take() -> dict[str, Any]:
    """The form's values by dotted name as its widgets have them now; they need not be sound.

    A field that is not drawn, as while other pages are open, has its value of the draft.
    """
    before = st.session_state[VALUES]
    st.session_state[VALUES] = {name: st.session_state.get(key(name), value) for name, value in before.items()}
    return dict(st.session_state[VALUES])


def forget_widgets(names: Iterable[str]) -> None:
    """Leave the values of fields that are not drawn to the draft alone.

    A value that the session had before a widget is drawn again need not reach the browser, which then empties the field.
    """
    for name in names:
        st.session_state.pop(key(name), None)


def parent() -> str:
    """Id of the run whose settings were put into the form, or "".

    What is started from the form is a changed copy of that run.
    """
    return str(st.session_state.get(PARENT, ""))


def preset() -> str:
    """Name of the preset whose settings were put into the form, "" where they are a run's."""
    return str(st.session_state.get(PRESET, ""))


def changes(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values that differ from what the form was filled from."""
    base = st.session_state[BASE]
    return {name: value for name, value in values.items() if not _are_same(name, value, base[name])}


def before(name: str) -> Any:
    """A field's value in what the form was filled from."""
    return st.session_state[BASE][name]


def remember_sound(values: Mapping[str, Any]) -> None:
    """Remember values without a fault: what is forecast while one of them has one."""
    st.session_state[SOUND] = dict(values)


def sound_value(field: ConfigField) -> Any:
    """A field's last value in a form without a fault, else its default."""
    return st.session_state.get(SOUND, {}).get(field.name, field.default)


def has_effect(field: ConfigField, values: Mapping[str, Any], sweep: Mapping[str, Sequence[Any]] = NO_SWEEP) -> bool:
    """Whether a field has an effect under `values`, or under some of those that a sweep varies.

    A field may need certain values of other fields, such as patience a schedule that is ``plateau``.
    """
    return all(
        any(str(value) in enabling for value in sweep.get(other) or [values.get(other)])
        for other, enabling in field.when.items()
    )


def accepts(name: str, value: Any) -> bool:
    """Whether the field of that name takes the value by itself."""
    try:
        find_field(name).check(value)
    except ConfigError:
        return False
    return True


def _values(config: RunConfig) -> dict[str, Any]:
    return {field.name: config.get(field.name) for field in fields()}


def _config_of(run_id: str) -> RunConfig | None:
    info = session.run_or_none(run_id or None)
    return info.config if info else None


def _are_same(name: str, one: Any, other: Any) -> bool:
    if name != "data.path" or one == other:
        return bool(one == other)
    return same_place(str(one), str(other))


def same_place(path: str, ours: str) -> bool:
    """Whether a path is that of a folder of ours, whether that is there or not.

    Anybody may have written the path: on Windows even to look where it leads could ask another machine.
    """
    return Path(path).absolute() in (Path(ours).absolute(), Path(ours).resolve())
