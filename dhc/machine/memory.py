"""What the system did to free memory."""

from __future__ import annotations

from pathlib import Path

SYSTEM = Path("/")


def oom_kills(system: Path = SYSTEM) -> int:
    """How many processes of our own control group the system has killed to free memory; 0 where nobody counts them.

    The count of the whole machine would take a neighbour's end for ours. `system` is where ``proc`` and ``sys`` are.
    """
    group = _group(system)
    if group is None:
        return 0
    try:
        lines = group.read_text(encoding="ascii").splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    except (OSError, ValueError, IndexError):
        return 0


def _group(system: Path) -> Path | None:
    """The file in which the system counts for our group, of the first or the second version of control groups."""
    groups = system / "sys/fs/cgroup"
    try:
        lines = (system / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return None
    for line in sorted(
        lines, reverse=True
    ):  # the second version's line begins with 0: memory is counted there if nowhere else
        controllers, _, path = line.partition(":")[2].partition(":")
        if controllers == "" or "memory" in controllers.split(","):
            root, name = (groups / "memory", "memory.oom_control") if controllers else (groups, "memory.events")
            places = [root / path.lstrip("/") / name, root / name]  # a container sees its own group as the root
            if file := next((place for place in places if place.is_file()), None):
                return file
    return None
