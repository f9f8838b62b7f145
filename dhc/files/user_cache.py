"""Where the user keeps what can be made anew."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path


def cache_of(folder: Path) -> Path | None:
    """The place in the user's cache folder for what was made of `folder`; None for a user without a home."""
    base = user_cache()
    return None if base is None else base / "dhc" / hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:24]


def user_cache() -> Path | None:
    """Where this user keeps what can be made anew; None for one without a home."""
    base = os.environ.get("LOCALAPPDATA") if os.name == "nt" else os.environ.get("XDG_CACHE_HOME")
    with suppress(RuntimeError):  # neither HOME nor an entry in passwd, as under `docker run --user 12345`
        return Path(base) if base else Path.home() / ".cache"
    return None
