"""Our JavaScript run without a browser, by the Node that playwright brings along."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import playwright

from dhc.ui.widgets import assets

NODE = Path(playwright.__file__).parent / "driver" / ("node.exe" if os.name == "nt" else "node")


def evaluate(expression: str, *parts: str) -> Any:
    """The value of an expression after ``widgets/<part>.js`` of each part, which must export nothing."""
    source = "\n".join(assets.path(f"widgets/{part}.js").read_text(encoding="utf-8") for part in parts)
    command = [str(NODE), "--input-type=module", "-e", f"{source}\nconsole.log(JSON.stringify({expression}));"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout)
