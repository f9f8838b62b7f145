"""What Slurm's state of a job means for its run."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Literal

from dhc.cluster import slurm_sentences
from dhc.cluster.engine import Word
from dhc.cluster.slurm_jobs import Row
from dhc.runs.contract import Cause
from dhc.text import duration_text

WAITING = ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT")
RUNNING = ("RUNNING", "SUSPENDED", "STOPPED", "SIGNALING", "RESIZING", "STAGE_OUT", "COMPLETING")
LOST = ("NODE_FAIL", "BOOT_FAIL")
CANCELLED = "somebody ended it{where} with Slurm's scancel: what its finished epochs left is kept, and Resume goes on from there"
LIMIT = "Slurm's time limit of {limit} was reached: Resume goes on where it was, and Machines has a longer limit for it"
MEMORY = "out of memory: it needs more than the {given} that Slurm gave it; Machines says how much that is"
UNQUEUED = "somebody took it out of Slurm's queue with scancel: Resume puts it there again"
GONE = "Slurm no longer knows its job {job}, and nothing says how that ended: Resume goes on from its last saved epoch"
DEADLINE = "Slurm ended it because of a deadline that the cluster sets"
FAILED = "its job failed{where} before the training could begin: {words}"
SUSPENDED = "Slurm has suspended it{where} for jobs of higher priority"
PREEMPTED = "a job of higher priority takes its place{where}: it ends with its epoch, if there is time, and Slurm begins it again"
TAKEN_BACK = "Slurm took it back{where}, and it goes on from its last saved epoch: {waits}"


def word_of(row: Row, fence: int, *, was_on: str = "", output: str = "", memory: int = 0) -> Word:
    """What a job's row says of its run.

    was_on: the machine that it was on before it began anew. output: the last line that the job printed. memory: GB that it was given;
    0 for what Slurm gives.
    """
    word = Word("runs", job=row.job, node=row.node, fence=fence)
    if row.state in WAITING:
        return replace(word, state="waits", reason=_why_waiting(row, was_on))
    if row.state in RUNNING:
        words = SUSPENDED if row.state in ("SUSPENDED", "STOPPED") else PREEMPTED if row.preempted else ""
        return replace(word, reason=words.format(where=on(row.node)))
    if row.state in LOST:
        return replace(word, state="lost")
    if row.state in ("PREEMPTED", "COMPLETED"):  # neither has ended the run, or it has said so itself
        return replace(word, state="returned")
    cause, reason = _why_ended(row, output, memory)
    return replace(word, state="ended", code=_code(row) or 1, cause=cause, reason=reason)


def limit_words(row: Row) -> str:
    """That the time limit has ended a job."""
    return LIMIT.format(limit=duration_text(row.limit))


def cancelled_words(row: Row) -> str:
    """That a person has ended a job."""
    return CANCELLED.format(where=on(row.node)) if row.node else UNQUEUED


def memory_words(memory: float) -> str:
    """That the memory of a job, in GB, was not enough; 0 where nobody knows how much that was."""
    return MEMORY.format(given=f"{memory:.2g} GB" if memory else "memory")


def on(node: str) -> str:
    """`` on n1``, or "" where no machine is known."""
    return f" on {node}" if node else ""


def _why_ended(row: Row, output: str, memory: int) -> tuple[Cause | Literal[""], str]:
    if row.state == "CANCELLED":
        return "scancel", cancelled_words(row)
    if row.state == "TIMEOUT":
        return "limit", limit_words(row)
    if row.state == "OUT_OF_MEMORY":
        return "memory", memory_words(memory)
    if row.state == "DEADLINE":
        return "engine", DEADLINE
    if _code(row) > 0 and output:
        return "start", FAILED.format(where=on(row.node), words=output)
    return "", ""


def _code(row: Row) -> int:
    """Its exit status, negative for a signal."""
    return os.waitstatus_to_exitcode(row.status) if os.WIFEXITED(row.status) else -(row.status & 0x7F)


def _why_waiting(row: Row, was_on: str) -> str:
    waits = slurm_sentences.waiting(row.reason, job=row.job, start=row.start)
    if not row.restarts:
        return waits
    return TAKEN_BACK.format(where=f" from {was_on}" if was_on else "", waits=waits)
