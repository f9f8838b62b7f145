"""The circumstances that a run was trained in, by name, as tables and reports show them."""

from __future__ import annotations

import re
from pathlib import Path

from dhc.runs.contract import Environment
from dhc.text import one_line

TITLES = {
    "device": "device",
    "precision": "precision",
    "backend": "backend",
    "host": "host",
    "system": "system",
    "commit": "commit",
    "data_fingerprint": "fingerprint of the pictures",
}
MAX_TEXT = 120  # characters
_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")


def read_environment(folder: Path) -> dict[str, str]:
    """Name → text of the run's circumstances; empty without an ``environment.json``.

    Packages stand under their names with " version" behind. What is no text or no package's name is left out, long texts are cut.
    """
    environment = Environment.of(folder)
    texts = {title: getattr(environment, name) for name, title in TITLES.items()}
    texts |= {f"{name} version": text for name, text in environment.versions.items() if _PACKAGE.fullmatch(name)}
    return {title: line for title, text in texts.items() if (line := one_line(text)[:MAX_TEXT])}
