"""A run's folder and its copy on another machine: equal in the end, and never half of anything on the way."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dhc.cluster import source as module
from dhc.cluster.mirror import Mirror, MirrorError
from dhc.cluster.source import NAME, Changes, Entry, Piece, Source, names_in
from dhc.files import remove, write
from dhc.runs import rundir

CHUNK = 40  # bytes read at once, of files of up to some hundred


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of more than 30 bytes count as large, and no more than 90 come at once."""
    monkeypatch.setattr(module, "SMALL", 30)
    monkeypatch.setattr("dhc.cluster.mirror.SMALL", 30)
    monkeypatch.setattr(module, "MOST", 90)


class Pair:
    """An original that changes as a training changes it, and its copy, with a line between them that may break anywhere."""

    def __init__(self, root: Path) -> None:
        self.original, self.copy, self.holds = root / "original", root / "copy", root / "holds"
        for folder in (self.original, self.copy):
            folder.mkdir()
        self.epoch, self.step = 0, 0
        self.had_state = False
        self.late: Changes | None = None
        self.restart_source()
        self.restart_mirror()

    def restart_source(self) -> None:
        self.source = Source(self.original, holds=self.holds)

    def restart_mirror(self) -> None:
        self.mirror = Mirror(self.copy)

    def append(self, name: str = rundir.EVENTS) -> None:
        self.step += 1
        with (self.original / name).open("ab") as file:
            file.write(f'{{"step": {self.step}}}\n{"x" * (self.step % 3)}'.encode())

    def append_much(self) -> None:
        for _ in range(12):
            self.append(rundir.LOG)

    def replace_what_grows(self) -> None:
        self.step += 1
        write.text(self.original / rundir.LOG, f"anew {self.step}\n" * (self.step % 9))

    def replace_small(self) -> None:
        self.step += 1
        write.text(self.original / rundir.COURSE, f"{self.step}")

    def replace_large(self) -> None:
        self.step += 1
        write.text(self.original / rundir.BEST, f"network {self.step} " * 12)

    def add_answers(self) -> None:
        self.step += 1
        (self.original / rundir.DYNAMICS).mkdir(exist_ok=True)
        write.text(self.original / rundir.DYNAMICS / f"epoch-{self.step:05d}.npy", "a" * (self.step % 60))

    def remove_answers(self) -> None:
        for path in sorted((self.original / rundir.DYNAMICS).glob("*"))[:1]:
            remove.file(path)

    def save_state(self) -> None:
        """A state beside the last one, as `dhc.training.resume` saves it; every other one is kept, too."""
        self.epoch += 1
        if not (self.original / rundir.BEST).exists():
            self.replace_large()
        write.text(self.original / rundir.PREDICTIONS, f"answers {self.epoch}")
        place = self._state(rundir.RESUME)
        for other in place.parent.glob("epoch-*"):
            if other != place:
                remove.tree(other)
        if self.epoch % 2:
            self._state(rundir.STATES)
            for other in sorted((self.original / rundir.STATES).iterdir())[:-2]:
                remove.tree(other)

    def _state(self, parent: str) -> Path:
        draft = self.original / parent / f".epoch-{self.epoch:05d}.{secrets.token_hex(8)}"
        draft.mkdir(parents=True)
        source = self.original / rundir.RESUME / f"epoch-{self.epoch:05d}" / "state.npz"
        if source.exists():
            write.link(source, draft / "state.npz")
        else:
            write.text(draft / "state.npz", f"state {self.epoch} " * 15)
        for name in (rundir.BEST, rundir.PREDICTIONS):
            write.link(self.original / name, draft / name)
        place = draft.parent / f"epoch-{self.epoch:05d}"
        draft.rename(place)
        return place

    def pull(self, *, last: bool = False) -> None:
        self.mirror.take(self.source.changes(self.mirror.copies(), self.mirror.awaited(), last=last), last=last)

    def lose_an_answer(self) -> None:
        self.source.changes(self.mirror.copies(), self.mirror.awaited())

    def ask(self) -> None:
        """A question whose answer comes late, when others were answered meanwhile."""
        self.late = self.source.changes(self.mirror.copies(), self.mirror.awaited())

    def take_the_late_answer(self) -> None:
        if self.late is not None:
            self.mirror.take(self.late)

    def write_a_part(self) -> None:
        """The disk is full in the middle of a line."""
        name = self.copy / rundir.LOG
        count = name.stat().st_size if name.exists() else 0
        rest = (self.original / rundir.LOG).read_bytes()[count:] if (self.original / rundir.LOG).exists() else b""
        if rest:
            with name.open("ab") as file:
                file.write(rest[:5])

    def read(self) -> None:
        if (part := self.mirror.want()) is not None:
            try:
                data, digest = self.source.read(*part, CHUNK)
            except FileNotFoundError:
                self.mirror.drop()
            else:
                self.mirror.put(part[0], data, digest)

    def pull_and_read(self) -> None:
        self.pull()
        for _ in range(15):
            self.read()

    def finish(self) -> None:
        """End the training, and bring the rest."""
        remove.tree(self.original / rundir.RESUME)
        write.text(self.original / rundir.EXIT, "the end")
        for _ in range(400):
            self.pull(last=True)
            self.read()
            assert not (self.copy / rundir.EXIT).exists()
            if self.mirror.is_equal:
                break
        assert self.mirror.finish()

    def check(self) -> None:
        """Nothing of the copy is half: a state has all its files, and of one epoch; what grows is whole lines of the original."""
        for parent in (rundir.RESUME, rundir.STATES):
            for place in (self.copy / parent).glob("epoch-*"):
                words = place.name.removeprefix("epoch-").lstrip("0")
                assert (place / "state.npz").read_text(encoding="utf-8") == f"state {words} " * 15
                assert (place / rundir.PREDICTIONS).read_text(encoding="utf-8") == f"answers {words}"
                assert (place / rundir.BEST).read_text(encoding="utf-8").startswith("network")
        states = list((self.copy / rundir.RESUME).glob("epoch-*"))
        assert states or not self.had_state, "the last whole state is gone before a newer one is here"
        self.had_state = bool(states)
        if (self.copy / rundir.EVENTS).exists():
            events = (self.copy / rundir.EVENTS).read_bytes()
            assert (self.original / rundir.EVENTS).read_bytes().startswith(events)
            assert not events or events.endswith(b"\n")


