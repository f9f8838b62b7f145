"""How a training can end before its time, and what its end is called. No Keras."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dhc.errors import ConfigError, DataError, DeviceError
from dhc.files.folder import UnfitError
from dhc.runs import room, rundir
from dhc.runs.contract import Cause
from dhc.text import one_line


class StopRequested(Exception):  # noqa: N818 - a request is no error
    """The run is to stop, because a person or a rule says so."""

    def __init__(self, reason: str = "stopped on request", *, cause: Cause = "stop") -> None:
        super().__init__(reason)
        self.reason, self.cause = reason, cause


class NonFiniteLossError(Exception):
    """The loss became NaN or infinite; training on would only waste time.

    `epoch` and `batch` count from 1; it is read some times a second, so an earlier batch may have been the first.
    """

    def __init__(self, loss: float, epoch: int, batch: int) -> None:
        super().__init__(f"the loss became {loss} at epoch {epoch}, by batch {batch}")
        self.epoch, self.batch = epoch, batch


class NonFiniteAnswersError(Exception):
    """The answers for val, and so val_loss, are no numbers any more: the network cannot be judged. `epoch` counts from 1."""

    def __init__(self, epoch: int) -> None:
        super().__init__(f"the network's answers for val became nan at epoch {epoch}")
        self.epoch = epoch


class ResumeStateError(Exception):
    """The saved state does not serve to resume the run; what the run has reached so far stays.

    `epoch` is the one after which the state was saved, from 1; `why` goes on after "the state"; `remedy` says what to do.
    """

    def __init__(self, epoch: int, why: str, remedy: str = "start a copy") -> None:
        super().__init__(
            f"the state saved after epoch {epoch} {why}: {remedy}; the finished epochs and the best network stay"
        )


@dataclass(frozen=True)
class End:
    """How a training ended: its cause, a sentence, and where: ``epoch`` and ``batch``, from 1."""

    cause: Cause
    reason: str
    where: Mapping[str, int] = field(default_factory=dict)


UNEXPECTED = ("error", "memory", "disk", "folder")  # ends of which the log shows the traceback
OUT_OF_MEMORY = "out of memory: try a smaller batch size or width"


def explain(error: Exception, folder: Path) -> End:
    """What an exception means to the person whose run in `folder` it ended."""
    if isinstance(error, ConfigError | DataError | DeviceError):
        causes: dict[type[Exception], Cause] = {ConfigError: "settings", DataError: "data", DeviceError: "device"}
        return End(next(cause for kind, cause in causes.items() if isinstance(error, kind)), str(error))
    if isinstance(error, ResumeStateError):
        return End("state", str(error))
    if isinstance(error, NonFiniteLossError):
        return End("nan", f"{error}: a lower learning rate usually helps", {"epoch": error.epoch, "batch": error.batch})
    if isinstance(error, NonFiniteAnswersError):
        return End(
            "nan",
            f"{error}: a lower learning rate, or float32 where it trains in 16 bits, usually helps",
            {"epoch": error.epoch},
        )
    if isinstance(error, ModuleNotFoundError):
        return End("package", f"{error.name} is not installed here: choose another backend, or install it")
    if is_memory(error):
        return End("memory", OUT_OF_MEMORY)
    return _of_the_folder(error, folder) or End("error", f"{type(error).__name__}: {one_line(str(error), 300)}")


def is_memory(error: Exception) -> bool:
    """Whether it says that memory, the machine's or the GPU's, has run out."""
    names = ("ResourceExhaustedError", "OutOfMemoryError", "MemoryError", "_ArrayMemoryError")
    text = str(error)
    words = (
        "RESOURCE_EXHAUSTED",
        "could not create a primitive",
    )  # the latter is oneDNN's, which finds no room for its workspace
    return isinstance(error, MemoryError) or type(error).__name__ in names or any(word in text for word in words)


def _of_the_folder(error: Exception, folder: Path) -> End | None:
    """The end for an error of the run's folder or its disk; None for another error.

    Libraries wrap a full disk in errors of their own, so the disk itself is asked too.
    """
    lack = room.words(error, folder) if isinstance(error, OSError) and rundir.is_full(error) else room.shortage(folder)
    if lack:
        return End("disk", f"{lack}; make room, then resume")
    if isinstance(error, UnfitError):
        return End("folder", str(error))
    if isinstance(error, OSError) and (
        error.errno in (errno.EROFS, errno.EACCES, errno.EPERM) or not os.access(folder, os.W_OK)
    ):
        return End("folder", f"its folder cannot be written to ({error.strerror}): make it writable, then resume")
    return None
