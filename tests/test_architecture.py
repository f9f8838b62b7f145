"""Which room may import which, and what never enters the web server's process."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Room → the rooms it may import, besides itself. Data flows from top to bottom; nothing imports against it.
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "files": {"errors"},
    "text": set(),
    "config": {"errors", "text"},
    "machine": {"config", "errors"},
    "data": {"config", "errors", "files", "machine", "text"},
    "importing": {"data", "errors", "files", "text"},
    "models": {"config", "errors", "machine"},
    "runs": {"config", "errors", "files", "text"},
    "training": {"config", "data", "errors", "files", "machine", "models", "predict", "runs", "text"},
    "jobs": {"config", "data", "errors", "files", "machine", "models", "runs", "text"},
    "cluster": {"config", "data", "errors", "files", "jobs", "machine", "runs", "text"},
    "analysis": {"config", "errors", "models", "runs", "text"},
    "lessons": set(),
    "teaching": {"config", "errors", "files", "lessons", "models", "runs", "text"},
    "figures": {"analysis", "lessons", "runs", "text"},
    "explain": {"models"},
    "predict": {"analysis", "config", "data", "errors", "explain", "files", "machine", "models", "runs", "text"},
    "export": {"analysis", "config", "data", "errors", "files", "figures", "runs", "text"},
    "ui": {
        *(
            "analysis",
            "cluster",
            "config",
            "data",
            "errors",
            "export",
            "figures",
            "files",
            "importing",
            "jobs",
            "lessons",
            "machine",
            "models",
        ),
        *("runs", "teaching", "text"),
    },
    "cli": {
        "analysis",
        "cluster",
        "config",
        "data",
        "errors",
        "export",
        "files",
        "importing",
        "jobs",
        "machine",
        "models",
        "predict",
        "runs",
        "text",
    },
    "__main__": {"cli"},
    "pages": {"ui"},
}
# Rooms of dhc/ui from the lowest floor up; each imports only what lies below its own floor.
FLOORS = (
    {"widgets"},
    {"shell"},
    {"answers", "train"},
    {"data", "demo", "ladder", "manage", "map", "network", "predict", "review"},
    {"live", "runs", "home", "lessons"},
    {"walk", "teach", "machines"},
)
WRITERS_ONLY = {"keras", "tensorflow", "jax", "torch"}
READERS_ONLY = {"streamlit", "plotly"}
ON_DEMAND = {
    "tensorboard",
    "mlflow",
    "optuna",
    "ray",
    "submitit",
}  # optional, and loaded only while something is exported or asked for
# Calls that make, change or remove something on disk; only `dhc/files/` may make them.
WRITING = re.compile(
    r"mk(dir|dtemp|fifo|nod|stemp)|makedirs|rm(dir|tree)|unlink|touch|chmod|utime|(sym|hard)link(_to)?|write_(bytes|text)"
    r"|save(txt|z|z_compressed)?|to(file|_pickle|_parquet)|imwrite|FileLock|(Named)?TemporaryFile|TemporaryDirectory"
)
WRITING_OF_OS = re.compile(r"link|open|remove(dirs)?|renames?|replace|truncate")
WRITING_OF_SHUTIL = re.compile(r"copy\w*|move")
MAY_WRITE = {
    "dhc/cluster/ray_actor.py: tempfile.TemporaryFile()": "without a name, on a node that cannot import the room",
    "dhc/cluster/record.py: cluster.save(rundir.cluster_file(runs_dir, engine))": "likewise",
    "dhc/cluster/trial.py: trial.save(_file(runs_dir, name))": "likewise",
    "dhc/jobs/announcement.py: record.save(self._path)": "a record writes itself through the room (dhc/runs/lenient.py)",
    "dhc/jobs/task.py: Job(**identity, asked_at=time.time()).save(self.record)": "likewise",
    "dhc/jobs/task.py: Job(asked_at=time.time()).save(self.record)": "likewise",
    "dhc/cli/score.py: score.save(out.parent.resolve() / out.name)": "likewise",
    "dhc/runs/lenient.py: self.save(folder / self.FILE)": "likewise",
    "dhc/runs/views.py: Views(views=views).save(folder / FILE)": "likewise",
    "dhc/teaching/classrooms.py: _File(classes=classrooms).save(folder / FILE)": "likewise",
    "dhc/ui/shell/announced.py: _File(views=(*_alive(folder), view)[-MOST:]).save(folder / FILE)": "likewise",
    "dhc/training/validation.py: network.save(place)": "Keras saves by a path: into a draft of the room",
    "dhc/runs/dynamics.py: np.save(file, array)": "into a file that the room has opened",
    "dhc/runs/epoch_maps.py: np.savez(file, **values)": "into a file that the room has opened",
    "dhc/runs/features.py: np.savez(file, **values)": "into a file that the room has opened",
    "dhc/runs/picture_map.py: np.savez(file, **values)": "into a file that the room has opened",
    "dhc/runs/histograms.py: np.savez(file, **values)": "into a file that the room has opened",
    "dhc/runs/predictions.py: np.savez(file, **values)": "into a file that the room has opened",
    "dhc/training/resume.py: np.savez(file, **values)": "into a file that the room has opened",
    "dhc/machine/priority.py: AUTOGROUP.write_bytes(b'%d' % level)": "a file of the kernel's, about this process",
}
# Modules that start processes; `dhc.files.gate` refuses what they do in a server that only reads.
STARTING = {"subprocess", "multiprocessing", "concurrent.futures.ProcessPoolExecutor", "pty", "asyncio.subprocess"}
MAY_START = {
    "dhc/cluster/ray_actor.py": "a run's attendant, on a node of a Ray cluster",
    "dhc/cluster/attendant.py": "a run's training, on a machine of a cluster",
    "dhc/cluster/slurm_jobs.py": "asks Slurm",
    "dhc/jobs/process.py": "workers and tasks",
    "dhc/jobs/spare.py": "a training before its run",
    "dhc/jobs/warm.py": "the helper process",
    "dhc/jobs/worker.py": "a run's training",
    "dhc/machine/hardware.py": "asks nvidia-smi",
    "dhc/training/results.py": "asks git for the commit",
    "dhc/data/standin/generate.py": "draws on all cores",
    "dhc/ui/runs/compare/export.py": "quotes a command line",
}
# Calls that change something without Python's reporting it, so that the gate would not see them.
UNSEEN = re.compile(r"mkfifo|mknod|imwrite\w*|to_parquet|to_feather|fork_exec|copy_file_range")
MAY_IMPORT_KERAS = {
    "dhc/models/affine.py",
    "dhc/models/build.py",
    "dhc/models/chain.py",
    "dhc/models/execution.py",
    "dhc/models/fused.py",
    "dhc/models/initial.py",
    "dhc/models/losses.py",
    "dhc/models/muon.py",
    "dhc/models/pipeline.py",
    "dhc/models/sharpness.py",
    "dhc/models/xla.py",
    "dhc/training/backend.py",
    "dhc/training/batches.py",
    "dhc/training/changes.py",
    "dhc/training/dynamics.py",
    "dhc/training/junction.py",
    "dhc/training/health.py",
    "dhc/training/loop.py",
    "dhc/training/observers.py",
    "dhc/training/patience.py",
    "dhc/training/probe.py",
    "dhc/training/resume.py",
    "dhc/training/search.py",
    "dhc/training/stopping.py",
    "dhc/training/telemetry.py",
    "dhc/training/validation.py",
    "dhc/predict/between.py",
    "dhc/predict/network.py",
    "dhc/explain/layers.py",
    "dhc/explain/maps.py",
    "dhc/explain/parts.py",
    "dhc/explain/walk.py",
}


def modules(folder: str = "") -> list[Path]:
    """The product's Python files, those below `folder` only where one is named."""
    files = [ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py")), *sorted((ROOT / "dhc").rglob("*.py"))]
    return [path for path in files if path.is_relative_to(ROOT / folder)]


def room(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return Path(parts[1]).stem if parts[0] == "dhc" and len(parts) > 1 else "pages"


@functools.cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """What a module is made of; each is parsed once for all that is asked of it."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


@functools.cache
def imports(path: Path) -> frozenset[str]:
    """Every dotted module name that the file imports, anywhere in it."""
    found: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def wrong_imports(paths: Iterable[Path], wrong: Callable[[Path], set[str]]) -> dict[str, set[str]]:
    """File → what it imports and must not, of the files that do."""
    return {str(path.relative_to(ROOT)): names for path in paths if (names := wrong(path))}


def test_no_import_runs_against_the_flow() -> None:
    def wrong(path: Path) -> set[str]:
        used = {name.split(".")[1] for name in imports(path) if name.startswith("dhc.")} - {room(path)}
        return used - ALLOWED[room(path)]

    package = ROOT / "dhc" / "__init__.py"
    assert not imports(package)
    assert not wrong_imports(set(modules()) - {package}, wrong)


def test_no_room_of_the_screens_imports_one_beside_or_above_it() -> None:
    def wrong(path: Path) -> set[str]:
        here = Path(path.relative_to(ROOT / "dhc" / "ui").parts[0]).stem
        used = {name.split(".")[2] for name in imports(path) if name.startswith("dhc.ui.")} - {here}
        return used - {room for floor in FLOORS[: floor_of(here)] for room in floor}

    assert not wrong_imports(modules("dhc/ui"), wrong)


def floor_of(room: str) -> int:
    """The floor of a room of dhc/ui, from 0; the package itself imports nothing."""
    return next((number for number, rooms in enumerate(FLOORS) if room in rooms), 0)


def test_nobody_imports_training() -> None:
    writers = [path for path in modules() if any(name.startswith("dhc.training") for name in imports(path))]
    assert {room(path) for path in writers} == {"training"}


def test_keras_and_streamlit_stay_on_their_side_of_the_wall() -> None:
    def wrong(path: Path) -> set[str]:
        heavy = {name.split(".")[0] for name in imports(path)}
        keras = set() if str(path.relative_to(ROOT)) in MAY_IMPORT_KERAS else heavy & WRITERS_ONLY
        return keras | (set() if room(path) in ("ui", "figures", "pages") else heavy & READERS_ONLY)

    assert not wrong_imports(modules(), wrong)


def loaded_by(code: str) -> set[str]:
    """Top-level names in sys.modules of a fresh process after `code`."""
    script = f"{code}\nimport sys; print(' '.join(sorted({{name.split('.')[0] for name in sys.modules if sys.modules[name]}})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split("\n")[-2].split())


def names(*rooms: str) -> list[str]:
    """Dotted names of all modules in the given rooms."""
    paths = [path for path in modules() if room(path) in rooms and path.name != "__main__.py"]
    dotted = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths]
    return [name for name in dotted if f"{name.replace('.', '/')}.py" not in MAY_IMPORT_KERAS]


def test_the_reader_side_never_loads_a_framework_and_importing_it_does_no_work() -> None:
    """Nothing is written and no process started by importing the whole library."""

    def lying_here() -> set[Path]:
        return {path for path in ROOT.iterdir() if not path.name.startswith(".")}  # caches of other tests may come

    before = lying_here()
    rooms = (
        "config",
        "data",
        "runs",
        "jobs",
        "analysis",
        "figures",
        "export",
        "ui",
        "cli",
        "machine",
        "predict",
        "lessons",
        "teaching",
    )
    code = "; ".join(f"import {name}" for name in names(*rooms))
    assert not loaded_by(code) & (WRITERS_ONLY | ON_DEMAND)
    assert lying_here() == before


def test_listing_runs_loads_neither_framework_nor_streamlit(tmp_path: Path) -> None:
    code = f"import dhc.cli as c; c.cli(['runs', 'list', '--runs', {str(tmp_path)!r}], standalone_mode=False)"
    assert not loaded_by(code) & (WRITERS_ONLY | READERS_ONLY)


@pytest.mark.slow
def test_the_training_process_loads_nothing_of_the_reader() -> None:
    assert not loaded_by("import dhc.training.loop, dhc.training.__main__") & READERS_ONLY


def test_no_assert_does_work_and_no_text_is_read_or_written_in_the_machines_own_code() -> None:
    """`python -O` leaves asserts out; on Windows a file or a process without an encoding speaks the console's code page."""

    def wrong(path: Path) -> set[str]:
        calls = [call for node in nodes(path) if isinstance(node, ast.Assert) for call in ast.walk(node.test)]
        working = {ast.unparse(call) for call in calls if isinstance(call, ast.Call) and _name(call) not in QUESTIONS}
        return working | {
            ast.unparse(node) for node in nodes(path) if isinstance(node, ast.Call) and _is_of_no_code(node)
        }

    assert not wrong_imports(modules(), wrong)


QUESTIONS = {"isinstance", "keys", "len", "lower"}  # calls that change nothing
BINARY = {"'rb'", "'wb'", "'ab'", "'xb'", "'r+b'"}


def _name(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def _is_of_no_code(call: ast.Call) -> bool:
    """Whether a call reads or writes text without saying in which encoding."""
    given, words = {keyword.arg for keyword in call.keywords}, ast.unparse(call.func)
    if (name := words.rpartition(".")[2]) in ("read_text", "write_text"):
        return "encoding" not in given and len(call.args) < (1 if name == "read_text" else 2)
    if words in ("open", "os.fdopen", "io.open"):
        modes = [*call.args[:2], *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
        return "encoding" not in given and not {ast.unparse(mode) for mode in modes} & BINARY
    return words.startswith("subprocess.") and bool(given & {"text", "universal_newlines"})


def test_only_the_room_of_files_writes() -> None:
    """Whatever lies in a run folder, a cache, the trash or where an export goes may be a stranger's link."""
    calls = {
        f"{path.relative_to(ROOT).as_posix()}: {ast.unparse(node)}"
        for path in modules()
        if room(path) != "files"
        for node in nodes(path)
        if writes(node)
    }
    assert calls == set(MAY_WRITE)


def test_processes_are_started_in_a_few_places_and_nothing_escapes_the_gate() -> None:
    """Of what starts, writes and ends, a read-only view refuses what Python reports: nothing here may go another way."""
    starting = {path for path in modules() if any(_starts(name) for name in imports(path))}
    assert {path.relative_to(ROOT).as_posix() for path in starting} == set(MAY_START)

    def wrong(path: Path) -> set[str]:
        return {
            ast.unparse(node) for node in nodes(path) if isinstance(node, ast.Call) and UNSEEN.fullmatch(_name(node))
        }

    assert not wrong_imports(modules(), wrong)


def _starts(name: str) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in STARTING)


SEEN = """path.open('w'); open(path, mode='ab'); path.open(mode); open(path, 'r+'); io.open(path, 'x'); os.open(path, flags)
path.rename(other); path.replace(other); os.replace(a, b); shutil.move(a, b); shutil.rmtree(path); path.mkdir(); os.remove(path)
network.save(path); np.savez(path, x=1); FileLock(path); from os import unlink; from shutil import copytree as copy"""
NOT_MEANT = (
    "path.open('rb'); text.replace(a, b); frame.rename(columns=names); archive.open(name); open(path); table.copy()"
)


def test_each_call_that_writes_is_seen_and_none_that_only_reads() -> None:
    assert [
        ast.unparse(node) for node in ast.parse(SEEN).body if not any(writes(part) for part in ast.walk(node))
    ] == []
    assert [ast.unparse(node) for node in ast.walk(ast.parse(NOT_MEANT)) if writes(node)] == []


def writes(node: ast.AST) -> bool:
    """Whether a call makes, changes or removes something on disk, or an import hides such calls from this test."""
    if isinstance(node, ast.ImportFrom) and node.module in ("os", "shutil", "tempfile"):
        every = (WRITING, WRITING_OF_OS, WRITING_OF_SHUTIL)
        return any(pattern.fullmatch(alias.name) for pattern in every for alias in node.names)
    if not isinstance(node, ast.Call):
        return False
    owner, _, name = ast.unparse(node.func).rpartition(".")
    if name == "open":
        return owner == "os" or bool(set("wax+") & set(_mode(node, of_path=owner not in ("", "io"))))
    if name in ("rename", "replace") and owner not in ("os", "remove"):
        return len(node.args) == 1 and not node.keywords  # a text's and a table's have other arguments
    further = {"os": WRITING_OF_OS, "shutil": WRITING_OF_SHUTIL}.get(owner, WRITING)
    return bool(WRITING.fullmatch(name) or further.fullmatch(name))


def _mode(call: ast.Call, *, of_path: bool) -> str:
    """The mode in which a call opens, "w" for one that this test cannot read; of a method, unless that seems to take a name."""
    values = [keyword.value for keyword in call.keywords if keyword.arg == "mode"] or call.args[0 if of_path else 1 :][
        :1
    ]
    if not values:
        return "r"
    if isinstance(values[0], ast.Constant):
        return str(values[0].value)
    return "w" if not of_path or "mode" in ast.unparse(values[0]) else "r"
