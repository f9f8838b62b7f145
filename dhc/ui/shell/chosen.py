"""The classes that a person looks at: one choice for Data, Mistakes and Confusion, by name, in the address and for the session."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dhc.text import NAME_LENGTH, shorten
from dhc.ui.shell import address

CLASSES = "classes"
KEY = "dhc_chosen"


def of_address(classes: Sequence[str]) -> tuple[int, ...]:
    """Those of the classes that the address names, as indices; none of them means all."""
    names = address.items(CLASSES, classes)
    return tuple(classes.index(name) for name in names)


def control(classes: Sequence[str]) -> tuple[int, ...]:
    """A button that opens the choice, and one that clears it; returns the chosen classes as indices, none for all."""
    bound = address.bound_items(CLASSES, classes, key=KEY)
    chosen = of_address(classes)
    label = f"{len(chosen):,} of {len(classes):,} classes" if chosen else "All classes"
    with st.container(key="dhc-chosen", horizontal=True, vertical_alignment="center", gap="xxsmall", width="content"):
        with st.popover(
            label, icon=":material/filter_alt:", key=KEY + "_box", type="primary" if chosen else "secondary"
        ):
            st.multiselect(
                "Only these classes, on Data, Mistakes and Confusion",
                placeholder="all classes",
                format_func=lambda name: shorten(name, NAME_LENGTH),
                **bound,
            )
        if chosen:
            st.button(":material/close:", key=KEY + "_clear", help="Show all classes", type="tertiary", on_click=clear)
    return chosen


def clear() -> None:
    """Take the choice out of the address."""
    address.put(**{CLASSES: None, "page": None})
