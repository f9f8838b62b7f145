"""Keras, imported without scikit-learn. Imports it only when asked."""

from __future__ import annotations

import importlib
import sys

WRAPPED = "sklearn"


def import_keras() -> None:
    """Import Keras, in three quarters of its time where nothing has imported scikit-learn yet.

    Keras's wrappers for scikit-learn, which nobody needs here, import that and SciPy, or do without where it is not installed. An entry
    of None tells them so, and goes before anything else can look for it.
    """
    is_absent = WRAPPED not in sys.modules
    if is_absent:
        sys.modules[WRAPPED] = None  # type: ignore[assignment]
    try:
        importlib.import_module("keras")
    finally:
        if is_absent:
            del sys.modules[WRAPPED]
