"""The browser's side of our components: our JavaScript and CSS, and plotly.min.js."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import plotly
import streamlit as st
from streamlit.components.v1 import declare_component

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

_HERE: Final = Path(__file__).parents[1]  # dhc/ui
_PLOTLY_NAME: Final = "dhc_plotly"  # in the session
_PLOTLY_FOLDER: Final = Path(plotly.__file__).parent / "package_data"
PLOTLY: Final = "plotly.min.js"  # in that folder
PLOTLY_VERSION: Final[str] = plotly.__version__


def path(name: str) -> Path:
    """Return the path of one of our own browser files, such as ``"widgets/plot.js"``."""
    return _HERE / name


@cache
def component(name: str, *, isolate_styles: bool, parts: tuple[str, ...] = ()) -> ComponentRenderer:
    """Return the component made of ``widgets/<name>.js`` and ``widgets/<name>.css``.

    ``parts`` name more files of JavaScript that stand in the same module.

    Made once a process, at first use: importing this module reads nothing. Streamlit registers it with each new runtime
    that mounts it.
    """
    return st.components.v2.component(
        f"dhc_{name}",
        js="\n".join(path(f"widgets/{part}.js").read_text(encoding="utf-8") for part in (name, *parts)),
        css=path(f"widgets/{name}.css").read_text(encoding="utf-8"),
        isolate_styles=isolate_styles,
    )


def plotly_url() -> str:
    """Return where this server serves plotly.min.js, relative to its root.

    The address holds the version, so that browsers can keep the file. The file is served straight out of the installed
    plotly package (declaring a v1 component is a public way to serve a folder), so nothing is copied, nothing goes over the
    network, and a read-only checkout works. Must be called inside a script run; declared once a session, since that takes
    as long as three elements.
    """
    if _PLOTLY_NAME not in st.session_state:
        st.session_state[_PLOTLY_NAME] = declare_component("plotly", path=_PLOTLY_FOLDER).name
    return f"component/{st.session_state[_PLOTLY_NAME]}/{PLOTLY}?v={PLOTLY_VERSION}"
