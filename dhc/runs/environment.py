"""What a run's folder says of the circumstances it was trained in: versions, device, pictures. Read with distrust."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from dhc.runs import rundir

TOLD = {
    "device": "device",
    "precision": "precision",
    "backend": "backend",
    "host": "host",
    "system": "system",
    "commit": "commit",
    "data_fingerprint": "fingerprint of the pictures",
}
MAX_TEXT, MAX_VERSIONS = 120, 40  # characters of a text; packages
_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")


def read_environment(folder: Path) -> dict[str, str]:
    """Name → text of the run's circumstances, as far as ``environment.json`` tells them; empty where there is none.

    Packages stand under their names with " version" behind. What is no text or no name of a package is left out, long texts are cut.
    """
    told = rundir.read_json(folder / rundir.ENVIRONMENT) or {}
    found = {title: line for name, title in TOLD.items() if (line := _line(told.get(name)))}
    versions = told.get("versions")
    for name, value in list(versions.items())[:MAX_VERSIONS] if isinstance(versions, dict) else ():
        if _PACKAGE.fullmatch(name) and (line := _line(value)):
            found[f"{name} version"] = line
    return found


def _line(value: Any) -> str:
    return " ".join(value.split())[:MAX_TEXT] if isinstance(value, str) else ""
