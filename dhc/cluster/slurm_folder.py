"""Which runs went to Slurm in which job: one private folder a submission, in which submitit's own files lie, too.

Slurm is told the folder's name as the job's, so even a worker that died in the middle of a submission finds its runs again. What
submitit pickles there is read on the nodes, so the folder belongs to this user alone, and is refused where it does not.
"""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from dhc.cluster.engine import EngineError, Hand
from dhc.errors import sentence
from dhc.files import remove, write
from dhc.files.folder import is_real_folder
from dhc.files.read import tail
from dhc.runs import rundir
from dhc.runs.lenient import Record, RunId, line
from dhc.text import one_line

FOLDER = ".slurm"  # beside the runs
NAME = re.compile(r"dhc-[0-9a-f]{8}")  # of a submission: of its folder and its job
RECORD = "runs.json"
OUTPUT = 2_000  # bytes at the end of what a job has printed, in which the last word is sought
CHATTER = re.compile(r"^(submitit |slurmstepd: |Traceback |\s)")  # what a job prints of itself
MOST_TASKS = 100_000


class Task(Record):
    """A run of a submission."""

    run: RunId = ""
    """Its id; empty once it is forgotten."""

    fence: Annotated[int, Field(ge=0)] = 0
    """The number of its handing out."""


class Submission(Record):
    """Runs that were handed out together: the tasks of one array, in its order. Written by the engine's worker."""

    tasks: Annotated[list[Task], Field(max_length=MOST_TASKS)] = Field(default_factory=list)
    """Its runs."""

    job: Annotated[str, line(40)] = ""
    """Slurm's number of it; empty while it is being submitted."""


class Submissions:
    """The submissions of a folder of runs, by name."""

    def __init__(self, runs_dir: Path) -> None:
        self._place = runs_dir / FOLDER
        self.all: dict[str, Submission] = {}

    def open(self) -> None:
        """Make the folder, or read what is in it. Raises EngineError where others may write there."""
        if self.all or self._is_open():
            return
        for folder in self._place.iterdir():
            if NAME.fullmatch(folder.name) and is_real_folder(folder):
                self.all[folder.name] = Submission.load(folder / RECORD) or Submission()

    def new(self, hands: Sequence[Hand]) -> tuple[str, Path]:
        """The name and the folder of a new submission, noted before it is made. Raises EngineError."""
        name = f"dhc-{secrets.token_hex(4)}"
        tasks = [Task(run=hand.folder.name, fence=hand.fence) for hand in hands]
        try:
            folder = write.private_folder(write.private_folder(self._place) / name)
            self._save(name, Submission(tasks=tasks))
        except OSError as error:
            raise EngineError(sentence(error)) from None
        return name, folder

    def submitted(self, name: str, job: str) -> None:
        """Note Slurm's number of a submission. Raises OSError."""
        self._save(name, self.all[name].model_copy(update={"job": job}))

    def forget(self, run_id: str) -> None:
        """Take a run out of all submissions. Raises OSError."""
        for name, submission in list(self.all.items()):
            if any(task.run == run_id for task in submission.tasks):
                tasks = [Task(fence=task.fence) if task.run == run_id else task for task in submission.tasks]
                self._save(name, submission.model_copy(update={"tasks": tasks}))

    def drop(self, name: str) -> None:
        """Remove a submission, whose job is over, with all its files."""
        self.all.pop(name, None)
        with contextlib.suppress(OSError):
            remove.tree(self._place / name)

    def last_word(self, name: str, job: str) -> str:
        """The last line of its own that a job has printed, or ""."""
        try:
            text = tail(self._place / name / f"{job}_0_log.out", OUTPUT).decode("utf-8", "replace")
        except OSError:
            return ""
        lines = [line for line in text.splitlines() if line.strip() and not CHATTER.match(line)]
        return one_line(lines[-1], 150) if lines else ""

    def _is_open(self) -> bool:
        """Whether there is nothing to read; the folder is made, or its owner looked at. Raises EngineError."""
        try:
            write.private_folder(self._place)
            return not any(self._place.iterdir())
        except OSError as error:
            raise EngineError(sentence(error)) from None

    def _save(self, name: str, submission: Submission) -> None:
        self.all[name] = submission
        rundir.write_json(self._place / name / RECORD, submission.model_dump())
