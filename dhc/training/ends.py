"""How a training can end before its time. No Keras."""

from __future__ import annotations


class StopRequested(Exception):  # noqa: N818 - a request is no error
    """Someone asked the run to stop."""


class LossIsNaN(Exception):  # noqa: N818 - named for what happened
    """The loss is no number any more; training on would only waste time."""
