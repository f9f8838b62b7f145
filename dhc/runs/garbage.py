"""Python's search for circles of garbage: in the records of runs there are none, and it looks at all of them again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_search() -> Iterator[None]:
    """Make very many objects that stay, without a search meanwhile; those that are there at the end are never looked at again.

    What has no circle still goes when nobody holds it any more. A circle that is garbage at the end stays for good, so
    this is for the start of a process.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if was_enabled:
            gc.enable()
