"""A changed copy of a run: its settings in the Train form, which remembers the original."""

from __future__ import annotations

import streamlit as st

from dhc.config import RunConfig
from dhc.ui.train import form


def open_form(config: RunConfig, parent: str) -> None:
    """Fill the Train form with a config that came from the run `parent`, and go there."""
    form.fill(config, parent)
    st.switch_page("pages/train.py")
