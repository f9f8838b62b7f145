"""A proposal → a data set on disk, whole or not at all: the pictures copied as they are, or used where they lie."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from dhc.data.about import ABOUT, IMPORTED, use_in_place
from dhc.data.draft import whole_or_nothing
from dhc.data.places import SPLITS
from dhc.errors import DataError
from dhc.files import write as files
from dhc.importing.proposal import Choices, Proposal
from dhc.importing.source import FolderSource, Source
from dhc.text import quote, size_text

NAME = re.compile(r"[^\W_][\w .-]{0,59}")
SPARE = 2**30  # bytes that are left free on the disk
Places = Mapping[str, Mapping[str, str]]  # by path in the source: split → path below its folder
Progress = Callable[[int, int], None]  # of the pictures so far and of all


def data_set_name(name: str) -> str:
    """The name, which a data set's folder may have on every system. Raises DataError for any other."""
    if not NAME.fullmatch(name) or name.endswith("."):
        raise DataError(
            f"{quote(name)} cannot be a data set's name: up to 60 letters, digits, spaces, dots, - and _, the first a letter or digit."
        )
    return name


def write_dataset(
    source: Source,
    proposal: Proposal,
    root: Path,
    choices: Choices,
    *,
    in_place: bool = False,
    progress: Progress | None = None,
) -> None:
    """Write the data set into the new folder `root`; `progress(done, total)` counts pictures.

    With `in_place` only tables are written, and the pictures stay in the source, which must be a folder. Raises DataError
    where the folder is there already, where a picture cannot be read, where there is no room; then nothing is left.
    """
    places = _places(proposal)
    if in_place:
        if not isinstance(source, FolderSource):
            raise DataError("Only a folder can be used where it lies; an archive must be copied.")
    else:
        _refuse_full(source, root, places)
    total = 0 if in_place else sum(map(len, places.values()))
    with whole_or_nothing(root, total) as draft:
        _write_tables(draft.path, proposal, {} if in_place else places)
        about = _about(source, proposal, choices)
        files.text(draft.path / ABOUT, json.dumps(about, indent=1, ensure_ascii=False) + "\n")
        if proposal.sample:
            data = source.read(proposal.sample)
            files.replace(draft.path / "sample_submission.csv", lambda file: file.write(data))
        if not in_place:
            _copy(source, draft.path, places, lambda count: draft.report(count, progress))
    if in_place:
        use_in_place(root, source.path)


def _places(proposal: Proposal) -> Places:
    """Where each picture goes below its split's folder: by its name, or all by their paths where a split has a name twice."""
    places: dict[str, dict[str, str]] = defaultdict(dict)
    has_twice = any(
        len({PurePosixPath(item.path).name.casefold() for item in items}) < len(items)
        for items in proposal.splits.values()
    )
    for split in SPLITS:
        for item in proposal.splits.get(split, ()):
            places[item.path][split] = item.path if has_twice else PurePosixPath(item.path).name
    return places


def _write_tables(root: Path, proposal: Proposal, places: Places) -> None:
    for split, items in proposal.splits.items():
        grouped = any(item.group for item in items)
        labelled = split != "test"
        header = ["Image", *(["Class"] if labelled else []), *(["Group"] if grouped else [])]
        rows = []
        for item in items:
            name = places[item.path][split] if places else item.path
            rows.append([name, *([item.label] if labelled else []), *([item.group] if grouped else [])])
        _write_csv(root / f"{split}.csv", header, rows)
        if places:
            files.make_folder(root / f"{split}_images")
        if split == "test" and items and all(item.label for item in items):
            _write_csv(
                root / "test_labels.csv",
                ["Image", "Class"],
                [[row[0], item.label] for row, item in zip(rows, items, strict=True)],
            )


def _write_csv(path: Path, header: list[str], rows: list[list[str]]) -> None:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows([header, *rows])
    files.text(path, buffer.getvalue())


def _about(source: Source, proposal: Proposal, choices: Choices) -> dict[str, object]:
    """What a later reader may want to know of where the data set comes from."""
    return {
        "kind": IMPORTED,
        "source": source.path.name,
        "imported_at": time.time(),
        "shape": proposal.shape,
        "roles": {view.name: dict(zip(view.titles, view.roles, strict=True)) for view in proposal.sheets},
        "val": {"share": choices.division.share, "seed": choices.division.seed, "by": choices.division.by},
        "notes": list(proposal.notes),
        "skipped": list(proposal.skipped),
        "left_out": dict(source.contents.left_out),
    }


def _refuse_full(source: Source, root: Path, places: Places) -> None:
    parent = next(folder for folder in root.absolute().parents if folder.exists())
    size = sum(source.contents.entries[path].size * len(splits) for path, splits in places.items())
    free = shutil.disk_usage(parent).free
    if size + SPARE > free:
        raise DataError(
            f"The pictures take {size_text(size)}, and {parent} has {size_text(free)} free, of which "
            f"{size_text(SPARE)} stay free; make room, or use a folder where it lies."
        )


def _copy(source: Source, root: Path, places: Places, report: Callable[[int], None]) -> None:
    folders: set[Path] = set()
    read = written = 0
    for path, data in source.read_all(list(places)):
        for split, place in places[path].items():
            target = root / f"{split}_images" / place
            if target.parent not in folders:
                files.make_folder(target.parent, below=root)
                folders.add(target.parent)
            with files.create(target) as file:
                file.write(data)
        read, written = read + 1, written + len(places[path])
        report(written)
    if read != len(places):
        raise DataError(f"{quote(source.path.name)} changed while it was read; import it again.")
