"""A page whose parts fail in every way, for test_components.py."""

from __future__ import annotations

import streamlit as st

from dhc.errors import DataError
from dhc.ui.shell.frame import frame
from dhc.ui.shell.states import empty, guard

frame("Failing", ":material/error:")
empty("There are no runs yet.", links=["Train"])
with guard():
    raise DataError("![](http://example.com/a.png) <b>train.csv</b> is missing in my_data.")
with guard():
    raise KeyError("secret detail")


@st.fragment
@guard()
def part() -> None:
    if st.button("Break it"):
        raise ZeroDivisionError("another detail")
    st.text("whole")


part()
try:
    import keras
except ImportError as error:
    st.text(f"import: {error}")
else:
    st.text(f"import: {keras}")
raise RuntimeError("nobody guards this")
