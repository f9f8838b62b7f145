"""Home's one button: pictures where there are none, a quick training, its live view; the other pictures meanwhile."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dhc.jobs import datasets
from dhc.models.presets import preset_config
from dhc.ui.shell import errand, sharing
from dhc.ui.shell.errand import stand_in_folder

CONFIG = preset_config("quick")
CLASSES, EPOCHS = CONFIG.data.classes, CONFIG.fit.epochs
TRAINS = f"trains a small VGG16 for {EPOCHS} epochs (a minute on two quiet cores) and shows it on Live"


def excerpt_folder() -> Path:
    """Folder of the stand-in's first classes alone, which may not exist yet: a small data set, drawn in seconds."""
    return stand_in_folder(CLASSES)


def draw() -> None:
    """The button and what it does, or the progress of its pictures; nothing in a read-only view."""
    if sharing.is_read_only():
        return
    if errand.draw(excerpt_folder()):
        return
    if st.button("Start the demo", type="primary", icon=":material/play_arrow:"):
        errand.start(CONFIG)
    st.caption(_steps())


def _steps() -> str:
    """What the demo will do, and how long each part takes."""
    folder = next((folder for folder in (excerpt_folder(), stand_in_folder()) if datasets.is_dataset(folder)), None)
    if folder is not None:
        return f"The demo {TRAINS}, on {CLASSES} classes of {folder.name}."
    return (
        f"The demo draws pictures of {CLASSES} classes (five seconds), {TRAINS}. The stand-in set's other classes are "
        "drawn meanwhile, in the background (another minute)."
    )
