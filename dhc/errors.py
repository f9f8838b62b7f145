"""What a person can mend: the errors whose text is one sentence for them. Any other exception is a bug of ours.

The sentence says what happened, what was expected, and how to mend it. A screen shows it as it stands (`ui.shell.states.guard`),
the command line prints it and exits with 2.
"""

from __future__ import annotations


class UserError(ValueError):
    """Something that the person who reads it can mend."""


class ConfigError(UserError):
    """A setting that does not exist or a value that it cannot take; the text says which ones are good."""


class DataError(UserError):
    """A data set, one of its tables or its pictures."""


class RunError(UserError):
    """A run that is not there, cannot be read, or cannot be done to what was asked."""


class DeviceError(UserError):
    """A device or a backend that is asked for and not here."""


class RulesError(UserError):
    """The coach's rules, which a person may edit."""


def sentence(error: UserError | OSError) -> str:
    """What a person reads of an error: its own sentence; of the system's, what was refused and where."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error)
