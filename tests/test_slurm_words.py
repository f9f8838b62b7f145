"""Slurm's words in ours, and the folder in which submitit keeps what the nodes unpickle. A real Slurm: tests/cluster/test_slurm.py."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from dhc.cluster import slurm_jobs, slurm_sentences
from dhc.cluster.engine import EngineError, Hand
from dhc.cluster.slurm_engine import SlurmEngine
from dhc.cluster.slurm_folder import Submissions
from dhc.cluster.slurm_jobs import Row
from dhc.cluster.slurm_words import word_of


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("Resources", "no machine has room"),
        ("(Priority)", "other jobs come before it"),
        ("None", "about to look"),
        ("JobArrayTaskLimit", "Slurm's settings on Machines allow at once"),
        ("BeginTime", "at 19:05 by the cluster's clock"),
        ("Dependency", "another job to end"),
        ("DependencyNeverSatisfied", "will never begin: stop the run"),
        ("QOSMaxJobsPerUserLimit", r"as many jobs .* \(QOSMaxJobsPerUserLimit\)"),
        ("AssocGrpJobsLimit", "as many jobs"),
        ("AssocGrpCPUMinutesLimit", "computing time .* used up"),
        ("QOSGrpCpuLimit", r"a limit of its user.*\(QOSGrpCpuLimit\)"),
        ("QOSMaxGRESPerUser", "a limit of its user"),
        ("ReqNodeNotAvail, UnavailableNodes:n[1-2]", "down, taken out of use"),
        ("Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions", "down, taken"),
        ("PartitionTimeLimit", "lower it on Machines, then stop the run and resume it"),
        ("JobHeldUser", "`scontrol release 12_3`"),
        ("launch failed requeued held", "`scontrol release 12_3`"),
        ("InvalidQOS", "quality of service"),
        ("SomethingOfTomorrow", "gives as its reason: SomethingOfTomorrow"),
    ],
)
def test_each_reason_for_waiting_is_a_sentence(reason: str, words: str) -> None:
    text = slurm_sentences.waiting(reason, job="12_3", start="2026-11-26T19:05:00")
    assert re.search(words, text)
    assert not text.endswith(".")


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        (
            "sbatch: error: invalid partition specified: gpux\nsbatch: error: Batch job …",
            "no such partition .*gpux.*`sinfo`",
        ),
        (
            "sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified",
            "account",
        ),
        ("sbatch: error: Batch job submission failed: Invalid qos specification", "quality of service"),
        (
            "sbatch: error: QOSMaxSubmitJobPerUserLimit\nsbatch: error: Batch job submission failed: Job violates …",
            "no more",
        ),
        (
            "sbatch: error: Batch job submission failed: Requested time limit is invalid (missing or exceeds some limit)",
            "time limit",
        ),
        ("sbatch: error: Batch job submission failed: Requested node configuration is not available", "no machine of"),
        ("sbatch: error: Invalid generic resource (gres) specification", "no machine of"),
        ("squeue: error: Munge encode failed: Failed to access …", "does not trust this machine"),
        ("slurm_load_jobs error: Unable to contact slurm controller (connect failure)", "runs that it has begun go on"),
        ("sbatch: error: a new one", "Slurm refused this: a new one"),
        ("", "Slurm refused this: it gave no reason"),
    ],
)
def test_each_refusal_says_what_helps(errors: str, words: str) -> None:
    assert re.search(words, slurm_sentences.refusal(errors))


@pytest.mark.parametrize(
    ("row", "state", "cause", "code"),
    [
        (Row("7", state="PENDING", reason="Priority"), "waits", "", None),
        (Row("7", state="SUSPENDED", node="n1"), "runs", "", None),
        (Row("7", state="NODE_FAIL", node="n1"), "lost", "", None),
        (Row("7", state="PREEMPTED", node="n1"), "returned", "", None),
        (Row("7", state="TIMEOUT", node="n1", used=61, limit=60), "ended", "limit", 1),
        (Row("7", state="CANCELLED", node="n1", status=9), "ended", "scancel", -9),
        (Row("7", state="OUT_OF_MEMORY", node="n1", status=125), "ended", "memory", -125),
        (Row("7", state="FAILED", node="n1", status=2 << 8), "ended", "", 2),
        (Row("7", state="FAILED", node="n1", status=11), "ended", "", -11),
    ],
)
def test_each_state_of_a_job_is_one_of_its_run(row: Row, state: str, cause: str, code: int | None) -> None:
    word = word_of(row, 4)
    assert (word.state, word.cause, word.code, word.fence) == (state, cause, code, 4)


def test_what_a_job_printed_says_why_it_failed_at_its_start() -> None:
    word = word_of(Row("7", state="FAILED", node="n1", status=127 << 8), 1, output="python: not found")
    assert (word.cause, word.reason) == (
        "start",
        "its job failed on n1 before the training could begin: python: not found",
    )


def test_spans_of_time_are_read_as_slurm_writes_them() -> None:
    spans = ["1-02:03:04", "02:03:04", "03:04", "UNLIMITED", "INVALID", ""]
    assert [slurm_jobs.seconds_of(text) for text in spans] == [93784, 7384, 184, None, None, None]


def test_where_slurm_is_not_its_engine_says_where_to_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="on a machine of the cluster on which `sbatch` works"):
        SlurmEngine(tmp_path).open()


def test_what_the_nodes_unpickle_lies_where_nobody_else_may_write(tmp_path: Path) -> None:
    hand = Hand(tmp_path / "20261126-101500-vgg16-1a2b", 3)
    name, folder = Submissions(tmp_path).new([hand])
    assert folder.stat().st_mode & 0o777 == folder.parent.stat().st_mode & 0o777 == 0o700
    later = Submissions(tmp_path)
    later.open()
    assert [(task.run, task.fence) for task in later.all[name].tasks] == [(hand.folder.name, 3)]
    folder.parent.chmod(0o770)
    with pytest.raises(EngineError, match="other users may look into"):
        Submissions(tmp_path).open()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    place = tmp_path / ".slurm"
    place.mkdir(0o700)
    os.chown(place, 12345, 12345)
    for attempt in (Submissions(tmp_path).open, lambda: Submissions(tmp_path).new([])):
        with pytest.raises(EngineError, match="belongs to another user"):
            attempt()


def test_a_link_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(0o700)
    (tmp_path / ".slurm").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EngineError, match="is a link"):
        Submissions(tmp_path).open()
