"""The browser's side of our components: JavaScript and CSS beside this file, and plotly.min.js out of the installed plotly package."""
from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import plotly
from streamlit.components.v1 import declare_component

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

_HERE: Final = Path(__file__).parent
_PLOTLY_FOLDER: Final = Path(plotly.__file__).parent / "package_data"


def text(name: str) -> str:
    """Return the text of one of our own browser files, such as ``"js/plot.js"`` (UTF-8)."""
    return (_HERE / name).read_text(encoding="utf-8")


@cache
def component(name: str, *, isolate_styles: bool) -> ComponentRenderer:
    """Return the ``st.components.v2`` component made of ``js/<name>.js`` and, where there is one, ``js/<name>.css``.

    Made once a process, at first use: importing this module reads nothing. Streamlit registers it anew with each runtime that mounts it.
    """
    import streamlit as st

    style = f"js/{name}.css"
    return st.components.v2.component(
        f"dhc_{name}",
        js=text(f"js/{name}.js"),
        css=text(style) if (_HERE / style).is_file() else None,
        isolate_styles=isolate_styles,
    )


def plotly_path() -> str:
    """Return where this server serves plotly.min.js, relative to its own root, with the version so that browsers can keep it.

    The file is served straight out of the installed plotly package (a v1 component declaration is a public way to serve a folder), so nothing is
    copied, nothing goes over the network, and a read-only checkout works. Must be called inside a script run; calling it again is cheap.
    """
    served = declare_component("plotly", path=_PLOTLY_FOLDER)
    return f"component/{served.name}/plotly.min.js?v={plotly.__version__}"
