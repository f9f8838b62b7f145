"""The stand-in data set: generated pictures in the competition's shape and layout.
The folder appears at once and whole: everything is written into `<root>.partial`, which is renamed at the end.
`<root>.partial/progress.json` tells other processes how far the work is, see `dhc.data.draft`.
"""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for_end
from pathlib import Path

import cv2
import numpy as np

from dhc.data.about import ABOUT, RECIPE, STAND_IN
from dhc.data.decode import ProgressCallback
from dhc.data.draft import whole_or_nothing
from dhc.data.places import SPLITS
from dhc.data.standin.draw import draw_pictures
from dhc.data.standin.labels import SLIPS, SplitRows, first_labels, split_rows
from dhc.data.standin.palettes import CLASSES
from dhc.data.standin.recipe import VERSION, Recipe
from dhc.files import write

_BATCH = 64  # pictures drawn together; part of what a seed means, for each batch has a random stream of its own
_MAX_WORKERS = 8  # more would start up for longer than they draw
_WORTH_A_POOL = 1500  # pictures; below this, starting processes takes longer than drawing

_README = """Generated pictures: a stand-in, not the competition's data.

These {total} pictures of {classes} classes were drawn by `python -m dhc data make` (drawing version {version}, seed {seed}).
They have the shape of the Kaggle competition "Deep Hallucination Classification" - its layout, picture size and class
frequencies - but none of its pictures, and results on them are not results on the competition's.
{excerpt}
train.csv, val.csv    Image,Class        pictures in train_images/, val_images/
test.csv              Image              pictures in test_images/
test_labels.csv       Image,Class        kept apart, for scoring only

A class is a motif in a colour ("spiral amber"). Classes of one motif are look-alikes, and about {slips:.0%} of the pictures
show a look-alike of their label, so no network can reach 100%.
"""
_EXCERPT = """
They are the first {classes} of a whole set's {of_classes} classes, in the order of their names: the same files as there.
"""


@dataclass(frozen=True)
class Batch:
    """Pictures of one class that are drawn together; picklable, for the worker processes."""

    seed: int
    split: int
    label: int
    number: int
    files: tuple[str | None, ...]  # None: drawn, since the random numbers are shared, but not written


def make_dataset(
    root: Path,
    *,
    classes: int = 96,
    train: int = 12_000,
    val: int = 1_000,
    test: int = 5_000,
    seed: int = 0,
    only: int = 0,
    progress: ProgressCallback | None = None,
    processes: int | None = None,
) -> dict[str, int]:
    """Write a stand-in data set of 64x64 RGB PNGs in the Kaggle layout into a new folder `root`.
    The classes are the first `classes` of `palettes.CLASSES`; their frequencies are the competition's. A seed gives the
    same labels and names everywhere, and on one machine the same bytes, whatever the number of processes (default: one
    a core, at most 8). With `only`, the folder holds the first so many classes in the order of their names and nothing of
    the others; each file in it is the one that the whole set has. `progress(done, total)` counts pictures and is called in
    this process. Returns the number of pictures of each split. Raises DataError when the numbers make no data set, when
    `root` exists and is not empty or cannot be written, or while another process makes it.
    """
    recipe = Recipe(classes, train, val, test, seed, only)
    splits = split_rows(classes=classes, train=train, val=val, test=test, seed=seed)
    labels = first_labels(only, classes)
    excerpt = {split: rows.of(labels) for split, rows in splits.items()}
    sizes = {split: len(rows.files) for split, rows in excerpt.items()}
    about = {
        "kind": STAND_IN,
        "version": VERSION,
        "seed": seed,
        "classes": len(labels),
        **sizes,
        RECIPE: recipe.as_dict(),
    }
    if len(labels) < classes:
        about["of_classes"] = classes
    total = sum(sizes.values())
    with whole_or_nothing(root, total) as draft:
        partial = draft.path
        _write_tables(partial, excerpt)
        write.text(partial / ABOUT, json.dumps(about, indent=1) + "\n")
        note = _EXCERPT.format(**about) if "of_classes" in about else ""
        text = _README.format(total=total, slips=SLIPS, excerpt=note, **about)
        write.text(partial / "README.txt", text)
        draft.report(0, progress)
        batches = list(_batches(splits, labels, seed))
        with closing(_draw_all(partial, batches, workers(total, processes))) as counts:
            for count in counts:
                draft.report(count, progress)
    return sizes


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


def _batches(splits: dict[str, SplitRows], labels: Collection[int], seed: int) -> Iterator[Batch]:
    """All pictures, cut into batches of one class each; depends on nothing but rows and seed.

    Batches without a picture of one of the `labels` are left out.
    """
    for number, split in enumerate(SPLITS):
        rows = splits[split]
        names = [file if label in labels else None for file, label in zip(rows.files, rows.labels, strict=True)]
        for subject in range(len(CLASSES)):
            files = [names[row] for row in np.flatnonzero(rows.subjects == subject)]
            for start in range(0, len(files), _BATCH):
                batch = Batch(seed, number, subject, start // _BATCH, tuple(files[start : start + _BATCH]))
                if any(batch.files):
                    yield batch


def workers(total: int, processes: int | None = None) -> int:
    """How many processes draw so many pictures."""
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
    """Draw one batch and write its PNGs below `folder`; returns how many are written."""
    rng = np.random.default_rng([batch.seed, batch.split, batch.label, batch.number])
    pictures = draw_pictures(CLASSES[batch.label], len(batch.files), rng)
    images = folder / f"{SPLITS[batch.split]}_images"
    for file, picture in zip(batch.files, pictures, strict=True):
        if file is None:
            continue
        bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        success, png = cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, 3])
        assert success, "OpenCV encodes 64x64 uint8 pictures"
        with write.create(images / file) as stream:
            stream.write(png.tobytes())
    return sum(file is not None for file in batch.files)
