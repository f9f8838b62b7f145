"""Errors that a person can mend; any other exception is a bug of ours.

The text is one sentence that says what happened, what was expected and how to mend it. A screen shows it as it stands
(`ui.shell.states.guard`), the command line prints it and exits with 2.
"""

from __future__ import annotations

import errno

FULL = (errno.ENOSPC, errno.EDQUOT)  # what the system says of a disk, or of a user's share of it, without room
LONGEST_NAME = 1_000  # characters of a path that are said whole


class UserError(ValueError):
    """Something that the person who reads it can mend."""


class ConfigError(UserError):
    """A setting that does not exist, or a value it cannot take: the text names the good ones."""


class DataError(UserError):
    """A data set, one of its tables or its pictures."""


class RunError(UserError):
    """A run that is not there, cannot be read, or is in no state for what it should do."""


class DeviceError(UserError):
    """A device or a backend that this machine does not have."""


class RulesError(UserError):
    """A fault in the coach's rules, which a person may edit."""


def sentence(error: UserError | OSError) -> str:
    """What a person reads of an error: its sentence; of the system's, the reason and the file."""
    if isinstance(error, OSError) and error.strerror:
        name = str(error.filename or "")
        name = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME // 2]}…{name[-LONGEST_NAME // 2 :]}"
        reason = f"{error.strerror}: {name}" if name else error.strerror
        return f"{reason}; make room on that disk, then try again" if error.errno in FULL else reason
    return str(error)
