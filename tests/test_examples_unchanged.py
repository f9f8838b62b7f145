"""Old run folders give the same figures on every screen: the examples in ``runs/``, against values that were written down.

`python tests/test_examples_unchanged.py` writes the values anew; do so only for a change that is meant.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from screens import ROOT, open_page, sent
from streamlit.testing.v1 import AppTest

pytestmark = pytest.mark.pages

VALUES = Path(__file__).parent / "goldens" / "examples.json"
EXAMPLES = sorted(path.name for path in (ROOT / "runs").glob("2026*-*-*-*"))
PANELS = ("curves", "differences", "settings", "noise", "flips", "replay", "bets")
TYPES = {"f8": "<f8", "f4": "<f4", "i1": "i1", "u1": "u1", "i2": "<i2", "u2": "<u2", "i4": "<i4", "u4": "<u4"}


def screens() -> dict[str, tuple[str, dict[str, str]]]:
    """What is looked at: a name, the page, its address."""
    older, newer = EXAMPLES[-2:]
    chosen = {"select": f"{older},{newer}", "pair_a": older, "pair_b": newer, "differences_base": older}
    views = {f"{page} {run}": (page, {"run": run}) for page in ("live", "mistakes", "confusion") for run in EXAMPLES}
    views |= {f"runs {panel}": ("runs", chosen | {"panel": panel}) for panel in PANELS}
    return views | {"ladder": ("ladder", {}), "runs": ("runs", {})}


def figures(at: AppTest) -> dict[str, Any]:
    """Every number that a page shows: its metrics, its tables, the data of its charts, the pictures of its galleries."""
    charts = [json.loads(chart["figure"])["data"] for chart in sent(at, "plot")]
    return {
        "metrics": [[metric.label, metric.value] for metric in at.metric],
        "tables": [digest(table.value.to_csv()) for table in at.dataframe],
        "charts": [[digest(numbers(trace)) for trace in chart] for chart in charts],
        "ends": [[last(trace) for trace in chart] for chart in charts],
        "pictures": [[tile["caption"] for tile in gallery["tiles"]] for gallery in sent(at, "gallery")],
    }


def numbers(value: Any) -> Any:
    """The data of a trace with decoded arrays, and numbers to nine digits; how it looks is left out."""
    if isinstance(value, dict) and "bdata" in value:
        return np.frombuffer(base64.b64decode(value["bdata"]), TYPES[value["dtype"]]).round(9).tolist()
    if isinstance(value, dict):
        return {key: numbers(value[key]) for key in ("x", "y", "z", "open", "close", "type") if key in value}
    if isinstance(value, list):
        return [numbers(item) for item in value]
    return round(value, 9) if isinstance(value, float) else value


def last(trace: dict[str, Any]) -> Any:
    """The last y of a trace, or what lies in the corner of a matrix."""
    value = numbers(trace.get("y", []))
    return value[-1] if isinstance(value, list) and value else value


def digest(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@contextmanager
def examples_alone(place: Path) -> Iterator[None]:
    """The examples in a folder of their own, and no data set."""
    for run in EXAMPLES:
        shutil.copytree(ROOT / "runs" / run, place / "runs" / run, copy_function=shutil.copy2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DHC_RUNS_DIR", str(place / "runs"))
        patch.setenv("DHC_DATA_DIR", str(place / "data"))
        patch.setenv("XDG_CACHE_HOME", str(place / "cache"))
        patch.setenv("TZ", "UTC")
        time.tzset()
        patch.chdir(place)
        yield


@pytest.fixture(scope="module")
def _alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with examples_alone(tmp_path_factory.mktemp("examples")):
        yield


@pytest.mark.usefixtures("_alone")
@pytest.mark.parametrize("name", screens())
def test_an_example_shows_what_it_showed(name: str) -> None:
    page, address = screens()[name]
    at = open_page(page, **address)
    assert not at.exception
    assert figures(at) == json.loads(VALUES.read_text(encoding="utf-8"))[name]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, examples_alone(Path(folder)):
        values = {name: figures(open_page(page, **address)) for name, (page, address) in screens().items()}
    VALUES.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
