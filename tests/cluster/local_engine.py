"""An engine whose machines are this one: it really runs attendants, and dies and forgets as a cluster does."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from dhc.cluster.engine import EngineError, Hand, Word
from dhc.cluster.record import Node
from dhc.jobs.process import REPOSITORY, python, spawn
from dhc.runs.contract import Process

TESTS = Path(__file__).parents[1]
STAND_IN = {"DHC_TRAINER": "cluster.stand_in", "PYTHONPATH": f"{TESTS}{os.pathsep}{REPOSITORY}"}


@dataclass
class Place:
    """A run that was handed out: its attendant, once it has one, and the machine that it is on."""

    hand: Hand
    node: str = ""
    attendant: subprocess.Popen[bytes] | None = None
    is_lost: bool = False


@dataclass
class LocalEngine:
    """Two machines with room for `share` runs each, if nothing else is said."""

    runs_dir: Path
    share: int = 1
    name: str = "ray"
    up: dict[str, bool] = field(default_factory=lambda: {"node1": True, "node2": True})
    places: dict[str, Place] = field(default_factory=dict)
    answers: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)
    handed_out: list[str] = field(default_factory=list)

    def open(self) -> None:
        if not self.answers:
            raise EngineError("the cluster does not answer: start it")

    def close(self) -> None:
        """Nothing is held."""

    def nodes(self) -> Sequence[Node]:
        self.open()
        return [Node(name=name, state="up" if up else "down", cpus=self.share) for name, up in self.up.items()]

    def width(self) -> int:
        return self.share * sum(self.up.values())

    def takes(self, waiting: int) -> int:
        self.open()
        return max(1, sum(map(self._room, self._nodes_up()))) - waiting

    def hand_out(self, hands: Sequence[Hand]) -> None:
        self.open()
        for hand in hands:
            place = self.places.get(hand.folder.name)
            if place is not None and place.attendant is not None and place.attendant.poll() is None:
                raise EngineError(f"{hand.folder.name} is in hand already")
            self.places[hand.folder.name] = Place(hand)
            self.handed_out.append(hand.folder.name)
        self._place()

    def adopt(self, hand: Hand, node: str) -> bool:
        if not self.up.get(node):
            return False
        self.places[hand.folder.name] = self._start(Place(hand, node))
        return True

    def words(self) -> Mapping[str, Word]:
        self.open()
        self._place()
        return {run_id: self._word(place) for run_id, place in self.places.items()}

    def cancel(self, run_id: str) -> None:
        self.open()
        place = self.places.get(run_id)
        if place is not None and place.attendant is None:
            del self.places[run_id]
        elif place is not None:
            kill_attendant(place)
            kill_training(place.hand.folder)

    def forget(self, run_id: str) -> None:
        self.open()
        place = self.places.pop(run_id, None)
        if place is not None:
            kill_attendant(place)

    def lose(self, node: str, *, with_trainings: bool = True) -> None:
        """The machine is gone; without its trainings, only what the engine itself has there is."""
        self.up[node] = False
        for place in list(self.places.values()):
            if place.node == node:
                place.is_lost = True
                kill_attendant(place)
                if with_trainings:
                    kill_training(place.hand.folder)

    def end(self) -> None:
        """Leave no process."""
        for place in list(self.places.values()):
            kill_attendant(place)
            kill_training(place.hand.folder)

    def _nodes_up(self) -> Iterable[str]:
        return (name for name, up in self.up.items() if up)

    def _room(self, node: str) -> int:
        return self.share - sum(place.node == node and not place.is_lost for place in list(self.places.values()))

    def _place(self) -> None:
        for place in list(self.places.values()):
            if place.attendant is None and not place.is_lost:
                node = next((name for name in self._nodes_up() if self._room(name) > 0), None)
                if node is not None:
                    place.node = node
                    self._start(place)

    def _start(self, place: Place) -> Place:
        folder = place.hand.folder
        command = python("-m", "dhc.cluster.attendant", str(folder), str(place.hand.fence), "cpu")
        place.attendant = spawn(command, log=self.runs_dir / ".attendants.log", env={**os.environ, **self.environment})
        return place

    def _word(self, place: Place) -> Word:
        about = {"job": f"job {place.hand.fence}", "node": place.node, "fence": place.hand.fence}
        if place.is_lost:
            return Word("lost", **about)
        if place.attendant is None:
            return Word("waits", reason="waits for room", **about)
        code = place.attendant.poll()
        return Word("runs", **about) if code is None else Word("ended", code=code, **about)


def kill_attendant(place: Place) -> None:
    """Kill the attendant of a run, and not its training."""
    if place.attendant is not None and place.attendant.poll() is None:
        place.attendant.kill()
        place.attendant.wait()


def kill_training(folder: Path) -> None:
    """Kill what trains a run here."""
    child = Process.of(folder).child
    if child is not None and child.pid is not None:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(child.pid)
            if str(folder) in process.cmdline():
                process.kill()
                process.wait(10)
