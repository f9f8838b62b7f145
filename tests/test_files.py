"""The room that writes: what a stranger's folder holds is never followed, waited for, or written through."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dhc.files import folder as module
from dhc.files import remove, write
from dhc.files.folder import RealFolder, UnfitError
from dhc.files.lock import hold_lock
from dhc.files.read import read_regular

Make = Callable[[Path], object]
TEXT = b"mine\n"


class Scene:
    """A folder `here` of ours, and a bystander's file and folder outside of it, which nobody may touch."""

    def __init__(self, root: Path) -> None:
        self.here, self.outside = root / "here", root / "outside"
        for folder in (self.here, self.outside, self.outside / "folder"):
            folder.mkdir()
        self.file = self.outside / "file"
        self.file.write_bytes(TEXT)
        (self.outside / "folder" / "inside").write_bytes(TEXT)
        self.before = self.state()

    def state(self) -> dict[str, tuple[object, ...]]:
        """What lies outside, to the byte."""
        return {
            str(path): (path.lstat().st_mode, path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
            for path in sorted(self.outside.rglob("*"))
        }


@pytest.fixture(params=[True, False], ids=["by descriptor", "by path, as on Windows"])
def scene(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setattr(module, "RELATIVE", request.param)
    scene = Scene(tmp_path)
    yield scene
    assert scene.state() == scene.before, "something outside was changed"


def a_link(scene: Scene, path: Path) -> None:
    path.symlink_to(scene.file)


def a_link_to_a_folder(scene: Scene, path: Path) -> None:
    path.symlink_to(scene.outside / "folder")


def a_link_to_nothing(scene: Scene, path: Path) -> None:
    path.symlink_to(scene.outside / "made-by-a-link")


def a_loop(scene: Scene, path: Path) -> None:
    path.symlink_to(path.name)


def a_pipe(scene: Scene, path: Path) -> None:
    os.mkfifo(path)


def a_socket(scene: Scene, path: Path) -> None:
    with (
        socket.socket(socket.AF_UNIX) as one,
        contextlib.chdir(path.parent),
    ):  # its address has a hundred letters at most
        one.bind(path.name)


def a_folder(scene: Scene, path: Path) -> None:
    path.mkdir()


def a_device(scene: Scene, path: Path) -> None:
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5))  # /dev/zero
    except OSError:
        pytest.skip("only root makes devices")


KINDS = {
    a_link: "a link",
    a_link_to_a_folder: "a link",
    a_link_to_nothing: "a link",
    a_loop: "a link",
    a_pipe: "a pipe",
    a_socket: "a socket",
    a_device: "a device",
    a_folder: "a folder",
}


def drafted(path: Path) -> None:
    with write.draft(path) as place:
        place.write_bytes(b"x")


def linked(path: Path) -> None:
    source = path.with_name("source")
    source.write_bytes(b"x")
    write.link(source, path)


def locked(path: Path) -> None:
    with hold_lock(path, 0):
        pass


WRITE: dict[str, Make] = {
    "append": write.append,
    "replace": lambda path: write.replace(path, lambda file: file.write(b"x")),
    "draft": drafted,
    "mark": write.mark,
    "overwrite": lambda path: write.overwrite(path, b"x"),
    "link": linked,
    "hold": locked,
}


@pytest.mark.parametrize("name", WRITE)
@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)
def test_what_is_no_file_is_refused_in_a_sentence_and_stays(
    scene: Scene, make: Callable[[Scene, Path], None], name: str
) -> None:
    path = scene.here / "events.jsonl"
    make(scene, path)
    before = path.lstat()
    with pytest.raises(
        UnfitError, match=rf"^events.jsonl in .* is {KINDS[make]}, where a file belongs: remove it and try again$"
    ):
        WRITE[name](path)
    assert path.lstat() == before
    assert {entry.name for entry in scene.here.iterdir()} <= {"events.jsonl", "source"}, "nothing half made is left"


@pytest.mark.parametrize("name", WRITE)
def test_a_folder_that_is_a_link_is_refused(scene: Scene, name: str) -> None:
    folder = scene.here / "run"
    if name == "link":
        pytest.skip("its source lies in the same folder")
    folder.symlink_to(scene.outside / "folder")
    with pytest.raises(UnfitError, match=r"^run in .* is a link, where a folder belongs"):
        WRITE[name](folder / "train.log")


@pytest.mark.parametrize("make", [make for make in KINDS if make is not a_folder], ids=lambda make: make.__name__)
def test_a_folder_is_made_through_nothing_else(scene: Scene, make: Callable[[Scene, Path], None]) -> None:
    make(scene, scene.here / "resume")
    for path in (scene.here / "resume", scene.here / "resume" / "epoch-00001"):
        with pytest.raises(UnfitError, match=rf"^resume in .* is {KINDS[make]}, where a folder belongs"):
            write.make_folder(path, below=scene.here)


