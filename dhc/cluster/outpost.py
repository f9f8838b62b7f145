"""``python -m dhc.cluster.outpost RUN FENCE [DEVICE]``: a run on a machine that sees none of the server's folders.

It answers, through its pipes, what the server's side asks (`dhc.cluster.courier`): takes in the pictures and the run's folder, has
an attendant train it there, and tells what is new until all of it is back. A training that this process does not outlive goes on;
the next process of the same handing out finds it.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from dhc.cluster import letters, promises
from dhc.cluster.attendant import ATTENDS, Attendant
from dhc.cluster.mirror import Mirror
from dhc.cluster.parcel import Parcel, ParcelError
from dhc.cluster.shelf import Delivery, Shelf, node_folder
from dhc.cluster.source import Source
from dhc.errors import UserError, sentence
from dhc.files import remove, write
from dhc.files.messages import Message, own_pipes
from dhc.files.read import read_regular
from dhc.runs import pulse, rundir
from dhc.runs.config_file import load_config, write_config
from dhc.runs.contract import Exit, Handed, Process
from dhc.runs.course import ChangeRequest
from dhc.runs.identity import find, is_alive
from dhc.text import one_line

SERVERS = frozenset({rundir.CONFIG, rundir.REQUEST, promises.ASKED})  # what only the server writes
NODES = frozenset({rundir.PROCESS, rundir.EXIT})  # what only the machine writes that trains
MARKS = (rundir.KILL, rundir.STOP, rundir.STOP_AFTER_EPOCH, rundir.LEAVE, rundir.CHANGE)
STAY = (rundir.KILL, rundir.STOP)  # marks that nobody takes back, and that the training's own machine may make, too
BEGUN, HELD = "begun.json", "held"  # beside the run: what it was begun with; second names of large files
CHUNK = 4_000_000  # bytes of a large file that are told at once
OLD = 7 * 86400.0  # seconds after which what is left of a run that nobody trains is removed
Values = Mapping[str, Any]


class Outpost:
    """One handing out of one run, in a folder of its own."""

    def __init__(self, base: Path, run: str, fence: int, device: str = "") -> None:
        self._base, self._fence = write.root(base), fence
        self._home = self._base / "runs" / run
        self.folder = self._home / run
        self._attendant = Attendant(self.folder, fence, device)
        self._shelf = Shelf(self._base / "pictures", self._pictures_in_use)
        self._source = Source(self.folder, but=SERVERS, holds=self._home / HELD)
        self._mirror: Mirror | None = None
        self._delivery: Delivery | None = None
        self._thread: threading.Thread | None = None
        self.code: int | None = None

    def answer(self, message: Message) -> Message:
        """The answer to a question. Raises UserError, OSError, MessageError."""
        questions: dict[str, Callable[[Message], Message]] = {
            "hello": self._hello,
            "find": self._find,
            "receive": self._receive,
            "chunk": self._chunk,
            "take": self._take,
            "put": self._put,
            "sibling": self._sibling,
            "begin": self._begin,
            "changes": self._changes,
            "read": self._read,
            "end": self._end,
            "end other": self._end_other,
            "leave": self._leave,
        }
        return questions[message.values["question"]](message)

    def _hello(self, message: Message) -> Message:
        """Whether the run was begun under this number, what this machine is, and which other runs train here."""
        has_begun = (rundir.read_json(self._home / BEGUN) or {}).get("fence") == self._fence
        if has_begun:
            self._attend()
        else:
            _clear(self._home)
            write.make_folder(self.folder, self._base)
            self._mirror = Mirror(self.folder, but=NODES)
        place = f"{socket.gethostname()}:{self._base}:{self._base.stat().st_dev}"
        others = {home.name: Handed.of(home / home.name).fence for home in self._other_homes()}
        return Message({"has_begun": has_begun, "versions": promises.versions(), "place": place, "others": others})

    def _find(self, message: Message) -> Message:
        return Message({"is_here": self._shelf.find(str(message.values["digest"])) is not None})

    def _receive(self, message: Message) -> Message:
        values = message.values
        parcel = Parcel(str(values["digest"]), int(values["size"]), int(values["pictures"]), str(values["contents"]))
        self._delivery = self._shelf.receive(parcel)
        return Message({})

    def _chunk(self, message: Message) -> Message:
        """A part of the pictures; with the last one they are unpacked."""
        assert self._delivery is not None
        self._delivery.take(letters.data_of(message))
        if message.values["is_last"]:
            self._delivery.finish()
            self._delivery = None
        return Message({})

    def _take(self, message: Message) -> Message:
        """What the server's folder holds; the answer is what of it is here."""
        assert self._mirror is not None
        if "header" in message.values:
            self._mirror.take(letters.changes_of(message), last=True)
        return self._knowledge()

    def _put(self, message: Message) -> Message:
        assert self._mirror is not None
        values = message.values
        if values.get("is_gone"):
            self._mirror.drop()
        else:
            self._mirror.put(str(values["stamp"]), letters.data_of(message), str(values["digest"]))
        return self._knowledge()

    def _knowledge(self) -> Message:
        assert self._mirror is not None
        want, is_equal = self._mirror.want(), self._mirror.is_equal
        copies, awaited = self._mirror.copies(), self._mirror.awaited()
        return letters.knowledge_message(copies, awaited, want=want, is_equal=is_equal)

    def _sibling(self, message: Message) -> Message:
        """What another run of the sweep has reached, for the median rule: its settings are this one's in all that the rule asks."""
        run = str(message.values["run"])
        if rundir.RUN_ID.fullmatch(run):
            sibling = write.make_folder(self._home / run)
            own = {name: read_regular(self.folder / name, rundir.SMALL) for name in (rundir.CONFIG, rundir.REQUEST)}
            for name, data in {**own, rundir.SUMMARY: letters.data_of(message)}.items():
                write.text(sibling / name, data.decode("utf-8", "replace"))
        return Message({})

    def _begin(self, message: Message) -> Message:
        """Train, with the pictures that lie here and with the marks of the review that come with this."""
        values = message.values
        place = self._shelf.find(str(values["digest"])) if values["digest"] else None
        if place is None and values["digest"]:
            raise ParcelError(
                f"the pictures are gone again from {socket.gethostname()}: resume the run, and they are sent anew"
            )
        if place is not None:
            config = load_config(self.folder)
            write_config(self.folder, config.with_values({"data.path": str(place)}))
        if values["has_review"]:
            data = letters.data_of(message)
            write.replace(self.folder / rundir.GIVEN_REVIEW, lambda file: file.write(data))
        Handed(fence=self._fence, engine="ray").write(self.folder)
        begun = {"fence": self._fence, "pictures": str(place or ""), "origin": str(values["origin"])}
        rundir.write_json(self._home / BEGUN, begun)
        self._attend()
        return Message({})

    def _changes(self, message: Message) -> Message:
        """What is new; with the last sign of life, and whether the training is over."""
        values = message.values
        self._heed(values["marks"])
        is_over = self.code is not None
        changes = self._source.changes(*letters.knowledge_of(message), last=is_over)
        present = [name for name in MARKS if os.path.lexists(self.folder / name)]
        return letters.changes_message(changes, marks=present, beat=self._beat(), is_over=is_over)

    def _read(self, message: Message) -> Message:
        values = message.values
        try:
            data, digest = self._source.read(str(values["stamp"]), int(values["offset"]), CHUNK)
        except FileNotFoundError:
            return Message({"is_gone": True})
        return letters.with_data({"digest": digest}, data)

    def _end(self, message: Message) -> Message:
        """End the training; one that a person kills is ended by its attendant, which records that."""
        if not self._attendant.is_killed:
            self._attendant.let_go()
        return Message({})

    def _end_other(self, message: Message) -> Message:
        """End the training of a run that was handed out anew, and clear its folder away."""
        for home in self._other_homes():
            if home.name == message.values["run"]:
                _clear(home)
        return Message({})

    def _leave(self, message: Message) -> Message:
        """All is back, or nobody wants it any more: nothing of the run need stay here."""
        if self._thread is not None:
            if self.code is None:
                self._attendant.let_go()
            self._thread.join(10)
        _clear(self._home)
        return Message({"code": self.code})

    def _heed(self, marks: Mapping[str, Any]) -> None:
        """Make the marks that the server has, each with its words, or with None where it is to stay as it is; others go."""
        for name in MARKS:
            words = marks.get(name)
            if words is not None:
                write.text(self.folder / name, str(words)[: ChangeRequest.LIMIT])
            elif name not in marks and name not in STAY:
                remove.file(self.folder / name)

    def _beat(self) -> list[int]:
        with contextlib.suppress(OSError, ValueError):
            fence, count = map(int, read_regular(self.folder / rundir.HEARTBEAT, pulse.LIMIT).split()[:2])
            return [fence, count]
        return []

    def _attend(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._see_through, daemon=True)
            self._thread.start()

    def _see_through(self) -> None:
        code = 1
        try:
            code = self._attendant.attend()
            self._name_the_servers_folder()
        except Exception:  # noqa: BLE001 - a bug of ours must not keep the server waiting
            traceback.print_exc()
        self.code = code

    def _name_the_servers_folder(self) -> None:
        """Say of the pictures where they lie on the server, not where they lay here."""
        begun, end = rundir.read_json(self._home / BEGUN) or {}, Exit.read(self.folder)
        here, there = str(begun.get("pictures", "")), str(begun.get("origin", ""))
        if end is not None and here and there and here in end.reason:
            end.model_copy(update={"reason": end.reason.replace(here, there)}).write(self.folder)

    def _pictures_in_use(self) -> set[str]:
        """The pictures that runs here use."""
        records = [rundir.read_json(home / BEGUN) or {} for home in (self._base / "runs").glob("*")]
        return {Path(str(record.get("pictures", ""))).name for record in records}

    def _other_homes(self) -> list[Path]:
        """The folders of other runs that are trained here; what is left of old ones is removed."""
        homes = []
        for home in (self._base / "runs").iterdir():
            process = Process.of(home / home.name)
            if home == self._home or not rundir.RUN_ID.fullmatch(home.name):
                continue
            if is_alive(process.child, process.host):
                homes.append(home)
            elif time.time() - home.lstat().st_mtime > OLD:
                _clear(home)
        return homes


