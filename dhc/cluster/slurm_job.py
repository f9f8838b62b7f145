"""What Slurm runs for one run on the machine that it chose: its attendant, and what becomes of the run when Slurm wants it gone.

Slurm warns with SIGUSR1 some time before it takes the machine back, and with SIGTERM shortly before it kills all that is left. The
training then ends with its epoch, if there is time for that, and the run waits for Slurm to begin it once more. Why Slurm ends it,
only Slurm can say, so it is asked.
"""

from __future__ import annotations

import os
import re
import signal
import threading
from pathlib import Path
from types import FrameType

from dhc.cluster import slurm_jobs
from dhc.cluster.attendant import Attendant
from dhc.cluster.engine import EngineError
from dhc.cluster.slurm_jobs import Row
from dhc.cluster.slurm_words import cancelled_words, limit_words, memory_words
from dhc.jobs.ends import record_end
from dhc.runs import rundir
from dhc.runs.contract import Exit

ANSWER = 10.0  # seconds that Slurm's answer may be waited for when a training is over
MARGIN = 60.0  # seconds by which Slurm may warn earlier than it was asked to


def attend(folder: str, fence: int, warning: int) -> int:
    """What submitit calls in the job: see a run through; `warning` is how many seconds before the time limit Slurm warns."""
    job = SlurmJob(Path(folder), fence, warning)
    signal.signal(signal.SIGUSR1, job.warned)
    signal.signal(signal.SIGTERM, job.asked_to_end)
    return job.run()


class SlurmJob:
    """One run in one job of Slurm's."""

    def __init__(self, folder: Path, fence: int, warning: int) -> None:
        self._folder, self._warning = folder, warning
        self._restarts = int(os.environ.get("SLURM_RESTART_COUNT") or 0)
        self._attendant = Attendant(
            folder, fence, given_device(), again=self._restarts > 0, short_of_memory=memory_words(given_memory())
        )
        self._is_warned = False
        self._judge: threading.Thread | None = None

    def run(self) -> int:
        """Attend the run; returns its training's exit status."""
        code = self._attendant.attend()
        if self._judge is not None:
            self._judge.join(ANSWER)
        elif code == rundir.LEFT and self._is_warned:
            self._go_on_elsewhere()
        return code

    def warned(self, number: int, frame: FrameType | None) -> None:
        """Slurm takes the machine back before long."""
        self._is_warned = True
        self._attendant.ask_to_leave()

    def asked_to_end(self, number: int, frame: FrameType | None) -> None:
        """Slurm is about to kill all that runs here. The training was told so, too, and ends with its epoch."""
        if self._judge is None:
            self._judge = threading.Thread(target=self._record_why, daemon=True)
            self._judge.start()

    def _record_why(self) -> None:
        """Where the run is not to go on, its end is recorded here and now: there may be no worker to do it later."""
        row = self._ask()
        if row is None or row.restarts > self._restarts or row.preempted:
            return
        if row.is_over_limit:
            record_end(self._folder, 1, reason=limit_words(row), cause="limit")
        else:
            record_end(self._folder, 1, reason=cancelled_words(row), cause="scancel")
        self._attendant.let_go()

    def _go_on_elsewhere(self) -> None:
        """After a warning: the time limit is the end, and anything else a reason to be begun once more."""
        row = self._ask()
        if row is not None and not row.preempted and self._is_near_limit(row):
            record_end(self._folder, 1, reason=limit_words(row), cause="limit")
            return
        try:
            slurm_jobs.ask("scontrol", "requeue", job_number())
        except EngineError as error:
            print(error)  # the run waits, and its worker hands it out again

    def _is_near_limit(self, row: Row) -> bool:
        if row.limit is None or row.used is None:
            return False
        return row.limit - row.used <= self._warning + MARGIN

    def _ask(self) -> Row | None:
        if Exit.read(self._folder) is not None:
            return None  # it has said so itself
        try:
            return slurm_jobs.row_of(job_number())
        except EngineError as error:
            print(error)
            return None


def job_number() -> str:
    """Slurm's number of this very job, ``12_3`` in an array."""
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array and task else os.environ["SLURM_JOB_ID"]


def given_memory() -> float:
    """GB that Slurm gave to this job; 0 where it does not say, or sets no bound."""
    cores = os.environ.get("SLURM_CPUS_ON_NODE", "1")
    for name, count in (("SLURM_MEM_PER_NODE", "1"), ("SLURM_MEM_PER_CPU", cores)):
        megabytes = os.environ.get(name, "")
        if megabytes.isdecimal() and count.isdecimal():
            return int(megabytes) * int(count) / 1024
    return 0.0


def given_device() -> str:
    """The GPU that Slurm gave to this job, else the CPU: the others here are somebody else's."""
    found = re.match(r"\d+", os.environ.get("CUDA_VISIBLE_DEVICES", ""))
    is_given = any(os.environ.get(name) for name in ("SLURM_JOB_GPUS", "SLURM_GPUS_ON_NODE"))
    return f"gpu:{found[0]}" if found and is_given else "cpu"
