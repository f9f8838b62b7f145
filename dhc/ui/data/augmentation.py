"""What training makes of a picture: draws by the layers that train, with the settings of the Train form or others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from dhc.config import ConfigField, RunConfig, fields
from dhc.models.presets import DEFAULT, PRESETS, preset_config
from dhc.text import clean
from dhc.ui.answers.album import inline
from dhc.ui.answers.picture import PICTURE
from dhc.ui.data.picture import row_of_address
from dhc.ui.data.pictures import label_of, split_control
from dhc.ui.shell import address, session
from dhc.ui.shell.frame import go
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import guard, loading
from dhc.ui.train import draft, link

KEY = "dhc_augment_"
VALUES, SEED = KEY + "values", KEY + "seed"
OF_FORM = KEY + "of_form"  # the form's settings that were taken last
DRAWS, SIDE = 12, 112  # pictures; CSS pixels
OF_PAIRS = ("augment.mixup", "augment.cutmix")  # which a single picture cannot show
FIELDS = tuple(field for field in fields() if field.section == "augment" and field.name not in OF_PAIRS)
WHERE = "augment.where"
# Presets by the words of their buttons; the report's own comes in both of its meanings.
STARTS: Mapping[str, tuple[str, str]] = {
    "RandomRotation(3) as the report ran it": (
        "report",
        "Keras took 3 as ±3 full turns, hence any angle, and both flips.",
    ),
    "RandomRotation(3) as its author meant it": ("report-meant", "A rotation of up to 3 degrees, and both flips."),
    PRESETS["tuned"].title: ("tuned", PRESETS["tuned"].help),
}
ON_FEATURES = (
    "In this setting training changes feature maps inside the network, not the input picture. Feature maps cannot be shown as "
    "pictures: these draws apply the same flip and rotation to the picture itself."
)


@st.fragment
def draw(folder: str) -> None:
    """The picture, the settings, and twelve draws."""
    with guard():
        dataset = session.dataset(folder)
        left, right = st.columns([2, 5], gap="large")
        with left:
            split = split_control(dataset, KEY + "split")
            pictures = session.pictures(folder, split)
            row = row_of_address(pictures) or 0
            file, label = str(pictures.ids[row]), label_of(dataset, pictures, row)
            st.html(inline(pictures.x[row], size=2 * SIDE, alt=f"The picture {clean(file)}", title=clean(file)))
            st.caption(plain(f"{label}, {file}" if label else file))
            another = str(pictures.ids[np.random.default_rng().integers(len(pictures.ids))])
            args = {PICTURE: another}
            st.button(
                "Another picture", icon=":material/shuffle:", on_click=address.put, kwargs=args, key=KEY + "other"
            )
        with right:
            _starts()
            values = _sliders()
            config = RunConfig().with_values({**values, "model.name": "vgg16"})
            _draws(config, pictures.x[row])
            _to_train(folder, values)


def _initial() -> dict[str, Any]:
    """The augmentation of the Train form, or of what it begins with."""
    current = draft.draft() or {}
    config = preset_config(DEFAULT)
    return {field.name: current.get(field.name, config.get(field.name)) for field in FIELDS}


def _take(values: Mapping[str, Any]) -> None:
    """Set the controls to these values, in a callback or before they are drawn."""
    st.session_state[VALUES] = dict(values)
    for name, value in values.items():
        st.session_state[KEY + name] = value


def _take_preset(name: str) -> None:
    config = preset_config(name)
    _take({field.name: config.get(field.name) for field in FIELDS})


def _take_form() -> None:
    values = _initial()
    st.session_state[OF_FORM] = values
    _take(values)


def _starts() -> None:
    """Settings to begin with, a button each."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button("As in Train", on_click=_take_form, key=KEY + "form", help="The settings of the form on Train")
        for number, (title, (name, words)) in enumerate(STARTS.items()):
            st.button(title, help=words, on_click=_take_preset, args=(name,), key=f"{KEY}preset_{number}")


