"""The stand-in data set: generated pictures in the competition's shape and layout.
The folder appears at once and whole: everything is written into `<root>.partial`, which is renamed at the end.
`<root>.partial/progress.json` tells other processes how far the work is: {"done", "total", "pid", "started"}.
"""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for_end
from pathlib import Path

import cv2
import numpy as np

from dhc.data.about import ABOUT, STAND_IN
from dhc.data.decode import ProgressCallback
from dhc.data.draft import whole_or_nothing
from dhc.data.places import SPLITS
from dhc.data.standin.draw import draw_pictures
from dhc.data.standin.labels import SLIPS, SplitRows, split_rows
from dhc.data.standin.palettes import CLASSES
from dhc.files import write

VERSION = 1
_BATCH = 64  # pictures drawn together; part of what a seed means, for each batch has a random stream of its own
_MAX_WORKERS = 8  # more would start up for longer than they draw
_WORTH_A_POOL = 1500  # pictures; below this, starting processes takes longer than drawing

_README = """Generated pictures: a stand-in, not the competition's data.

These {total} pictures of {classes} classes were drawn by `python -m dhc data make` (drawing version {version}, seed {seed}).
They have the shape of the Kaggle competition "Deep Hallucination Classification" - its layout, picture size and class
frequencies - but none of its pictures, and results on them are not results on the competition's.

train.csv, val.csv    Image,Class        pictures in train_images/, val_images/
test.csv              Image              pictures in test_images/
test_labels.csv       Image,Class        kept apart, for scoring only

A class is a motif in a colour ("spiral amber"). Classes of one motif are look-alikes, and about {slips:.0%} of the pictures
show a look-alike of their label, so no network can reach 100%.
"""


@dataclass(frozen=True)
class Batch:
    """Pictures of one class that are drawn together; picklable, for the worker processes."""

    seed: int
    split: int
    label: int
    number: int
    files: tuple[str, ...]


def make_dataset(
    root: Path,
    *,
    classes: int = 96,
    train: int = 12_000,
    val: int = 1_000,
    test: int = 5_000,
    seed: int = 0,
    progress: ProgressCallback | None = None,
    processes: int | None = None,
) -> None:
    """Write a stand-in data set of 64x64 RGB PNGs in the Kaggle layout into a new folder `root`.
    The classes are the first `classes` of `palettes.CLASSES`; their frequencies are the competition's. A seed gives the
    same labels and names everywhere, and on one machine the same bytes, whatever the number of processes (default: one
    a core, at most 8). `progress(done, total)` counts pictures and is called in this process. Raises DataError when the
    numbers make no data set, when `root` exists and is not empty or cannot be written, or while another process makes it.
    """
    splits = split_rows(classes=classes, train=train, val=val, test=test, seed=seed)
    about = {"kind": STAND_IN, "version": VERSION, "seed": seed, "classes": classes}
    about |= {"train": train, "val": val, "test": test}
    total = train + val + test
    with whole_or_nothing(root, total) as draft:
        partial = draft.path
        _write_tables(partial, splits)
        write.text(partial / ABOUT, json.dumps(about, indent=1) + "\n")
        text = _README.format(total=total, slips=SLIPS, **about)
        write.text(partial / "README.txt", text)
        draft.report(0, progress)
        with closing(_draw_all(partial, list(_batches(splits, seed)), _workers(total, processes))) as counts:
            for count in counts:
                draft.report(count, progress)


def _write_tables(folder: Path, splits: dict[str, SplitRows]) -> None:
    """Write the CSV tables and the empty picture folders; without test pictures no test table."""
    for split, rows in splits.items():
        if split == "test" and not rows.files:
            continue
        write.new_folder(folder / f"{split}_images")
        names = [CLASSES[label].name for label in rows.labels]
        table = "test_labels.csv" if split == "test" else f"{split}.csv"
        _write_csv(folder / table, ("Image", "Class"), zip(rows.files, names, strict=True))
        if split == "test":
            _write_csv(folder / "test.csv", ("Image",), ((file,) for file in rows.files))


def _write_csv(path: Path, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with io.TextIOWrapper(write.create(path), encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


def _batches(splits: dict[str, SplitRows], seed: int) -> Iterator[Batch]:
    """All pictures, cut into batches of one class each; depends on nothing but rows and seed."""
    for number, split in enumerate(SPLITS):
        rows = splits[split]
        for label in range(len(CLASSES)):
            files = [rows.files[row] for row in np.flatnonzero(rows.subjects == label)]
            for start in range(0, len(files), _BATCH):
                yield Batch(seed, number, label, start // _BATCH, tuple(files[start : start + _BATCH]))


def _workers(total: int, processes: int | None) -> int:
    if processes is not None:
        return max(1, processes)
    return 1 if total < _WORTH_A_POOL else min(_MAX_WORKERS, os.cpu_count() or 1)


def _draw_all(folder: Path, batches: list[Batch], workers: int) -> Generator[int]:
    """Draw and write every batch; yield the count of finished pictures after each."""
    count = 0
    if workers == 1:
        for batch in batches:
            count += draw_batch(folder, batch)
            yield count
        return
    # Spawn, not fork: the caller may be a server with threads.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)
    try:
        pending: set[Future[int]] = {pool.submit(draw_batch, folder, batch) for batch in batches}
        while pending:
            ready, pending = wait(pending, return_when=FIRST_COMPLETED)
            count += sum(future.result() for future in ready)
            yield count
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker() -> None:
    """Set a worker up: one thread, no Ctrl-C of its own, and an end when its parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    parent = multiprocessing.parent_process()
    assert parent is not None, "runs in a worker"

    def follow() -> None:
        wait_for_end([parent.sentinel])
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def draw_batch(folder: Path, batch: Batch) -> int:
    """Draw one batch and write its PNGs below `folder`; returns how many."""
    rng = np.random.default_rng([batch.seed, batch.split, batch.label, batch.number])
    pictures = draw_pictures(CLASSES[batch.label], len(batch.files), rng)
    images = folder / f"{SPLITS[batch.split]}_images"
    for file, picture in zip(batch.files, pictures, strict=True):
        bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        success, png = cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, 3])
        assert success, "OpenCV encodes 64x64 uint8 pictures"
        with write.create(images / file) as stream:
            stream.write(png.tobytes())
    return len(pictures)
