"""The words that each screen shows, as AppTest runs it on the examples."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from screens import ROOT, open_page
from streamlit.testing.v1 import AppTest
from test_examples_unchanged import EXAMPLES

from dhc.ui.runs.compare import PANELS

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_LAST = EXAMPLES[-1]
VIEWS: Mapping[str, tuple[dict[str, str], ...]] = {
    "Home": ({},),
    "Data": tuple({"view": part} for part in ("pictures", "classes", "reading", "check")),
    "Train": ({},),
    "Live": ({"run": _LAST}, {"run": EXAMPLES[5]}),
    "Runs": ({}, *({"select": ",".join(EXAMPLES[-2:]), "panel": panel} for panel in PANELS)),
    "Mistakes": ({"run": _LAST}, {"run": _LAST, "picture": "865"}),
    "Confusion": ({"run": _LAST, "cell": "3,4"},),
    "Review": ({"run": _LAST, "split": "val"},),
    "Network": ({"plan": "form", "preset": "report"},),
    "Predict": ({},),
    "Ladder": ({},),
}


def texts() -> dict[str, str]:
    """All that each screen says, in any element of it: labels, help, texts, options, charts."""
    said: dict[str, list[str]] = defaultdict(list)
    for page, addresses in VIEWS.items():
        for address in addresses:
            at = _open(page, address)
            assert not at.exception
            said[page] += _texts(at._tree)
    return {page: "\n".join(parts) for page, parts in said.items()}


def stands_in(word: str, text: str) -> bool:
    """Whether a word, or several, stands in a text as such: not as a part of another word."""
    return re.search(rf"(?<![A-Za-z]){re.escape(word)}(?![A-Za-z])", text, re.IGNORECASE) is not None


def _open(page: str, address: Mapping[str, str]) -> AppTest:
    if page == "Home":
        return AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).run()
    return open_page(page.lower(), **address)


def _texts(node: Any) -> Iterator[str]:
    """Every text below a node, the frame left out: what a person reads, and no name of a field."""
    proto = getattr(node, "proto", None)
    if getattr(node, "type", "") == "html" or (hasattr(node, "children") and "dhc-bar" in str(proto)):
        return
    if hasattr(proto, "component_name"):  # what it was given; its code, too, is part of its message
        yield from _values(json.loads(proto.json or "{}"))
    elif proto is not None:
        yield from (text for text in _QUOTED.findall(str(proto)) if not text.startswith("$$ID"))
    for child in getattr(node, "children", {}).values():
        yield from _texts(child)


def _values(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from _values(json.loads(value)) if value.startswith('{"') else (value,)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in ("image", "bdata"):
                yield from _values(item)
    elif isinstance(value, list):
        for item in value:
            yield from _values(item)