def test_a_folder_is_made_with_those_above_it_and_twice_is_no_error(scene: Scene) -> None:
    path = scene.here / "a" / "b" / "c\nd"
    assert write.make_folder(path, below=scene.here) == path
    assert write.make_folder(path, below=scene.here).is_dir()
    with pytest.raises(FileExistsError):
        write.new_folder(path)


def test_the_folder_that_a_person_named_may_be_a_link(scene: Scene) -> None:
    (scene.here / "runs").symlink_to(scene.here / "disk")
    (scene.here / "disk").mkdir()
    with write.append(write.root(scene.here / "runs") / ".worker.log") as file:
        file.write(b"x")
    assert (scene.here / "disk" / ".worker.log").read_bytes() == b"x"
    with pytest.raises(UnfitError, match=r"runs in .* is a link"):
        write.append(scene.here / "runs" / ".worker.log")


def test_appending_to_a_file_with_a_second_name_leaves_the_other_as_it_is(scene: Scene) -> None:
    path = scene.here / "train.log"
    path.hardlink_to(scene.file)
    with write.append(path) as file:
        file.write(b"ours\n")
    assert path.read_bytes() == b"mine\nours\n"
    assert [entry.name for entry in scene.here.iterdir()] == ["train.log"]


def test_overwriting_a_file_with_a_second_name_is_refused(scene: Scene) -> None:
    (scene.here / "worker.json").hardlink_to(scene.file)
    with pytest.raises(UnfitError, match=r"worker.json in .* has a second name elsewhere: remove it and try again"):
        write.overwrite(scene.here / "worker.json", b"x")


def test_a_huge_file_with_a_second_name_is_refused(scene: Scene) -> None:
    twin = scene.here / "twin"
    twin.touch()
    os.truncate(twin, write.MOST_COPIED + 1)
    (scene.here / "train.log").hardlink_to(twin)
    with pytest.raises(UnfitError, match=r"train.log in .* has a second name elsewhere and is too large to be copied"):
        write.append(scene.here / "train.log")
    assert {entry.name for entry in scene.here.iterdir()} == {"twin", "train.log"}


