"""One look at the runs: each run and each event log is read at most once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dhc.runs.events import EventLog
from dhc.runs.records import History
from dhc.runs.store import RunInfo, Store


class Snapshot:
    """The runs of a store, each as it stood when it was first asked for.

    For one thread. A later look takes a new snapshot.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._logs: dict[str, EventLog] = {}  # those that this look has read on
        self._infos: dict[str, RunInfo] = {}
        self._every: tuple[list[RunInfo], list[RunInfo]] | None = None

    def runs(self) -> list[RunInfo]:
        """Every run, newest first, in a list of the caller's own; searches for a learning rate are none."""
        return list(self._look()[0])

    def searches(self) -> list[RunInfo]:
        """Every search for a learning rate, newest first."""
        return list(self._look()[1])

    def _look(self) -> tuple[list[RunInfo], list[RunInfo]]:
        """The runs and the searches, told apart once: a page asks for them twenty times."""
        if self._every is None:
            every = self.store.all(self._logs, self._infos)
            self._infos = {info.id: info for info in every}
            runs, searches = ([info for info in every if (info.search is None) is plain] for plain in (True, False))
            self._every = runs, searches
        return self._every

    def run(self, run_id: str) -> RunInfo:
        """One run. Raises RunError when there is none of that name."""
        if run_id not in self._infos:
            self._infos[run_id] = self.store.run(run_id, self._logs)
        return self._infos[run_id]

    def log(self, run_id: str) -> EventLog:
        """The run's events. Raises RunError when there is no such run."""
        return self.store.log(run_id, self._logs)

    def outline(self, run_id: str) -> tuple[History, Mapping[str, Any]]:
        """`Store.outline`: the run's history, perhaps without batches, and its start event.

        Raises RunError when there is no such run.
        """
        return self.store.outline(run_id, self._logs)
