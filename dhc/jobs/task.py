"""One detached task: a `python -m dhc` command in the background, and how it stands."""

from __future__ import annotations

import contextlib
import re
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from dhc.files import remove
from dhc.files.read import tail
from dhc.files.write import temporary_names
from dhc.jobs.process import detach, python
from dhc.runs.contract import Job
from dhc.runs.identity import Origin, find, identify, is_alive, is_paused, origin, where_else

LOG_END = 20_000  # bytes at the end of a log in which the reason stands
EARLY_END = "its process ended early; try again"
RESTARTED = "the machine restarted meanwhile; try again"
HUNG = "its process hangs; try again, and that one is ended"


@dataclass(frozen=True)
class Standing:
    """How a task stands: whether it is `pending`, and `seconds` since it was asked for, or 0."""

    pending: bool
    seconds: float


@dataclass(frozen=True)
class Task:
    """A command in the background: `record` says which process runs it, `log` is what it prints."""

    record: Path
    log: Path

    def start(self, *arguments: str) -> None:
        """Start ``python -m dhc`` with the arguments, with a new log; an earlier process that hangs is ended first.

        Raises OSError.
        """
        self._end_hung(arguments)
        remove.file(self.record)  # both, so that what does not fit is refused before anything is begun
        remove.file(self.log)
        remove.leftovers(self.record.parent, temporary_names(re.escape(self.record.name)))
        process = detach(python("-m", "dhc", *arguments), log=self.log)
        try:
            identity = identify(process.pid).model_dump(exclude_unset=True)
            Job(**identity, asked_at=time.time()).save(self.record)
        except OSError:
            process.kill()  # nobody could tell that it is at work
            raise
        except psutil.Error:
            Job(asked_at=time.time()).save(self.record)  # it has ended already; its log says why

    def _end_hung(self, arguments: tuple[str, ...]) -> None:
        """End the very process of the record if it hangs; a hand-edited record cannot turn this on another program."""
        job = Job.load(self.record)
        process = find(job) if is_paused(job) else None
        with contextlib.suppress(psutil.Error):
            if process is not None and process.cmdline()[1:6] == ["-m", "dhc", *arguments[:3]]:
                process.kill()

    def standing(self) -> Standing | None:
        """How the task stands; None where nobody asked for it. One whose process hangs is not pending any more."""
        job = Job.load(self.record)
        if job is None:
            return None
        pending = is_alive(job) and not is_paused(job)
        return Standing(pending, 0.0 if job.asked_at is None else max(0.0, time.time() - job.asked_at))

    def last_error(self) -> str:
        """Why there is no result: the last sentence that the command printed after ``error:``, or what became of its process."""
        job = Job.load(self.record) or Job()
        if is_paused(job):
            return HUNG
        place = origin(job)
        if place is Origin.ELSEWHERE:
            return f"it was started {where_else(job)}, and from here nobody can see how it goes; try again here"
        try:
            text = tail(self.log, LOG_END).decode("utf-8", "replace")
        except OSError:
            text = ""
        reasons = [line.removeprefix("error: ") for line in text.splitlines() if line.startswith("error: ")]
        return reasons[-1] if reasons else RESTARTED if place is Origin.EARLIER else EARLY_END

    def cancel(self) -> None:
        """End the process that runs the command, at once; what it has not finished is the caller's to remove."""
        process = find(Job.load(self.record))
        with contextlib.suppress(psutil.Error):
            if process is not None and self._is_ours(process.cmdline()):
                for part in [*process.children(recursive=True), process]:
                    part.kill()
                process.wait(timeout=5)
        self.forget()

    def _is_ours(self, command: list[str]) -> bool:
        """Whether it is a command of ours for this very folder: a hand-edited record may name any process."""
        return command[1:3] == ["-m", "dhc"] and any(str(self.record.parent.resolve()) in word for word in command)

    def forget(self) -> None:
        """Make it one that nobody asked for; a process that still runs it goes on."""
        remove.file(self.record)
