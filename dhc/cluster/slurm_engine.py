"""The engine ``slurm``: runs are handed to Slurm by submitit, what waits together as one array, and Slurm's word on them is read.

Slurm keeps its own queue, so it is handed all that waits. It begins a run again by itself where it took its machine away, under the
same number; the run then goes on from its last saved epoch (`dhc.cluster.slurm_job`).
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shlex
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dhc.cluster import slurm_jobs
from dhc.cluster.engine import EngineError, Hand, Word
from dhc.cluster.record import Node
from dhc.cluster.settings import SlurmSettings, machines_of
from dhc.cluster.slurm_folder import Submissions, Task
from dhc.cluster.slurm_jobs import Row
from dhc.cluster.slurm_sentences import FULL, refusal
from dhc.cluster.slurm_words import GONE, RUNNING, WAITING, word_of
from dhc.errors import sentence
from dhc.jobs.process import REPOSITORY

SIGNAL = "USR1"  # by which Slurm warns
ASKED = 2.0  # seconds between two questions to Slurm, at least
SHARE = 20  # asking may take a twentieth of the time
LOOKED = 10.0  # seconds between two looks at the machines
REFUSED = 30.0  # seconds for which a refusal counts, unless the settings change
FRESH = 20.0  # seconds in which a job may not be listed yet
NOT_INSTALLED = "submitit is not installed here: pip install -r requirements-cluster.txt -c constraints.txt"
STRANGE = "the folder of submissions is not this user's own: nothing in it is run"


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
            if row.node and row.state in RUNNING:
                self._places[row.job] = row.node
            if not self._submissions.all[row.name].job:  # its worker died while it submitted it
                self._note(row.name, row.job.partition("_")[0])

    def _word(self, name: str, number: int, task: Task) -> Word | None:
        submission = self._submissions.all[name]
        is_array = len(submission.tasks) > 1
        job = f"{submission.job}_{number}" if is_array else submission.job
        row = self._rows.get((name, number))
        if row is None and submission.job:
            if time.monotonic() - self._submitted.get(name, -FRESH) < FRESH:
                return Word("waits", job=job, fence=task.fence)
            row = slurm_jobs.accounted(job)
        if row is None:
            if not submission.job:
                return None
            return Word("ended", job=job, fence=task.fence, cause="engine", reason=GONE.format(job=job))
        output = self._submissions.last_word(name, row.job) if row.state == "FAILED" else ""
        return word_of(
            row, task.fence, was_on=self._places.get(row.job, ""), output=output, memory=self._settings.memory
        )

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
        """Submit these runs as one array, or one alone by itself; returns the submission's name. Raises EngineError."""
        from submitit import SlurmExecutor
        from submitit.core.utils import FailedJobError, FailedSubmissionError

        from dhc.cluster.slurm_job import attend

        name, folder = self._submissions.new(hands)
        folders, fences = [str(hand.folder) for hand in hands], [hand.fence for hand in hands]
        try:
            with _outside_of_jobs():
                executor = SlurmExecutor(folder, python=f"exec {shlex.quote(sys.executable)}")
                executor.update_parameters(**_parameters(name, folder, settings))
                jobs = executor.map_array(attend, folders, fences, itertools.repeat(_warning(settings)))
        except (FailedJobError, FailedSubmissionError) as error:
            self._submissions.drop(name)
            raise EngineError(refusal(str(error))) from None
        except OSError as error:
            self._submissions.drop(name)
            raise EngineError(sentence(error)) from None
        self._submitted[name] = time.monotonic()
        self._note(name, str(jobs[0].job_id).partition("_")[0])
        return name

    def _note(self, name: str, job: str) -> None:
        with contextlib.suppress(OSError):  # Slurm itself knows it by the submission's name
            self._submissions.submitted(name, job)

    def _withdraw(self, name: str) -> None:
        """Take back a submission whose runs are going to be handed out anew."""
        with contextlib.suppress(EngineError):
            self._cancel(self._submissions.all[name].job)
        self._submissions.drop(name)


def _warning(settings: SlurmSettings) -> int:
    """How many seconds before the time limit Slurm is to warn: long enough for an epoch of a long run."""
    return max(30, min(300, settings.minutes * 60 // 12))


def _parameters(name: str, folder: Path, settings: SlurmSettings) -> dict[str, Any]:
    """What submitit writes into the job's script."""
    place = shlex.quote(str(folder))
    memory = f"{settings.memory}GB" if settings.memory else ""
    asked: dict[str, Any] = {"partition": settings.partition, "account": settings.account, "qos": settings.qos}
    asked |= {"gpus_per_node": settings.gpus, "mem": memory}
    return {
        "job_name": name,
        "time": settings.minutes,
        "cpus_per_task": settings.cpus,
        "array_parallelism": settings.at_once,
        **{key: value for key, value in asked.items() if value},
        "wckey": None,
        "use_srun": False,  # the job itself is our process, so that it gets the signals
        "stderr_to_stdout": True,
        "setup": [
            f"[ -O {place} ] && [ ! -L {place} ] || {{ echo {shlex.quote(STRANGE)}; exit 1; }}",
            f"export SUBMITIT_PREEMPT_SIGNAL={SIGNAL} OMP_NUM_THREADS={settings.cpus}",
        ],
        "additional_parameters": {
            "requeue": True,
            "signal": f"B:{SIGNAL}@{_warning(settings)}",
            "chdir": str(REPOSITORY),
        },
    }


@contextlib.contextmanager
def _outside_of_jobs() -> Iterator[None]:
    """The environment without what a job of Slurm's, in which the dashboard itself may run, would hand down."""
    from submitit.helpers import clean_env

    configuration = os.environ.get("SLURM_CONF")
    with clean_env():
        if configuration:
            os.environ["SLURM_CONF"] = configuration
        yield
