"""Python runs this at the start of a server of the browser tests: its trainings are forked (tests/prefork.py)."""

import os
import sys
from pathlib import Path

if address := os.environ.get("DHC_TESTS_PREFORK"):
    sys.path.append(str(Path(__file__).parents[1]))
    import prefork

    sys.path.pop()
    prefork.fork_from(address)
