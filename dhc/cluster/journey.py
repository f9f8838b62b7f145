"""The way of one run to another machine and back: its pictures and its folder go there, what comes of it returns while it grows.

A journey is a conversation with the run's outpost, one question after the other, written down as a generator: so one thread leads those of all runs.
Wherever it breaks off, the next one begins with `hello` and goes on from what stands in the folders on both sides.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Generator, Mapping, MutableSet
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from dhc.cluster import letters, promises
from dhc.cluster.mirror import Mirror
from dhc.cluster.outpost import CHUNK, MARKS, NODES, SERVERS
from dhc.cluster.parcel import Parcel, chunks, parcel_of, stamp
from dhc.cluster.siblings import siblings_of
from dhc.cluster.source import Source
from dhc.data.layout import open_dataset
from dhc.data.review import read_marks, review_file, standing
from dhc.errors import ConfigError, DataError, UserError, sentence
from dhc.files import remove
from dhc.files.messages import Message
from dhc.files.read import read_regular
from dhc.runs import pulse, rundir
from dhc.runs.budget import make_room
from dhc.runs.config_file import load_config
from dhc.runs.contract import Cause, Handed
from dhc.runs.course import ChangeRequest

EVERY = 1.0  # seconds between two looks at what is new
AGAIN = 2.0  # seconds after which what failed here is tried again
WAIT = 0.1  # seconds between two looks at work that another thread does
SPOKEN = ("python", "numpy", "keras")  # packages whose versions should be the same on both sides
Value = TypeVar("Value")


@dataclass(frozen=True)
class Ask:
    """A question to the run's outpost; one that is large waits until few others are on their way."""

    message: Message
    is_large: bool = False


@dataclass(frozen=True)
class Pause:
    """Nothing to be asked for so many seconds."""

    seconds: float


class RefusalError(UserError):
    """The other machine cannot do what it was asked for: its own sentence."""


class SupersededError(Exception):
    """The run was handed out anew: nothing of this journey may be written any more."""


Steps = Generator[Ask | Pause, Message | None, Value]


@dataclass
class Shared:
    """What the journeys of one server share: a thread for what takes long, the parcels that it knows, and what is on its way."""

    pool: Executor
    parcels: dict[Path, tuple[str, Parcel]] = field(default_factory=dict)  # with the stamps of their data sets
    under_way: MutableSet[tuple[str, str]] = field(default_factory=set)  # machine and hash of pictures

    def parcel(self, root: Path) -> Parcel:
        """What is sent of a data set, which is read again where one of its files was changed. Raises DataError, ParcelError."""
        now = stamp(open_dataset(root))
        if self.parcels.get(root, ("", None))[0] != now:
            self.parcels[root] = (now, parcel_of(root))
        return self.parcels[root][1]


