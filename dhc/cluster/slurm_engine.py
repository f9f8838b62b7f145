"""The engine ``slurm``: runs are handed to Slurm by submitit, what waits together as one array, and Slurm's word on them is read.

Slurm keeps its own queue, so it is handed all that waits. It begins a run again by itself where it took its machine away, under the
same number; the run then goes on from its last saved epoch (`dhc.cluster.slurm_job`).
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from dhc.cluster import slurm_jobs
from dhc.cluster.engine import EngineError, Hand, Word
from dhc.cluster.record import Node
from dhc.cluster.settings import SlurmSettings, machines_of
from dhc.cluster.slurm_folder import Submissions, Task
from dhc.cluster.slurm_jobs import Row
from dhc.cluster.slurm_sentences import FULL
from dhc.cluster.slurm_submit import submit
from dhc.cluster.slurm_words import GONE, RUNNING, WAITING, word_of
from dhc.errors import sentence
from dhc.runs import pulse
from dhc.runs.contract import Handed, Process

ASKED = 2.0  # seconds between two questions to Slurm, at least
SHARE = 20  # asking may take a twentieth of the time
LOOKED = 10.0  # seconds between two looks at the machines
REFUSED = 30.0  # seconds for which a refusal counts, unless the settings change
FRESH = 20.0  # seconds in which a job may not be listed yet
NOT_INSTALLED = "submitit is not installed here: pip install -r requirements-cluster.txt -c constraints.txt"


class SlurmEngine:
    """Slurm, as one folder of runs uses it."""

    name = "slurm"

    def __init__(self, runs_dir: Path) -> None:
        self._runs_dir = runs_dir
        self._submissions = Submissions(runs_dir)
        self._rows: dict[tuple[str, int], Row] = {}
        self._asked, self._took = -ASKED, 0.0
        self._looked, self._machines = -LOOKED, list[tuple[Node, float]]()
        self._submitted: dict[str, float] = {}  # when a submission was made here
        self._places: dict[str, str] = {}  # on which machine a job ran last
        self._last: dict[str, Row] = {}
        self._accounted: dict[str, tuple[float, Row | None]] = {}  # what Slurm's accounting said of a job, and when
        self._cancelled: dict[str, float] = {}
        self._longest: int | None = None
        self._refusal: tuple[float, SlurmSettings, str] | None = None
        self._most: int | None = None  # how many a submission may have since Slurm took no more

    def open(self) -> None:
        """Look whether Slurm's commands, submitit and the folder are there."""
        slurm_jobs.require_commands()
        try:
            import submitit  # noqa: F401 - only whether it is there
        except ImportError:
            raise EngineError(NOT_INSTALLED) from None
        self._submissions.open()
        if self._longest is None:
            self._longest = slurm_jobs.longest_array()

    def close(self) -> None:
        """Nothing is held."""

    def nodes(self) -> Sequence[Node]:
        """The machines of the partition."""
        if time.monotonic() - self._looked >= LOOKED:
            self._machines = slurm_jobs.nodes(self._settings.partition)
            self._looked = time.monotonic()
        return [node for node, _ in self._machines]

    def width(self) -> int:
        """How many runs fit on the machines that are up, whoever else uses them now, and may run at once."""
        self.nodes()
        settings, room = self._settings, 0
        for node, memory in self._machines:
            if node.state == "up":
                shares = [node.cpus // settings.cpus]
                shares += [node.gpus // settings.gpus] if settings.gpus else []
                shares += [memory // settings.memory] if settings.memory else []
                room += int(min(shares))
        return min(room, settings.at_once)

    def takes(self, waiting: int) -> int:
        """All that waits: Slurm has a queue of its own. No more than an array may have, and none just after it would take no more."""
        most = self._longest or 1
        return most if self._most is None else min(most, self._most)

    def hand_out(self, hands: Sequence[Hand]) -> None:
        """Submit each sweep, and all runs of none, as an array."""
        settings = self._settings
        if self._refusal is not None:
            since, refused, words = self._refusal
            if refused == settings and time.monotonic() - since < REFUSED:
                raise EngineError(words)
        names: list[str] = []
        try:
            for _, members in itertools.groupby(hands, key=lambda hand: hand.group):
                names.append(self._submit(list(members), settings))
        except EngineError as error:
            for name in names:
                self._withdraw(name)
            self._refusal = (time.monotonic(), settings, str(error))
            if str(error).startswith(FULL) and len(hands) > 1:
                self._most, self._refusal = len(hands) // 2, None
            raise
        self._refusal = self._most = None
        self._asked = -ASKED

    def adopt(self, hand: Hand, node: str) -> bool:
        """Never: what a job leaves behind, Slurm itself ends."""
        return False

    def words(self) -> Mapping[str, Word]:
        """What Slurm says of each run, of its last submission."""
        self._refresh()
        words: dict[str, Word] = {}
        for name, submission in list(self._submissions.all.items()):
            if not any(task.run for task in submission.tasks):
                self._drop(name)
            for number, task in enumerate(submission.tasks):
                word = self._word(name, number, task) if task.run else None
                if word is not None and word.fence >= words.get(task.run, word).fence:
                    words[task.run] = word
        return words

    def cancel(self, run_id: str) -> None:
        """Have Slurm end it, or take it out of its queue."""
        for name, submission in self._submissions.all.items():
            for number, task in enumerate(submission.tasks):
                row = self._rows.get((name, number))
                if task.run == run_id and row is not None and row.state in (*WAITING, *RUNNING):
                    self._cancel(row.job)

    def forget(self, run_id: str) -> None:
        """Its submission's files go with the last of its runs."""
        try:
            self._submissions.forget(run_id)
        except OSError as error:
            raise EngineError(sentence(error)) from None

    @property
    def _settings(self) -> SlurmSettings:
        return machines_of(self._runs_dir).slurm

    def _refresh(self) -> None:
        now = time.monotonic()
        if now - self._asked < max(ASKED, SHARE * self._took):
            return
        rows = slurm_jobs.rows()
        self._asked, self._took = now, time.monotonic() - now
        self._rows = {(row.name, row.task): row for row in rows if row.name in self._submissions.all}
        for row in self._rows.values():
            self._last[row.job] = row
            if row.node and row.state in RUNNING:
                self._places[row.job] = row.node
            if not self._submissions.all[row.name].job:  # its worker died while it submitted it
                self._note(row.name, row.job.partition("_")[0])

    def _word(self, name: str, number: int, task: Task) -> Word | None:
        submission = self._submissions.all[name]
        job = f"{submission.job}_{number}" if len(submission.tasks) > 1 else submission.job
        row = self._rows.get((name, number)) or (self._unlisted(name, job) if submission.job else None)
        if row is None:
            return self._gone(task, job) if submission.job else None
        output = self._submissions.last_word(name, row.job) if row.state == "FAILED" else ""
        return word_of(
            row, task.fence, was_on=self._places.get(row.job, ""), output=output, memory=self._settings.memory
        )

    def _unlisted(self, name: str, job: str) -> Row | None:
        """What is known of a job that Slurm does not list; None where that is nothing."""
        before = self._last.get(job)
        is_array = any(submission == name for submission, _ in self._rows)
        if (before is not None and before.state in WAITING) or (before is None and is_array):
            return replace(before or Row(job), state="CANCELLED")  # what is cancelled before it begins leaves no trace
        if before is None and time.monotonic() - self._submitted.get(name, -FRESH) < FRESH:
            return Row(job, state="PENDING")
        looked, row = self._accounted.get(job, (-REFUSED, None))
        if time.monotonic() - looked >= REFUSED:
            row = slurm_jobs.accounted(job)
            self._accounted[job] = (time.monotonic(), row)
        return row

    def _gone(self, task: Task, job: str) -> Word | None:
        """Of a job that nobody knows any more, its run's own sign of life counts."""
        folder = self._runs_dir / task.run
        if pulse.is_fresh(folder, task.fence):
            return Word("runs", job=job, node=Handed.of(folder).node, fence=task.fence)
        if Process.of(folder).fence != task.fence:
            return None  # it had not begun: it is handed out once more
        return Word("ended", job=job, fence=task.fence, cause="engine", reason=GONE.format(job=job))

    def _drop(self, name: str) -> None:
        """Remove the files of a submission of which no job is alive."""
        states = [row.state for (submission, _), row in self._rows.items() if submission == name]
        if not any(state in (*WAITING, *RUNNING) for state in states):
            self._submissions.drop(name)

    def _cancel(self, job: str) -> None:
        now = time.monotonic()
        if now - self._cancelled.get(job, -LOOKED) >= LOOKED:
            self._cancelled[job] = now
            slurm_jobs.ask("scancel", "--quiet", job)
            self._asked = -ASKED

    def _submit(self, hands: Sequence[Hand], settings: SlurmSettings) -> str:
        """Submit these runs together; returns the submission's name. Raises EngineError."""
        name, folder = self._submissions.new(hands)
        try:
            job = submit(name, folder, hands, settings)
        except EngineError:
            self._submissions.drop(name)
            raise
        self._submitted[name] = time.monotonic()
        self._note(name, job)
        return name

    def _note(self, name: str, job: str) -> None:
        with contextlib.suppress(OSError):  # Slurm itself knows it by the submission's name
            self._submissions.submitted(name, job)

    def _withdraw(self, name: str) -> None:
        """Take back a submission whose runs are going to be handed out anew."""
        with contextlib.suppress(EngineError):
            self._cancel(self._submissions.all[name].job)
        self._submissions.drop(name)
