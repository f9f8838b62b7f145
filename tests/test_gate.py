"""A process that only reads: whatever could change something is tried in one whose gate is shut."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest
from faults.house import prints
from test_architecture import ROOT

# Every public function of the rooms that write, and of those that start and end processes, as it would be called.
CALLS = {
    "write.root": "write.root(here / 'new' / 'folder')",
    "write.new_folder": "write.new_folder(here / 'new')",
    "write.private_folder": "write.private_folder(here / 'new')",
    "write.make_folder": "write.make_folder(here / 'new')",
    "write.create": "write.create(here / 'new')",
    "write.mark": "write.mark(here / 'new')",
    "write.append": "write.append(here / 'file')",
    "write.overwrite": "write.overwrite(here / 'file', b'x')",
    "write.replace": "write.replace(here / 'file', lambda file: file.write(b'x'))",
    "write.text": "write.text(here / 'file', 'x')",
    "write.draft": "write.draft(here / 'new').__enter__()",
    "write.link": "write.link(here / 'file', here / 'new')",
    "remove.file": "remove.file(here / 'file')",
    "remove.empty_folder": "remove.empty_folder(here / 'empty')",
    "remove.tree": "remove.tree(here / 'folder')",
    "remove.move": "remove.move(here / 'file', here / 'new')",
    "target.put": "target.put(here / 'new', b'x')",
    "lock.hold_lock": "lock.hold_lock(here / 'file', 0).__enter__()",
    "process.spawn": "process.spawn(['true'], log=here / 'file')",
    "write.nameless": "write.nameless()",
    "process.prepare": "process.prepare(['true'], output=open(os.devnull, 'wb'), env={})",
    "process.detach": "process.detach(['true'], log=here / 'file')",
    "warm.Warm": "warm.Warm().ask('ping')",
    "warm.HelperProcess": "warm.HelperProcess(['true'])",
}
# These let go what the system refuses, and change nothing either; or they only compute.
SILENT = {
    "remove.trees": "remove.trees(here, re.compile('.*'))",
    "remove.leftovers": "remove.leftovers(here, re.compile('.*'))",
}
HARMLESS = {
    *("write.temporary_name", "write.temporary_names", "target.refuse", "process.python", "process.worker_module"),
    "warm.HelperError",
}
# Ways around our rooms, as a library might take them.
DETOURS = (
    "open(here / 'new', 'w')",
    "open(here / 'file', 'r+b')",
    "os.open(here / 'new', os.O_CREAT | os.O_RDWR)",
    "os.open('new', os.O_CREAT | os.O_WRONLY, dir_fd=os.open(here, os.O_RDONLY))",
    "(here / 'file').write_text('x')",
    "(here / 'file').unlink()",
    "(here / 'file').rename(here / 'new')",
    "(here / 'file').touch()",
    "(here / 'file').chmod(0o600)",
    "(here / 'new').symlink_to(here / 'file')",
    "(here / 'new').hardlink_to(here / 'file')",
    "os.truncate(here / 'file', 0)",
    "os.utime(here / 'file')",
    "shutil.rmtree(here / 'folder')",
    "shutil.copytree(here / 'folder', here / 'new')",
    "shutil.move(here / 'file', here / 'new')",
    "tempfile.TemporaryFile(dir=here)",
    "np.save(here / 'new.npy', np.zeros(3))",
    "np.memmap(here / 'file', np.uint8, 'r+')",
    "np.zeros(3).tofile(here / 'new')",
    "zipfile.ZipFile(here / 'new', 'w')",
    "sqlite3.connect(here / 'new')",
    "fcntl.flock(os.open(here / 'file', os.O_RDONLY), fcntl.LOCK_EX)",
    "subprocess.run(['true'])",
    "subprocess.run(['./nvidia-smi'], cwd=here)",
    "os.system('true')",
    "os.fork()",
    "os.posix_spawn('/bin/true', ['true'], {})",
    "multiprocessing.get_context('spawn').Process(target=print).start()",
    "multiprocessing.get_context('fork').Process(target=print).start()",
    "concurrent.futures.ProcessPoolExecutor(1).submit(print).result()",
    "os.kill(os.getppid(), 9)",
    "os.killpg(os.getpgid(os.getppid()), 9)",
)
OF_PSUTIL = ("psutil.Process(os.getppid()).kill()", "psutil.Process(os.getppid()).suspend()")  # in words of its own
READINGS = (
    "open(here / 'file').read()",
    "os.open(here / 'folder', os.O_RDONLY)",
    "np.memmap(here / 'file', np.uint8, 'r')",
    "psutil.pid_exists(1)",
    "psutil.Process().cpu_times()",
    "open(os.devnull, 'w')",
    "shutil.which('nvidia-smi')",
    "__import__('wave')",
)
SCRIPT = """
import concurrent.futures, fcntl, json, multiprocessing, os, re, shutil, sqlite3, subprocess, sys, tempfile, zipfile
from pathlib import Path
import numpy as np, psutil
from dhc.files import gate, lock, remove, target, write
from dhc.jobs import process, warm
here = Path(sys.argv[1])
tempfile.gettempdir()
gate.shut()
def outcome(call):
    try:
        eval(call)
    except gate.ReadOnlyError as error:
        return str(error)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return "done"
calls = json.loads(sys.stdin.read())
print(json.dumps({"children": len(psutil.Process().children(recursive=True)), "said": {call: outcome(call) for call in calls},
                  "after": len(psutil.Process().children(recursive=True))}))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="tries POSIX's calls")
def test_a_process_that_only_reads_changes_starts_and_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "file", tmp_path / "folder" / "inside"):
        path.write_bytes(b"mine\n")
    before = prints(tmp_path)
    calls = [*CALLS.values(), *SILENT.values(), *DETOURS, *OF_PSUTIL, *READINGS]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        input=json.dumps(calls),
        capture_output=True,
        encoding="utf-8",
        cwd=ROOT,
        check=True,
    )
    answer = json.loads(done.stdout)
    said = answer["said"]
    assert all(said.pop(call).startswith("AccessDenied") for call in OF_PSUTIL)
    others = {call: words for call, words in said.items() if "read-only view" not in words}
    assert others == dict.fromkeys((*SILENT.values(), *READINGS), "done")
    assert prints(tmp_path) == before
    assert answer["children"] == answer["after"] == 0


def test_no_function_that_writes_or_starts_a_process_is_forgotten_above() -> None:
    from dhc.files import lock, remove, target, write
    from dhc.jobs import process, warm

    public = {
        f"{module.__name__.rpartition('.')[2]}.{name}"
        for module in (lock, remove, target, write, process, warm)
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__ and _is_called(value)
    }
    assert public == {*CALLS, *SILENT, *HARMLESS}


def _is_called(value: object) -> bool:
    return inspect.isfunction(value) or inspect.isclass(value)
