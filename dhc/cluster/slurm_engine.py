"""The engine ``slurm``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from dhc.cluster.engine import Hand, Word
from dhc.cluster.record import Node


class SlurmEngine:
    """To be built."""

    name = "slurm"

    def __init__(self, runs_dir: Path) -> None:
        self._runs_dir = runs_dir

    def open(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def nodes(self) -> Sequence[Node]:
        raise NotImplementedError

    def width(self) -> int:
        raise NotImplementedError

    def takes(self, waiting: int) -> int:
        raise NotImplementedError

    def hand_out(self, hands: Sequence[Hand]) -> None:
        raise NotImplementedError

    def adopt(self, hand: Hand, node: str) -> bool:
        raise NotImplementedError

    def words(self) -> Mapping[str, Word]:
        raise NotImplementedError

    def cancel(self, run_id: str) -> None:
        raise NotImplementedError

    def forget(self, run_id: str) -> None:
        raise NotImplementedError
