"""Table → pixels: pictures are decoded once, on all cores, and memory-mapped afterwards.
The cache follows the files: before anything is trusted each file's size and times are compared, and only what is new or
changed is decoded again.
"""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dhc.data import cache, memory
from dhc.data.columns import PICTURE_ENDINGS
from dhc.data.files import FileState, inside, stat_files
from dhc.data.layout import Dataset, Split
from dhc.errors import DataError
from dhc.files import gate
from dhc.machine.cores import cores
from dhc.text import quote

SIZE = cache.SIZE
CHUNK = 64  # pictures a task: large enough to hide a task's cost, small enough that two cores end together
CALLS_PER_SECOND = 10
# A file written within so many ns of its being read may change again without a new time on it (file systems count time
# in ticks of up to 10 ms), so it is read once more at the next opening. Git calls such files racy.
TICK_NS = 100_000_000

ProgressCallback = Callable[[int, int], None]  # of the pictures so far and of all
_building = threading.Lock()  # two builders in one process would only share the same cores


@dataclass(frozen=True)
class BadPicture:
    """A listed picture that cannot be read.

    ``reason`` ends a sentence that begins with its name.
    """

    file: str
    reason: str


@dataclass(frozen=True, eq=False)
class Pictures:
    """The readable pictures of one split, in the order of its CSV; others are in ``bad``.
    ``ids``: (N,) str, files as in ``Split.files``. ``x``: (N, 64, 64, 3) uint8 RGB in 0–255, memory-mapped, read-only.
    ``y``: (N,) int64 index into ``Dataset.classes``, None for a test split without labels. ``conversions``: what was
    converted in which files. ``digest``: hex digits that stand for all pixels of the split as it was read.
    """

    ids: np.ndarray
    x: np.ndarray
    y: np.ndarray | None
    bad: tuple[BadPicture, ...]
    conversions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    digest: str = ""


def files_by_conversion(splits: Iterable[Pictures]) -> dict[str, list[str]]:
    """The files of splits by what was converted in them."""
    files: dict[str, list[str]] = defaultdict(list)
    for split in splits:
        for file, kinds in split.conversions.items():
            for kind in kinds:
                files[kind].append(file)
    return dict(files)


def load_pictures(
    dataset: Dataset, split: str, *, skip_bad: bool = False, progress: ProgressCallback | None = None
) -> Pictures:
    """The pictures of ``split``, decoded or from the cache.

    ``progress(done, total)`` counts pictures, at most ten times a second, and ends with (total, total).
    Raises DataError where the data set has no such split, where no picture can be read, where one cannot be read and
    ``skip_bad`` is False (it names the first, and how many more), and where there is no place for the cache.
    """
    table = dataset.splits.get(split)
    if table is None:
        raise DataError(f"{dataset.root} has no split {split}, only {', '.join(dataset.splits)}; add {split}.csv.")
    cached_split = _current(dataset, table) or _build(dataset, table, progress)
    bad = tuple(BadPicture(file, cached_split.reasons[file]) for file in table.files if file in cached_split.reasons)
    if bad and (not skip_bad or not len(cached_split.x)):
        raise DataError(_refusal(table, bad))
    if progress is not None:
        progress(len(table.files), len(table.files))
    ids, y = np.array(table.files), table.y
    if bad:
        good = np.array([file not in cached_split.reasons for file in table.files])
        ids, y = ids[good], None if y is None else y[good]
    return Pictures(ids, cached_split.x, y, bad, cached_split.conversions, cached_split.digest)


def _refusal(split: Split, bad: Sequence[BadPicture]) -> str:
    more = f" (and {len(bad) - 1:,} more of the {len(split.files):,} {split.name} pictures)" if len(bad) > 1 else ""
    what = f"{quote(bad[0].file)} cannot be read{more}: {bad[0].reason}"
    if len(bad) == len(split.files):
        return f"{what}; no {split.name} picture can be read."
    return (
        f"{what}; mend it, take its row out of {split.table.name}, or switch on “Leave out unreadable pictures” on Train "
        "(data.skip_bad)."
    )


