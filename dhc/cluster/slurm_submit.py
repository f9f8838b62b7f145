"""Handing runs to Slurm: the script of their job, as submitit writes it, and what submitit calls in it."""

from __future__ import annotations

import contextlib
import itertools
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from dhc.cluster.engine import EngineError, Hand
from dhc.cluster.settings import SlurmSettings
from dhc.cluster.slurm_sentences import refusal
from dhc.errors import sentence
from dhc.jobs.process import REPOSITORY

SIGNAL = "USR1"  # by which Slurm warns
STRANGE = "the folder of submissions is not this user's own: nothing in it is run"


def submit(name: str, folder: Path, hands: Sequence[Hand], settings: SlurmSettings) -> str:
    """Submit these runs as one array, or one alone by itself; returns Slurm's number of it.

    `name` is the job's, `folder` the private one in which submitit keeps its files. Raises EngineError.
    """
    from submitit import SlurmExecutor
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    from dhc.cluster.slurm_job import attend

    folders, fences = [str(hand.folder) for hand in hands], [hand.fence for hand in hands]
    try:
        with _outside_of_jobs():
            executor = SlurmExecutor(folder, python=f"exec {shlex.quote(sys.executable)}")
            executor.update_parameters(**_parameters(name, folder, settings))
            jobs = executor.map_array(attend, folders, fences, itertools.repeat(warning(settings)))
    except (FailedJobError, FailedSubmissionError) as error:
        raise EngineError(refusal(str(error))) from None
    except OSError as error:
        raise EngineError(sentence(error)) from None
    return str(jobs[0].job_id).partition("_")[0]


def warning(settings: SlurmSettings) -> int:
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
            "signal": f"B:{SIGNAL}@{warning(settings)}",
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
