"""Home's one button: pictures where there are none, a quick training, its live view; the other pictures meanwhile.

Beside it the way to a finished example.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from dhc.data.standin.pace import seconds_to_draw
from dhc.data.standin.planned import planned_dataset
from dhc.errors import UserError
from dhc.jobs import datasets
from dhc.models.presets import preset_config
from dhc.runs.status import State
from dhc.runs.store import RunInfo, by_activity
from dhc.text import rough_text
from dhc.ui.shell import errand, session, sharing, standin
from dhc.ui.shell.frame import go
from dhc.ui.shell.standin import stand_in_folder
from dhc.ui.shell.states import DEMO_WANTED
from dhc.ui.shell.watch import watch
from dhc.ui.train import expectation

TICK = 2.0  # seconds between two updates while it trains
NAME = "Demo"  # of its runs
CONFIG = preset_config("quick")
CLASSES, EPOCHS = CONFIG.data.classes, CONFIG.fit.epochs


def excerpt_folder() -> Path:
    """Folder of the stand-in's first classes alone, which may not exist yet: a small data set, drawn in seconds."""
    return stand_in_folder(CLASSES)


def draw() -> None:
    """The button and what it does, the progress of its pictures, or that it trains."""
    is_wanted = st.session_state.pop(DEMO_WANTED, False)
    if errand.draw(excerpt_folder()):
        return
    if _training() is None:
        _offer(is_wanted=is_wanted)
    else:
        watch(_training, _draw_training, every=TICK, alive=bool, page=_id_and_state, key="dhc-demo")
        _offer_example()


def _offer(*, is_wanted: bool) -> None:
    """The button, what it does and how long each part takes; beside it, what others have trained."""
    with st.container(horizontal=True, vertical_alignment="center"):
        is_pressed = st.button("Start the demo", type="primary", icon=":material/play_arrow:", **sharing.greyed())
        _offer_example()
    if (is_pressed or is_wanted) and not sharing.is_read_only():
        errand.start(CONFIG, name=NAME)
    st.caption(_steps())


def _offer_example() -> None:
    example = best_example(session.runs())
    if example is not None and st.button("Look at a finished example", icon=":material/monitoring:"):
        go("Live", run=example.id)


def best_example(runs: Sequence[RunInfo]) -> RunInfo | None:
    """Of the finished examples that have curves, the one of the highest val_accuracy; None without any."""
    examples = [info for info in runs if info.example and info.state is State.FINISHED and info.trains_network]
    return max(examples, key=lambda info: info.best_val_accuracy or 0.0, default=None)


def _steps() -> str:
    """What the demo will do, and about how long each part takes on this machine."""
    folder = next((folder for folder in (excerpt_folder(), stand_in_folder()) if datasets.is_dataset(folder)), None)
    trains = f"trains a small VGG16 for {EPOCHS} epochs{_training_time(folder)} while you watch"
    if folder is not None:
        return f"The demo {trains}, on {CLASSES} classes of {folder.name}."
    first, rest = (_drawing_time(folder) for folder in (excerpt_folder(), stand_in_folder()))
    return (
        f"The demo draws pictures of {CLASSES} classes ({first}), then {trains}. The stand-in set's other classes are drawn "
        f"meanwhile, in the background ({rest})."
    )


def _drawing_time(folder: Path) -> str:
    recipe = standin.recipe_named(folder.name)
    assert recipe is not None
    return rough_text(seconds_to_draw(recipe))


def _training_time(folder: Path | None) -> str:
    """`` (about 2 min)``; "" where nothing is known of the device, or the pictures cannot be used."""
    try:
        device = expectation.resolved_device(CONFIG.device.device)
        dataset = session.dataset(str(folder)) if folder else planned_dataset(excerpt_folder(), CLASSES)
        seconds = expectation.run_estimate(CONFIG, dataset, device).seconds
    except (UserError, OSError):
        return ""
    return "" if seconds is None else f" ({rough_text(expectation.START + seconds)})"


def _training() -> RunInfo | None:
    """The demo that trains or waits, if there is one, whoever started it."""
    alive = by_activity(info for info in session.runs() if info.state.alive and not info.group)
    return next((info for info in alive if _is_demo(info)), None)


def _is_demo(info: RunInfo) -> bool:
    return info.config is not None and info.config.with_values({"data.path": CONFIG.data.path}) == CONFIG


def _id_and_state(info: RunInfo | None) -> tuple[str, State] | None:
    return None if info is None else (info.id, info.state)


def _draw_training(info: RunInfo | None) -> None:
    if info is None:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        total = info.epochs_total or EPOCHS
        what = "The demo waits in the queue" if info.state is State.QUEUED else "The demo trains"
        st.progress(min(1.0, info.epochs_done / total), text=f"{what}: {info.epochs_done} of {total} epochs are done.")
        if st.button("Watch it on Live", type="primary", icon=":material/monitoring:"):
            go("Live", run=info.id)