def contents(folder: Path) -> dict[str, bytes]:
    """All of a folder by name, drafts included."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


STEPS: dict[str, Callable[[Pair], object]] = {
    "append": Pair.append,
    "append much": Pair.append_much,
    "replace what grows": Pair.replace_what_grows,
    "replace small": Pair.replace_small,
    "replace large": Pair.replace_large,
    "add answers": Pair.add_answers,
    "remove answers": Pair.remove_answers,
    "save a state": Pair.save_state,
    "pull": Pair.pull,
    "pull and read": Pair.pull_and_read,
    "read": Pair.read,
    "lose an answer": Pair.lose_an_answer,
    "ask": Pair.ask,
    "take the late answer": Pair.take_the_late_answer,
    "write a part": Pair.write_a_part,
    "restart the source": Pair.restart_source,
    "restart the mirror": Pair.restart_mirror,
}


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Callable[[], Pair]]:
    def make() -> Pair:
        root = tmp_path / secrets.token_hex(4)
        root.mkdir()
        return Pair(root)

    yield make
    shutil.rmtree(tmp_path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=40))
def test_whatever_happens_on_the_way_the_folders_are_equal_in_the_end(
    pair: Callable[[], Pair], steps: list[str]
) -> None:
    both = pair()
    for step in steps:
        STEPS[step](both)
        both.check()
    both.finish()
    assert contents(both.copy) == contents(both.original)


def test_a_large_state_holds_up_no_event_and_comes_back_though_each_epoch_replaces_it(pair: Callable[[], Pair]) -> None:
    both = pair()
    for _ in range(30):  # a state takes some ten reads, and an epoch two
        both.append()
        both.save_state()
        both.pull()
        both.read()
        both.read()
        events = (both.original / rundir.EVENTS).read_bytes()
        assert (both.copy / rundir.EVENTS).read_bytes() == events[: events.rfind(b"\n") + 1]
        both.check()
    assert both.had_state
    assert len(list(both.holds.iterdir())) <= 12  # what is gone and no longer awaited is not held


def test_what_is_linked_comes_once_and_is_linked_here_too(pair: Callable[[], Pair]) -> None:
    both = pair()
    both.save_state()
    both.pull()
    reads = 0
    while both.mirror.want() is not None:
        both.read()
        reads += 1
    sizes = [len(data) for name, data in contents(both.original).items() if name in ("best.keras",)]
    state = (both.original / "resume" / "epoch-00001" / "state.npz").stat().st_size
    predictions = (both.original / rundir.PREDICTIONS).stat().st_size
    assert reads <= sum(-(-size // CHUNK) for size in (*sizes, state, predictions))
    kept, last = (both.copy / name / "epoch-00001" / "state.npz" for name in (rundir.STATES, rundir.RESUME))
    assert kept.samefile(last)


LISTING = {rundir.SUMMARY: Entry("1-2-3", 2)}


@pytest.mark.parametrize(
    "changes",
    [
        Changes({"../outside": Entry("1-2-3", 2)}, [], [], []),
        Changes({"resume/epoch-00001/../../x": Entry("1-2-3", 2)}, [], [], []),
        Changes({"labels.json": Entry("1-2-3", 2)}, [], [], []),
        Changes({rundir.SUMMARY: Entry("../../x", 2)}, [], [], []),
        Changes({rundir.SUMMARY: Entry("1-2-3", 10**12)}, [], [], []),
        Changes({rundir.SUMMARY: Entry("1-2-3", -1)}, [], [], []),
        Changes(LISTING, [Piece(rundir.SUMMARY, "1-2-3", 0, b"longer than it says")], [], []),
        Changes(LISTING, [Piece("../outside", "1-2-3", 0, b"{}")], [], []),
        Changes({f"dynamics/epoch-{n:05d}.npy": Entry("1-2-3", 2) for n in range(161_000)}, [], [], []),
        Changes({rundir.CONFIG: Entry("1-2-3", 2)}, [Piece(rundir.CONFIG, "1-2-3", 0, b"{}")], [], []),
    ],
)
def test_what_cannot_be_part_of_a_run_is_refused_before_anything_is_written(tmp_path: Path, changes: Changes) -> None:
    (tmp_path / "copy").mkdir()
    mirror = Mirror(tmp_path / "copy", but={rundir.CONFIG})
    with pytest.raises(MirrorError):
        mirror.take(changes)
    assert contents(tmp_path) == {}


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    copy, outside = tmp_path / "copy", tmp_path / "outside"
    copy.mkdir()
    outside.mkdir()
    (outside / "file").write_bytes(b"mine")
    for name in (rundir.EVENTS, rundir.SUMMARY):
        (copy / name).symlink_to(outside / "file")
    (copy / rundir.DYNAMICS).symlink_to(outside)
    answers = "dynamics/epoch-00001.npy"
    for name in (rundir.EVENTS, rundir.SUMMARY, answers):
        with pytest.raises(OSError):
            Mirror(copy).take(Changes({name: Entry("1-2-3", 1)}, [Piece(name, "1-2-3", 0, b"x")], [], []))
    assert contents(outside) == {"file": b"mine"}


def test_a_version_that_came_damaged_is_not_taken(pair: Callable[[], Pair]) -> None:
    both = pair()
    both.replace_large()
    both.pull()
    part = both.mirror.want()
    assert part is not None
    data, _ = both.source.read(*part, 1_000)
    with pytest.raises(MirrorError, match="damaged"):
        both.mirror.put(part[0], data[:-1] + b"!", "0" * 32)
    assert contents(both.copy) == {}
    both.pull_and_read()
    assert contents(both.copy) == contents(both.original)


def test_a_folder_that_was_cleared_away_takes_nothing_with_it(pair: Callable[[], Pair]) -> None:
    both = pair()
    both.save_state()
    both.append()
    both.pull_and_read()
    before = contents(both.copy)
    shutil.rmtree(both.original)
    with pytest.raises(FileNotFoundError):
        both.pull()
    both.original.mkdir()
    both.pull()
    assert contents(both.copy) == before
    assert all(NAME.fullmatch(name) for name in names_in(both.copy))


def test_a_file_that_only_the_copy_has_holds_up_no_end(pair: Callable[[], Pair]) -> None:
    both = pair()
    write.text(both.copy / rundir.HEALTH, "of another day")
    both.restart_mirror()
    both.append()
    both.finish()
    assert (both.copy / rundir.HEALTH).exists()