class _Job(NamedTuple):
    """One listed file: its state, and its old row, conversions or reason where the state is as before."""

    file: str
    state: FileState | None
    row: int | None = None
    reason: str | None = None
    conversions: tuple[str, ...] = ()


def _current(dataset: Dataset, split: Split) -> cache.CachedSplit | None:
    """The cached split where it is what the files hold now."""
    on_disk = (cache.read(folder, split.name, len(split.files)) for folder in cache.folders(dataset.root))
    caches = (*on_disk, memory.read(dataset.root, split.name))
    candidates = [entry for entry in caches if entry is not None and entry.files == split.files]
    states = tuple(stat_files(dataset.pictures, split.files)) if candidates else ()
    return next((entry for entry in candidates if entry.states == states), None)


def _build(dataset: Dataset, split: Split, progress: ProgressCallback | None) -> cache.CachedSplit:
    """Decode what is new or changed, copy the rest from the old cache, and make that the cache."""
    with _building:
        ready = _current(dataset, split)  # another thread may have built it while this one waited
        if ready is not None:
            return ready
        old = next(
            filter(None, (cache.read(folder, split.name, len(split.files)) for folder in cache.folders(dataset.root))),
            None,
        )
        jobs = _jobs(split.files, stat_files(dataset.pictures, split.files), old)
        if gate.is_shut():  # this process may write nowhere
            with memory.Writer(dataset.root, split.name, len(jobs)) as collector:
                return _fill(collector, dataset.pictures, jobs, old, progress)
        failures = []
        for folder in cache.folders(dataset.root):
            try:
                with cache.Writer(folder, split.name, len(jobs)) as writer:
                    return _fill(writer, dataset.pictures, jobs, old, progress)
            except cache.CacheError as error:
                failures.append(f"{folder} ({error})")
    size = len(jobs) * SIZE * SIZE * 3 >> 20
    raise DataError(
        f"The decoded pictures need {size:,} MB in {' or '.join(failures)}; make room or allow writing there."
    )


def _jobs(files: Sequence[str], states: Sequence[FileState | None], old: cache.CachedSplit | None) -> list[_Job]:
    if old is None:
        return [_Job(file, state) for file, state in zip(files, states, strict=True)]
    good = np.array([file not in old.reasons for file in old.files])
    rows = np.where(good, np.cumsum(good) - 1, -1).tolist()
    old_entries = {file: (state, row) for file, state, row in zip(old.files, old.states, rows, strict=True)}
    jobs = []
    for file, state in zip(files, states, strict=True):
        before, row = old_entries.get(file, (None, -1))
        same = state is not None and state == before
        if same:
            old_row, conversions = row if row >= 0 else None, old.conversions.get(file, ())
            jobs.append(_Job(file, state, old_row, old.reasons.get(file), conversions))
        else:
            jobs.append(_Job(file, state))
    return jobs


def _fill(
    writer: cache.Writer | memory.Writer,
    root: Path,
    jobs: Sequence[_Job],
    old: cache.CachedSplit | None,
    progress: ProgressCallback | None,
) -> cache.CachedSplit:
    """Run the jobs on all cores and append their pictures in the jobs' order."""
    from dhc.data.picture import single_threaded  # cv2: 0.1 s and 40 MB that an opening from the cache does without

    states: list[FileState | None] = []
    reasons: dict[str, str] = {}
    conversions: dict[str, tuple[str, ...]] = {}
    report = _throttled(progress, len(jobs))
    workers = cores()
    with single_threaded(), ThreadPoolExecutor(workers) as pool:
        for chunk, rows, outcomes in _in_order(pool, root, jobs, old, window=3 * workers):
            writer.append(rows)
            states += [outcome.state for outcome in outcomes]
            reasons |= {job.file: o.reason for job, o in zip(chunk, outcomes, strict=True) if o.reason is not None}
            conversions |= {job.file: o.conversions for job, o in zip(chunk, outcomes, strict=True) if o.conversions}
            report(len(states))
    return writer.finish([job.file for job in jobs], states, reasons, conversions)


