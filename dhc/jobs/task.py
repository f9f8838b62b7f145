"""One detached task: a `python -m dhc` command in the background, and how it stands."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from dhc.files.read import tail
from dhc.jobs.process import detach, python
from dhc.runs.contract import Job
from dhc.runs.identity import identify, is_alive

LOG_END = 20_000  # bytes at the end of a log in which the reason stands
EARLY_END = "its process ended early; try again"


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
        """Start ``python -m dhc`` with the arguments, with a new log. Raises OSError."""
        self.log.unlink(missing_ok=True)
        process = detach(python("-m", "dhc", *arguments), log=self.log)
        identity = identify(process.pid).model_dump(exclude_unset=True)
        Job(**identity, asked_at=time.time()).save(self.record)

    def standing(self) -> Standing | None:
        """How the task stands; None where nobody asked for it."""
        job = Job.load(self.record)
        if job is None:
            return None
        return Standing(is_alive(job), 0.0 if job.asked_at is None else max(0.0, time.time() - job.asked_at))

    def last_error(self) -> str:
        """Why the command failed, by its log: the last sentence that it printed after ``error:``."""
        try:
            text = tail(self.log, LOG_END).decode("utf-8", "replace")
        except OSError:
            text = ""
        reasons = [line.removeprefix("error: ") for line in text.splitlines() if line.startswith("error: ")]
        return reasons[-1] if reasons else EARLY_END

    def forget(self) -> None:
        """Make it one that nobody asked for; a process that still runs it goes on."""
        self.record.unlink(missing_ok=True)
