"""A person's own picture on its way from Predict to Network: the session holds it, the address says that it is meant."""

from __future__ import annotations

import streamlit as st

from dhc.data.intake import Picture
from dhc.runs.store import RunInfo
from dhc.ui.shell import address
from dhc.ui.shell.frame import link

YOURS = "yours"  # in the address
KEY = "dhc_yours"


def way(info: RunInfo, picture: Picture) -> None:
    """The links to the picture's feature maps, and to its walk through the network."""
    st.session_state[KEY] = picture
    link("Network", text="Its feature maps", run=info.id, view="maps", **{YOURS: "1"})
    link("Walk", text="Walk through the network", run=info.id, **{YOURS: "1"})


def given() -> Picture | None:
    """The picture that was on Predict last, where the address asks for it and this session still has it."""
    picture: Picture | None = st.session_state.get(KEY)
    return picture if address.choice(YOURS, ("1",), "") else None


def take_back() -> None:
    """Ask for it no longer."""
    address.put(**{YOURS: None})
