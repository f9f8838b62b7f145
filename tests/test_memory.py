"""Counting what the system killed to free memory: of our own control group, never of the machine's others."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dhc.machine.memory import oom_kills

GROUPS = Path("/sys/fs/cgroup/memory")  # of the first version
EATER = "import sys; open(sys.argv[1], 'w').write('0'); x = bytearray(400_000_000); x[::4096] = bytes(len(x[::4096]))"
COUNTER = "from dhc.machine.memory import oom_kills; print(oom_kills())"


@pytest.mark.parametrize(
    ("lines", "file", "text"),
    [
        ("0::/user/session", "user/session/memory.events", "max 4\noom 3\noom_kill 2\noom_group_kill 9\n"),
        ("0::/elsewhere", "memory.events", "oom_kill 2\n"),  # a container that sees its own group as the root
        ("11:memory:/slurm/job_7\n0::/", "memory/slurm/job_7/memory.oom_control", "under_oom 1\noom_kill 2\n"),
        ("3:cpu,memory:/docker/ab\n0::/", "memory/memory.oom_control", "oom_kill 2\n"),
        ("4:memory:/gone\n0::/a", "a/memory.events", "oom_kill 2\n"),
    ],
)
def test_the_count_of_the_own_group(tmp_path: Path, lines: str, file: str, text: str) -> None:
    write(tmp_path / "proc/self/cgroup", lines)
    write(tmp_path / "sys/fs/cgroup" / file, text)
    assert oom_kills(tmp_path) == 2


@pytest.mark.parametrize("lines", ["", "0::/", "nonsense", "5:cpu:/a", "4:memory:/a"])
def test_what_nobody_counts_is_none(tmp_path: Path, lines: str) -> None:
    write(tmp_path / "proc/vmstat", "oom_kill 7\n")
    assert oom_kills(tmp_path) == 0
    write(tmp_path / "proc/self/cgroup", lines)
    assert oom_kills(tmp_path) == 0
    write(tmp_path / "sys/fs/cgroup/memory.events", "oom_kill\n\0oom_kill x\n")
    assert oom_kills(tmp_path) == 0


def test_a_neighbour_that_ran_out_of_memory_is_not_counted(group: Path) -> None:
    before = oom_kills()
    eater = subprocess.run([sys.executable, "-c", EATER, str(group / "cgroup.procs")], check=False)
    assert eater.returncode == -9
    assert oom_kills() == before
    inside = f"open({str(group / 'cgroup.procs')!r}, 'w').write('0'); {COUNTER}"
    counted = subprocess.run([sys.executable, "-c", inside], capture_output=True, text=True, check=True)
    assert counted.stdout == "1\n"


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group of 60 MB."""
    place = GROUPS / f"dhc-test-{os.getpid()}"
    try:
        place.mkdir(exist_ok=True)
        (place / "memory.limit_in_bytes").write_text("60M")
    except OSError:
        pytest.skip("control groups cannot be made here")
    yield place
    with contextlib.suppress(OSError):
        place.rmdir()


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