class Journey:
    """One run under one number, and how far it is.

    problem   what hinders it just now, or what should be known of it, in words
    is_there  whether its training was begun there
    is_over   whether all of it is back, and its end recorded
    is_back   whether the other machine has forgotten it
    end       why it cannot be trained there: a sentence and its cause
    ends      whether it is to end there at once
    """

    def __init__(self, folder: Path, fence: int, shared: Shared) -> None:
        self.folder, self.fence, self._shared = folder, fence, shared
        self.problem, self._note, self.is_there = "", "", False
        self.is_over, self.is_back, self.ends = False, False, False
        self.end: tuple[str, Cause] | None = None
        self._siblings = siblings_of(folder)
        self._count = -1  # of the last sign of life
        self._request: bytes | None = None  # the request for a change that the other side was given

    def steps(self) -> Steps[None]:
        """The conversation. Raises MessageError where the other side speaks another language."""
        try:
            hello = yield from self._ask("hello")
            self._note = version_differences(hello.values["versions"])
            yield from self._end_others(dict(hello.values["others"]))
            if not hello.values["has_begun"]:
                digest = yield from self._send_pictures(str(hello.values["place"]))
                yield from self._send_folder()
                yield from self._begin(digest)
                yield from self._tell_of_siblings()
            self.problem, self.is_there = self._note, True
        except (ConfigError, DataError) as error:
            self.end = (str(error), "data" if isinstance(error, DataError) else "settings")
            return
        except (UserError, OSError) as error:
            self.end = (sentence(error), "start")
            return
        try:
            yield from self._bring_back()
        except SupersededError:
            yield from self._ask("leave")
            self.is_back = True

    def _ask(self, question: str, data: bytes = b"", *, is_large: bool = False, **values: Any) -> Steps[Message]:
        """The answer to a question. Raises RefusalError."""
        answer = yield Ask(letters.with_data({"question": question, **values}, data), is_large)
        assert answer is not None
        for fault in ("refusal", "trouble"):
            if fault in answer.values:
                raise RefusalError(str(answer.values[fault])[:500])
        return answer

    def _in_pool(self, work: Callable[[], Value]) -> Steps[Value]:
        """What a function returns that another thread runs."""
        future = self._shared.pool.submit(work)
        while not future.done():
            yield Pause(WAIT)
        return future.result()

    def _end_others(self, others: dict[str, int]) -> Steps[None]:
        """End what trains there of runs of ours that were handed out anew since, or have ended."""
        for run, fence in others.items():
            folder = self.folder.parent / run
            if rundir.RUN_ID.fullmatch(run) and folder.is_dir() and Handed.of(folder).fence != fence:
                yield from self._ask("end other", run=run)

    def _send_pictures(self, place: str) -> Steps[str]:
        """See that the run's pictures are on its machine; returns their hash. Raises DataError, ParcelError."""
        if promises.is_trial(self.folder):
            return ""
        root = Path(load_config(self.folder).data.path)
        parcel = yield from self._in_pool(lambda: self._shared.parcel(root))
        while (place, parcel.digest) in self._shared.under_way:
            self.problem = "waits for its pictures, which are on their way for another run"
            yield Pause(5 * WAIT)
        self._shared.under_way.add((place, parcel.digest))
        try:
            answer = yield from self._ask("find", digest=parcel.digest)
            if not answer.values["is_here"]:
                yield from self._deliver(root, parcel)
        finally:
            self._shared.under_way.discard((place, parcel.digest))
        return parcel.digest

    def _deliver(self, root: Path, parcel: Parcel) -> Steps[None]:
        about: dict[str, Any] = {
            "digest": parcel.digest,
            "size": parcel.size,
            "pictures": parcel.pictures,
            "contents": parcel.contents,
        }
        yield from self._ask("receive", **about)
        count = 0
        for data in chunks(root):
            count += len(data)
            is_last = count >= parcel.size
            way = f"on their way: {100 * count // parcel.size} %"
            self.problem = f"its pictures are {'unpacked and decoded there' if is_last else way}"
            yield from self._ask("chunk", data, is_large=True, is_last=is_last)

    def _send_folder(self) -> Steps[None]:
        """Have all there that the run's folder holds here."""
        self.problem = "its folder is on its way"
        source = Source(self.folder, but=NODES)
        answer = yield from self._ask("take")
        while not answer.values.get("is_equal"):
            copies, _ = letters.knowledge_of(answer)
            message = letters.changes_message(source.changes(copies, last=True))
            answer = yield from self._ask("take", letters.data_of(message), **message.values)
            while want := answer.values["want"]:
                stamp, offset = str(want[0]), int(want[1])
                try:
                    data, digest = source.read(stamp, offset, CHUNK)
                except FileNotFoundError:
                    answer = yield from self._ask("put", is_gone=True)
                    break
                answer = yield from self._ask("put", data, is_large=True, stamp=stamp, digest=digest)

    def _begin(self, digest: str) -> Steps[None]:
        config = load_config(self.folder)
        is_fresh = not os.path.lexists(self.folder / rundir.REVIEW) and rundir.next_epoch(self.folder) == 1
        marks = standing(read_marks(review_file(Path(config.data.path)))) if config.data.review and is_fresh else []
        words = b"".join(mark.model_dump_json().encode() + b"\n" for mark in marks)
        about: dict[str, Any] = {"has_review": config.data.review and is_fresh, "origin": config.data.path}
        yield from self._ask("begin", words, digest=digest, **about)

    def _bring_back(self) -> Steps[None]:
        """Bring back what is new each second, until the training is over and all of it is here."""
        mirror = yield from self._in_pool(lambda: Mirror(self.folder, but=SERVERS))
        while not self.is_back:
            start = time.monotonic()
            try:
                is_over = yield from self._look(mirror)
                yield from self._fetch(mirror, start + EVERY)
                self.problem = self._note
                if is_over and mirror.is_equal:
                    yield from self._arrive(mirror)
                else:
                    yield Pause(WAIT if is_over else max(0.0, start + EVERY - time.monotonic()))
            except (UserError, OSError) as error:
                self.problem = sentence(error)
                yield Pause(AGAIN)

    def _look(self, mirror: Mirror) -> Steps[bool]:
        """Bring back what has grown and what is small; returns whether the training was over before."""
        knowledge = letters.data_of(letters.knowledge_message(mirror.copies(), mirror.awaited()))
        answer = yield from self._ask("changes", knowledge, marks=self._marks())
        self._require_current()
        if self._siblings is not None and self._siblings.is_due:
            yield from self._tell_of_siblings()
        is_over = bool(answer.values["is_over"])
        mirror.take(letters.changes_of(answer), last=is_over)
        self._pass_on_the_beat(list(answer.values["beat"]))
        self._settle_request([*answer.values["marks"]])
        if self.ends and not is_over:
            yield from self._ask("end")
        return is_over

    def _tell_of_siblings(self) -> Steps[None]:
        """Tell of the runs of its sweep that have finished since, by which the median rule judges."""
        if self._siblings is not None:
            for run, summary in (yield from self._in_pool(self._siblings.finished)):
                yield from self._ask("sibling", summary, run=run)

    def _fetch(self, mirror: Mirror, until: float) -> Steps[None]:
        """Bring back parts of what is large, until it is time to look again."""
        while time.monotonic() < until and (want := mirror.want()) is not None:
            stamp, offset = want
            answer = yield from self._ask("read", is_large=True, stamp=stamp, offset=offset)
            self._require_current()
            if answer.values.get("is_gone"):
                mirror.drop()
                return
            mirror.put(stamp, letters.data_of(answer), str(answer.values["digest"]))

    def _arrive(self, mirror: Mirror) -> Steps[None]:
        """Record the end, and have the other machine forget the run."""
        self._require_current()
        mirror.finish()
        self.is_over = True
        yield from self._ask("leave")
        self.is_back = True
        yield from self._in_pool(lambda: make_room(self.folder.parent))

    def _require_current(self) -> None:
        if Handed.of(self.folder).fence != self.fence:
            raise SupersededError

    def _marks(self) -> dict[str, str | None]:
        """The marks that are here with their words; None for a request that the other side has, so that it is not made twice."""
        marks: dict[str, str | None] = {}
        for name in MARKS:
            with contextlib.suppress(OSError):
                data = read_regular(self.folder / name, ChangeRequest.LIMIT)
                is_known = name == rundir.CHANGE and data == self._request
                marks[name] = None if is_known else data.decode("utf-8", "replace")
                if name == rundir.CHANGE:
                    self._request = data
        if rundir.CHANGE not in marks:
            self._request = None
        return marks

    def _settle_request(self, present: list[str]) -> None:
        """Remove a request for a change that the training has taken up, unless there is another one by now."""
        if self._request is None or rundir.CHANGE in present:
            return
        with contextlib.suppress(FileNotFoundError):
            if read_regular(self.folder / rundir.CHANGE, ChangeRequest.LIMIT) == self._request:
                remove.file(self.folder / rundir.CHANGE)
        self._request = None

    def _pass_on_the_beat(self, beat: list[Any]) -> None:
        """Give here the sign of life that the training has given there since the last look."""
        if len(beat) == 2 and beat[0] == self.fence and beat[1] != self._count:
            self._count = int(beat[1])
            pulse.beat(self.folder, self.fence, self._count)


def version_differences(versions: Mapping[str, Any]) -> str:
    """In which packages that count the other machine differs from this one, in words."""
    here = promises.versions()
    both = [(name, str(versions[name]), here[name]) for name in SPOKEN if name in versions and name in here]
    different = [f"{name} {there} instead of {ours}" for name, there, ours in both if there != ours]
    return f"its machine has {', '.join(different)}: install the same on all machines" if different else ""
