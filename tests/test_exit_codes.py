"""What an exit status says, whichever system it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dhc.runs import rundir
from dhc.runs.autopsy import HEADLINES
from dhc.runs.contract import CAUSES
from dhc.runs.exit_codes import ending
from dhc.runs.status import status_of


@pytest.mark.parametrize(
    ("code", "how", "cause", "words"),
    [
        (-9, "killed", "signal", "SIGKILL"),
        (-11, "killed", "library", "SIGSEGV"),
        (-35, "killed", "signal", "35"),
        (137, "killed", "signal", "SIGKILL, status 137"),
        (139, "killed", "library", "SIGSEGV, status 139"),
        (143, "killed", "signal", "SIGTERM"),
        (3221225477, "killed", "library", "access violation, 0xC0000005"),
        (-1073741819, "killed", "library", "access violation, 0xC0000005"),
        (3221225786, "killed", "signal", "Ctrl+C, or its console was closed"),
        (-1073741510, "killed", "signal", "Ctrl+C, or its console was closed"),
        (0xC0000017, "killed", "memory", "out of memory"),
        (0xC0001234, "killed", "library", "0xC0001234"),
        (1, "failed", "error", "status 1 "),
        (128, "failed", "error", "status 128 "),
        (255, "failed", "error", "status 255 "),
        (10**30, "failed", "error", "ended with status 1000"),
        (-(10**30), "failed", "error", "ended with status -1000"),
    ],
)
def test_each_status_says_what_it_means(code: int, how: str, cause: str, words: str) -> None:
    end = ending(code)
    assert (end.how, end.cause) == (how, cause)
    assert words in end.reason


@pytest.mark.parametrize(
    ("record", "state", "cause", "words"),
    [
        ({"how": "killed", "code": 3221225477}, "killed", "library", "access violation"),
        ({"how": "failed", "code": -1073741819}, "failed", "library", "access violation"),
        ({"code": 3221225786}, "killed", "signal", "Ctrl+C"),
        ({"how": "aborted", "signal": 6}, "killed", "library", "SIGABRT"),
        ({"signal": 9}, "killed", "signal", "SIGKILL"),
        ({"how": "killed"}, "killed", "signal", ""),
        ({"how": "failed", "reason": "the GPU fell off", "code": 139}, "failed", "", "the GPU fell off"),
        ({"how": "finished", "code": 3221225477}, "finished", "", ""),
        ({"how": "aborted"}, "crashed", "unread", "cannot be read"),
        ({"code": 0}, "crashed", "unread", "cannot be read"),
    ],
)
def test_a_foreign_end_gets_true_words(
    tmp_path: Path, record: dict[str, Any], state: str, cause: str, words: str
) -> None:
    rundir.write_json(tmp_path / rundir.EXIT, record)
    rundir.write_json(tmp_path / rundir.PROCESS, {"host": "pc", "child": {"pid": 4}})
    rundir.write_json(tmp_path / rundir.REQUEST, {"queued_at": 1.0})
    status = status_of(tmp_path)
    assert (status.state, status.cause) == (state, cause)
    assert words in status.reason


def test_every_cause_has_its_headline() -> None:
    assert set(CAUSES) - set(HEADLINES) == {"done", "early"}
    assert [cause for cause, words in HEADLINES.items() if "both were killed" in words] == ["lost"]
