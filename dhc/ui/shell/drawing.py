"""Data sets in the making, on every page that offers data sets."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import streamlit as st

from dhc.jobs import datasets
from dhc.jobs.datasets import Making
from dhc.text import rough_text, shorten
from dhc.ui.shell import session
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.watch import watch

TICK = 1.0  # seconds between two updates
NAME_LENGTH = 60  # characters


def notice(*, without: Path | None = None) -> None:
    """How far each data set in the making is, one of them left out; the page runs again when one of them is whole."""
    watch(partial(_pending, without), _draw, every=TICK, alive=bool, page=list, key="dhc-drawing")


def progress(making: Making, what: str, more: str = "") -> None:
    """A bar: ``Drawing what: 1,200 of 18,000 pictures.`` and `more` in Markdown."""
    count = f"{making.pictures:,} of {making.total:,} pictures" if making.total else "starting"
    left = making.seconds_left
    time_left = "" if left is None else f", {rough_text(left)} left"
    order = "Trainings go first. " if making.gives_way else ""
    st.progress(making.fraction, text=f"Drawing {what}: {count}{time_left}. {order}{more}".strip())


def _pending(without: Path | None) -> Mapping[Path, Making]:
    makings = datasets.all_makings(session.data_dir())
    return {folder: making for folder, making in makings.items() if making.pending and folder != without}


def _draw(makings: Mapping[Path, Making]) -> None:
    for folder, making in makings.items():
        name = plain(shorten(folder.name, NAME_LENGTH))
        progress(making, f"the data set {name}", "It can be chosen here once it is whole.")
