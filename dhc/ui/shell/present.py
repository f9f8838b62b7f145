"""Present: navigation, picker and state on one line, one part of the page fills the window, type half as large again.

It stands in the address, ``present=1``, with ``large=2`` for the second part of the page. The session carries it from page
to page.
"""

from __future__ import annotations

from typing import Final

import streamlit as st

from dhc.ui.shell import address
from dhc.ui.widgets.stage import stage

NAME, LARGE = "present", "large"
ON, PAGE = "dhc_present", "dhc_present_page"  # in the session: whether it is on, and the page that was drawn last
MOST_PARTS: Final = 99
# What may be large on any page, besides the page's own first part.
OTHERS: Final = (
    ".dhc-plot, .stDataFrame, [class*='st-key-dhc'][class*='_grid'], [class*='st-key-dhc'][class*='_pictures']"
)


def arrive(page: str) -> bool:
    """Whether `page` is presented: as its address says, and on another page than before as the session remembers."""
    state = st.session_state
    if state.get(PAGE) != page and state.get(ON):
        address.put(**{NAME: 1})
    state[PAGE], state[ON] = page, address.choice(NAME, ("1",), "") == "1"
    return is_on()


def last_page() -> str:
    """The page that was drawn last, "" before the first one."""
    return str(st.session_state.get(PAGE, ""))


def is_on() -> bool:
    """Whether the page that is drawn now is presented."""
    return bool(st.session_state.get(ON))


def button() -> None:
    """The button that begins and ends it."""
    on = is_on()
    label = "Leave" if on else "Present"
    icon = ":material/close_fullscreen:" if on else ":material/present_to_all:"
    hint = "Back to the whole page (p or Esc)" if on else "One figure fills the window, in large type (p)"
    st.button(label, icon=icon, type="tertiary", help=hint, key="dhc-present", on_click=_toggle)


def _toggle() -> None:
    on = not is_on()
    st.session_state[ON] = on
    address.put(**{NAME: 1 if on else None, LARGE: None})


def draw_stage(page: str, first: str) -> None:
    """The chooser of what is large; `first` is the CSS selector of the page's main part, "" for the whole page."""
    place = (address.integer(LARGE, low=1, high=MOST_PARTS) or 1) - 1
    chosen = stage(key="dhc-stage", page=page, presented=is_on(), first=first, others=OTHERS, place=place)
    if chosen is not None:
        address.put(**{LARGE: chosen + 1 if chosen else None})
