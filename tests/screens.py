"""Pages as AppTest runs them: opening one with an address, and reading what our own components were sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Selectbox

ROOT = Path(__file__).resolve().parents[1]


def open_page(screen: str, /, **address: str) -> AppTest:
    """Run ``pages/<screen>.py`` as an address like ``/<screen>?run=…`` opens it. DHC_RUNS_DIR must be set."""
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
    for name, value in address.items():
        at.query_params[name] = value
    at.switch_page(f"pages/{screen}.py")
    at.session_state["dhc_form_rare"] = (
        True  # Train draws the fields that are rarely changed only where they are in sight
    )
    return at.run()


def open_code(folder: Path, code: str) -> AppTest:
    """Run ``code`` as the app in ``folder``, from which our own pages can be gone to."""
    (folder / "app.py").write_text(code, encoding="utf-8")
    (folder / "pages").symlink_to(ROOT / "pages")
    return AppTest.from_file(str(folder / "app.py"), default_timeout=30).run()


def sent(at: AppTest, component: str) -> list[dict[str, Any]]:
    """What the components called ``dhc_<component>`` were given, in the page's order."""
    elements = [element.proto for element in at.get("bidi_component")]
    return [json.loads(e.json) for e in elements if e.component_name.endswith(f"dhc_{component}")]


def click(at: AppTest, key: str, value: object) -> AppTest:
    """Run the page again as if the component with this key had reported a click."""
    at.session_state[key] = {"click": value}
    return at.run()


def address(at: AppTest, name: str) -> str | None:
    """A parameter of the page's address, None where it is not there."""
    values = at.query_params.get(name)
    return values[-1] if isinstance(values, list) and values else values  # type: ignore[return-value]


def texts(at: AppTest) -> str:
    """All that the page says in Markdown, captions and boxes, joined by line feeds; without the escapes of `states.plain`."""
    kinds = ("markdown", "caption", "info", "warning", "error", "success")
    said = "\n".join(str(element.value) for kind in kinds for element in at.get(kind))
    return said.replace("\\", "").replace("\u2060", "")


def page_links(at: AppTest) -> dict[str, str]:
    """Label → query string of the page's links."""
    return {element.proto.label: element.proto.query_string for element in at.get("page_link")}


def data_box(at: AppTest) -> Selectbox:
    """The box in which the Data page's data set is chosen."""
    (box,) = [box for box in at.selectbox if (box.key or "").startswith("dhc_pick_data")]
    return box