def _clear(home: Path) -> None:
    """End the training in a run's folder, and remove the folder with all beside it. Raises OSError."""
    process = Process.of(home / home.name)
    if (training := find(process.child, process.host)) is not None and home.name in " ".join(training.cmdline()):
        training.kill()
        training.wait(10)
    remove.tree(home)


def serve(outpost: Outpost, inlet: IO[bytes], outlet: IO[bytes]) -> int:
    """Answer one question after the other, until the run is left or nobody asks any more; returns the training's exit status."""
    while (frame := letters.read_frame(inlet)) is not None:
        message = letters.unpacked(frame)
        try:
            answer = outpost.answer(message)
        except UserError as error:
            answer = Message({"refusal": str(error)})
        except OSError as error:
            answer = Message({"refusal": f"on {socket.gethostname()}: {sentence(error)}"})
        except Exception as error:  # noqa: BLE001 - a bug of ours: told, and logged here
            traceback.print_exc()
            answer = Message({"trouble": f"{type(error).__name__}: {one_line(str(error), 200)}"})
        answer = Message({**answer.values, "number": message.values.get("number")}, answer.arrays)
        letters.write_frame(outlet, letters.packed(answer))
        if message.values.get("question") == "leave" and "code" in answer.values:
            return outpost.code or 0
    return rundir.TAKEN


def main(arguments: list[str]) -> int:
    """``RUN FENCE [DEVICE]``; returns the training's exit status."""
    inlet, outlet = own_pipes()
    run, fence, *device = arguments
    if not rundir.RUN_ID.fullmatch(run):
        print(json.dumps(run), "is no run's name", file=sys.stderr)
        return 2
    print(ATTENDS, file=sys.stderr, flush=True)
    try:
        outpost = Outpost(node_folder(), run, int(fence), *device)
    except (UserError, OSError) as error:
        print(sentence(error), file=sys.stderr)
        return 1
    return serve(outpost, inlet, outlet)


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(max(0, status) if status >= 0 else 128 - status)