def _sliders() -> dict[str, Any]:
    """A control for each setting of augmentation that has an effect; returns all values by dotted name."""
    if st.session_state.get(OF_FORM) != _initial():  # the first time, or the form has changed meanwhile
        _take_form()
    values: dict[str, Any] = st.session_state[VALUES]
    for name, value in values.items():
        st.session_state.setdefault(KEY + name, value)  # which another part of the page has not drawn
    chosen = {**values, "model.name": "vgg16"}
    with_effect = [
        field for field in FIELDS if draft.has_effect(field, {**chosen, WHERE: st.session_state[KEY + WHERE]}, {})
    ]
    columns = st.columns(3, gap="medium")
    for place, field in enumerate(with_effect):
        with columns[place % len(columns)]:
            values = values | {field.name: _control(field)}
    st.session_state[VALUES] = values
    return values


def _control(field: ConfigField) -> Any:
    key = KEY + field.name
    # Given anew each time: of one that is drawn again the browser would otherwise show the default.
    st.session_state[key] = value = st.session_state[key]
    if field.kind == "choice":
        return st.selectbox(field.title, field.choices, key=key, help=field.help)
    if field.kind == "bool":
        return st.toggle(field.title, key=key, help=field.help)
    assert field.low is not None
    assert field.high is not None
    # The form takes any number and says itself which it refuses; a slider has none for those.
    st.session_state[key] = min(max(float(value or 0.0), field.low), field.high)
    step = float(field.step or 0.05)
    return st.slider(field.label, field.low, field.high, step=step, format="%g", key=key, help=field.help)


def _draws(config: RunConfig, picture: np.ndarray) -> None:
    """Twelve draws, and a button for others."""
    where = config.augment.where
    seed = int(st.session_state.get(SEED, 0))
    if where == "off":
        st.caption("Augmentation is off: training sees the picture as it is, every time.")
        return
    without_effect = {field.name: field.default for field in FIELDS if not config.uses(field.name)}
    shown = config.with_values({WHERE: "input", **without_effect})
    settings = {field.key: shown.get(field.name) for field in FIELDS}
    with loading("Drawing … the first time Keras starts for it, which takes some seconds"):
        pictures = _drawn(picture.tobytes(), tuple(settings.items()), seed)
    cells = [inline(x, size=SIDE, alt=f"draw {number}") for number, x in enumerate(pictures, 1)]
    grid = f"display: grid; grid-template-columns: repeat({DRAWS // 2}, minmax(0, {SIDE}px)); gap: 8px"
    st.html(f'<div style="{grid}">{"".join(cells)}</div>')
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Draw again", icon=":material/casino:", on_click=_again, key=KEY + "again")
        st.caption(
            ON_FEATURES
            if where == "features"
            else "Drawn by the very code that trains, each epoch anew; Mixup and CutMix take two pictures."
        )


def _again() -> None:
    st.session_state[SEED] = int(st.session_state.get(SEED, 0)) + 1


@st.cache_data(show_spinner=False, max_entries=32)
def _drawn(picture: bytes, settings: tuple[tuple[str, Any], ...], seed: int) -> np.ndarray:
    """(DRAWS, 64, 64, 3) uint8, from the helper process. Raises UserError, HelperError, OSError."""
    x = np.frombuffer(picture, np.uint8).reshape(64, 64, 3)
    answer = session.helper().ask("augment", {"x": x}, settings=dict(settings), seed=seed, draws=DRAWS)
    return answer.arrays["x"]


def _to_train(folder: str, values: Mapping[str, Any]) -> None:
    if st.button("Use in Train", type="primary", icon=":material/tune:", key=KEY + "train"):
        if draft.draft() is None:
            draft.fill(preset_config(DEFAULT).with_values({"data.path": folder}))
        draft.change(values)
        st.session_state[OF_FORM] = dict(values)
        link.remember()
        go("Train")