@pytest.mark.parametrize("name", ["append", "replace", "draft", "link"])
def test_a_link_that_is_put_there_between_check_and_use_is_not_followed(
    scene: Scene, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes just after the look; what is checked again is what was opened, and renaming replaces the link itself."""
    path, look = scene.here / "best.keras", RealFolder.require_file

    def look_then_link(self: RealFolder, target: str) -> os.stat_result | None:
        status = look(self, target)
        if target == path.name and not path.is_symlink():
            path.symlink_to(scene.file)
        return status

    monkeypatch.setattr(RealFolder, "require_file", look_then_link)
    try:
        WRITE[name](path)
    except OSError:
        assert name == "append"
    else:
        assert not path.is_symlink()


def test_a_folder_that_is_exchanged_while_it_is_open_is_still_the_one_written_to(scene: Scene) -> None:
    folder = scene.here / "run"
    folder.mkdir()
    if not module.RELATIVE:
        pytest.skip("paths alone cannot do this")

    def exchange(file: object) -> None:
        folder.rename(scene.here / "away")
        folder.symlink_to(scene.outside / "folder")

    write.replace(folder / "exit.json", exchange)
    assert (scene.here / "away" / "exit.json").is_file()


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(scene: Scene) -> None:
    path = scene.here / "labels.json"
    path.write_bytes(TEXT)

    def fail(file: object) -> None:
        raise OSError(28, "No space left on device", "pixels")

    with pytest.raises(OSError, match="No space left"):
        write.replace(path, fail)
    with pytest.raises(RuntimeError), write.draft(path):
        raise RuntimeError
    assert [entry.name for entry in scene.here.iterdir()] == ["labels.json"]
    assert path.read_bytes() == TEXT


def test_an_error_of_the_system_names_the_whole_path(scene: Scene) -> None:
    with pytest.raises(FileNotFoundError) as error:
        remove.move(scene.here / "gone", scene.here / "new")
    assert error.value.filename == str(scene.here / "gone")


def test_a_new_file_is_never_an_old_one(scene: Scene) -> None:
    for make in (a_link, a_link_to_nothing, a_pipe):
        path = scene.here / make.__name__
        make(scene, path)
        with pytest.raises(FileExistsError):
            write.create(path)


def test_a_long_name_has_a_temporary_one_that_the_system_takes(scene: Scene) -> None:
    path = scene.here / ("文" * 83 + ".html")
    write.replace(path, lambda file: file.write(b"x"))
    assert path.read_bytes() == b"x"


def test_linking_a_file_to_itself_leaves_one_name(scene: Scene) -> None:
    """Renaming one name of a file to another does nothing, so a temporary name would stay for ever."""
    path, other = scene.here / "best.keras", scene.here / "saved.keras"
    path.write_bytes(TEXT)
    write.link(path, other)
    write.link(other, path)
    assert {entry.name for entry in scene.here.iterdir()} == {"best.keras", "saved.keras"}
    assert path.samefile(other)


def test_where_no_second_names_are_possible_the_file_is_copied(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    path = scene.here / "best.keras"
    path.write_bytes(TEXT)
    os.utime(path, (1, 1))
    write.link(path, scene.here / "copy")
    assert (scene.here / "copy").read_bytes() == TEXT
    assert (scene.here / "copy").stat().st_mtime == 1
    assert not path.samefile(scene.here / "copy")


@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)
def test_what_is_removed_goes_itself_and_never_what_it_leads_to(
    scene: Scene, make: Callable[[Scene, Path], None]
) -> None:
    path = scene.here / "x"
    make(scene, path)
    if make is a_folder:
        with pytest.raises(UnfitError, match=r"x in .* is a folder, where a file belongs"):
            remove.file(path)
        (path / "in").symlink_to(scene.outside / "folder")
    remove.tree(path)
    assert not os.path.lexists(path)
    make(scene, path)
    if make is not a_folder:
        remove.file(path)
        assert not os.path.lexists(path)
    remove.file(scene.here / "not there")
    remove.tree(scene.here / "not there" / "nor this")


def test_removing_through_a_folder_that_is_a_link_is_refused(scene: Scene) -> None:
    (scene.here / "resume").symlink_to(scene.outside)
    for call in (remove.file, remove.tree):
        with pytest.raises(UnfitError):
            call(scene.here / "resume" / "folder")
    with pytest.raises(UnfitError):
        remove.move(scene.here / "resume" / "file", scene.here / "file")
    remove.trees(scene.here / "resume", re.compile(".*"))
    remove.leftovers(scene.here / "resume", re.compile(".*"))


def test_only_what_bears_our_names_goes(scene: Scene) -> None:
    (scene.here / "epoch-00001").symlink_to(scene.outside / "folder")
    for name in ("epoch-00002", "photos", "epoch-3"):
        (scene.here / name / "deep").mkdir(parents=True)
    (scene.here / "epoch-00004").write_bytes(TEXT)
    remove.trees(scene.here, re.compile(r"epoch-\d{5}"))
    assert {entry.name for entry in scene.here.iterdir()} == {"photos", "epoch-3"}


def test_what_a_dead_writer_left_goes_and_what_a_living_one_writes_stays(scene: Scene) -> None:
    dead, living, other = (scene.here / write.temporary_name(name) for name in ("exit.json", "exit.json", "diary.txt"))
    pattern = write.temporary_names(r"exit\.json")
    for path in (dead, other):
        path.write_bytes(TEXT)
    (scene.here / write.temporary_name("exit.json")).symlink_to(scene.file)
    with write.create(living) as file:
        remove.leftovers(scene.here, pattern)
        assert not dead.exists()
        assert living.exists()
        assert other.exists()
        file.write(b"x")
    assert len(list(scene.here.iterdir())) == 3, "links are no leftovers of ours"
    remove.leftovers(scene.here, pattern)
    assert not living.exists()


def test_moving_never_replaces_anything(scene: Scene) -> None:
    (scene.here / "a").mkdir()
    (scene.here / "b").symlink_to("nowhere")
    with pytest.raises(FileExistsError):
        remove.move(scene.here / "a", scene.here / "b")
    remove.move(scene.here / "b", scene.here / "a" / "b")
    assert (scene.here / "a" / "b").is_symlink()


@pytest.mark.skipif(os.geteuid() == 0, reason="root is refused nothing")
def test_a_folder_that_cannot_be_written_to(scene: Scene) -> None:
    scene.here.chmod(0o500)
    with pytest.raises(PermissionError):
        write.mark(scene.here / "stop.request")
    scene.here.chmod(0o700)


def test_a_file_that_was_written_can_be_read(scene: Scene) -> None:
    path = scene.here / "a\nb"
    write.replace(path, lambda file: file.write(TEXT))
    write.mark(path)
    assert read_regular(path, 10) == TEXT
    with write.append(path) as file:
        file.write(TEXT)
    assert read_regular(path, 10) == 2 * TEXT