class _Outcome(NamedTuple):
    """The state that the reading holds for, why there is no picture, and what was converted."""

    state: FileState | None
    reason: str | None = None
    conversions: tuple[str, ...] = ()


_Result = tuple[Sequence[_Job], np.ndarray, list[_Outcome]]  # jobs; (good, 64, 64, 3) uint8; an outcome a job


def _in_order(
    pool: ThreadPoolExecutor, root: Path, jobs: Sequence[_Job], old: cache.CachedSplit | None, window: int
) -> Iterator[_Result]:
    """Results of all jobs, chunk by chunk in order, with at most ``window`` chunks in memory."""
    pending: deque[Future[_Result]] = deque()
    rest = iter(jobs)
    while chunk := list(islice(rest, CHUNK)):
        pending.append(pool.submit(_run, root, chunk, old))
        if len(pending) >= window:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()


def _run(root: Path, jobs: Sequence[_Job], old: cache.CachedSplit | None) -> _Result:
    rows = np.empty((len(jobs), *cache.SHAPE), dtype=np.uint8)
    outcomes: list[_Outcome] = []
    good = 0
    for job in jobs:
        if job.row is not None and old is not None:
            rows[good] = old.x[job.row]
            outcome = _Outcome(job.state, None, job.conversions)
        elif job.reason is not None:
            outcome = _Outcome(job.state, job.reason)
        else:
            outcome = _read(root, job, rows[good])
        good += outcome.reason is None
        outcomes.append(outcome)
    return jobs, rows[:good], outcomes


def _read(root: Path, job: _Job, out: np.ndarray) -> _Outcome:
    """Decode one file into ``out`` (64, 64, 3), or say why not."""
    from dhc.data.formats import PictureError
    from dhc.data.picture import decode, read_bytes

    if job.state is None:
        return _Outcome(None, _absence(root, job.file))
    settled = job.state if _settled(job.state) else cache.UNSETTLED
    try:
        out[:], conversions = decode(read_bytes(f"{root}/{job.file}"))
    except PictureError as error:
        return _Outcome(settled, str(error))
    except PermissionError:
        return _Outcome(settled, "reading it is not permitted")
    except OSError as error:  # the disk's or the moment's fault: look again next time
        return _Outcome(cache.UNSETTLED, f"the system could not read it ({error.strerror or error})")
    return _Outcome(settled, None, conversions)


def _settled(state: FileState) -> bool:
    """False when the file is so new that another change might leave its state as it is."""
    changed_at = state.mtime_ns if os.name == "nt" else state.ctime_ns
    return abs(time.time_ns() - changed_at) > TICK_NS


def _absence(root: Path, file: str) -> str:
    """Why a listed file has no state."""
    folder = file.rpartition("/")[0]
    try:
        if not inside(root, file):
            return "it is a link that leads out of the data folder"
        if (root / file).exists():
            return "it is not a file"
        ending = _other_ending(root, file)
    except (OSError, RuntimeError, UnicodeError) as error:  # a name that this system cannot have, a loop of links
        return f"there cannot be such a file in {folder}/ ({getattr(error, 'strerror', None) or error})"
    hint = f", but there is one that ends in {ending}: the table must name that ending" if ending else ""
    return f"there is no such file in {folder}/{hint}"


def _other_ending(root: Path, file: str) -> str | None:
    """The ending of a picture whose name is else the missing file's."""
    stem = file.rpartition(".")[0] if file.lower().endswith(PICTURE_ENDINGS) else file
    endings = (spelling for ending in PICTURE_ENDINGS for spelling in (ending, ending.upper()))
    return next((ending for ending in endings if (root / f"{stem}{ending}").exists()), None)


def _throttled(progress: ProgressCallback | None, total: int) -> Callable[[int], None]:
    """``progress`` as a function of the pictures so far, that lets ten calls a second through."""
    last = 0.0

    def report(count: int) -> None:
        nonlocal last
        now = time.monotonic()
        if progress is not None and count < total and now - last >= 1 / CALLS_PER_SECOND:
            last = now
            progress(count, total)

    return report
