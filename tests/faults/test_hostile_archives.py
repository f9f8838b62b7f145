"""Archives that lie about their sizes, their members or their values: said in a sentence, in little memory."""

from __future__ import annotations

import copy
import io
import json
import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import archives
import numpy as np
import pytest
from commands import ROOT, dhc
from folders import write_folder

from dhc.data.decode import load_pictures
from dhc.data.layout import open_dataset
from dhc.errors import DataError, RunError
from dhc.predict.archive import check_archive
from dhc.runs import rundir
from dhc.runs.predictions import read_predictions
from faults.cases import Case, fault
from faults.house import EPOCHS, House, house, in_little_memory, no_waiting

__all__ = ["house", "no_waiting"]

WAYS = 200  # in which each kind of archive is damaged here; `benchmarks.mutate` does 10,000


def edit(house: House, **changes: Any) -> str:
    """What is said of predictions.npz once some of its arrays are others."""
    path = house.folder / rundir.PREDICTIONS
    with np.load(path) as file:
        values = dict(file)
    np.savez(path, **values | changes)
    with pytest.raises(RunError) as refused:
        read_predictions(house.folder)
    np.savez(path, **values)
    return str(refused.value)


def refusal(house: House, name: str, data: bytes) -> str:
    """What is said of a file of the victim's with these bytes."""
    (house.folder / name).write_bytes(data)
    with pytest.raises(RunError) as refused:
        in_little_memory(
            lambda: (
                read_predictions(house.folder)
                if name == rundir.PREDICTIONS
                else check_archive(house.folder / rundir.BEST)
            )
        )
    return str(refused.value)


@pytest.mark.pages
@fault(
    "predictions.npz of more epochs than the run",
    done="ten times as many rows as its settings have epochs",
    says="it tells of 40 epochs, but the run has at most 4",
)
def test_predictions_of_more_epochs_than_the_run(house: House, case: Case) -> None:
    path = house.folder / rundir.PREDICTIONS
    with np.load(path) as file:
        values = dict(file)
    assert len(values["y_pred"]) == EPOCHS == 4
    np.savez(path, **values | {"y_pred": np.tile(values["y_pred"], (10, 1))})
    assert case.is_said(house.see("mistakes"))


@fault(
    "predictions.npz whose answers are no probabilities",
    done="infinite, NaN, negative ones, and ones that do not sum to 1",
    says="has answers that are no probabilities): its curves stay, and a copy of the run would write it anew",
)
def test_answers_that_are_no_probabilities(house: House, case: Case) -> None:
    sound = archives.prediction_arrays(pictures=9)["probabilities"]
    for value in (np.inf, -np.inf, np.nan, -0.1, 0.5, 1e30):
        answers = sound.copy()
        answers[4, 1] = value
        assert case.is_said(edit(house, probabilities=answers)), value
    assert case.is_said(edit(house, probabilities=np.zeros_like(sound)))


@fault(
    "texts that are none in predictions.npz",
    done="a half character, and one beyond the last, among the names of pictures and classes",
    says="holds what is no text",
)
def test_texts_that_are_none(house: House, case: Case) -> None:
    for name, kind in (("ids", "U20"), ("classes", "U20")):
        with np.load(house.folder / rundir.PREDICTIONS) as file:
            texts = file[name].astype(kind)
        for code in (0xD800, 0xDFFF, 0x110000, 2**32 - 1):
            damaged = texts.copy()
            damaged.view(np.uint32).reshape(len(texts), -1)[0, 0] = code
            assert case.is_said(edit(house, **{name: damaged}))


def _lying(members: dict[str, bytes], name: str, size: int, says: int) -> bytes:
    """A deflated archive in which a member of zeros says that it has another size."""
    data = archives.zip_of(members | {name: members[name][:128] + bytes(size)}, zipfile.ZIP_DEFLATED)
    return data.replace(struct.pack("<L", size + len(members[name][:128])), struct.pack("<L", says))


@fault(
    "an archive that lies about its sizes",
    done="50 MB of packed zeros that call themselves 10 bytes, and 2 kB that call themselves 4 GB",
    says="it is damaged or was edited",
)
def test_an_archive_that_lies_about_its_sizes(house: House, case: Case) -> None:
    predictions = {f"{name}.npy": data for name, data in _npy(archives.prediction_arrays()).items()}
    network = {"metadata.json": b"{}", "config.json": b"{}", "model.weights.h5": b""}
    for size, says in ((50_000_000, 10), (2_000, 2**32 - 2)):
        for member in ("y_pred.npy", "ids.npy"):
            assert case.is_said(refusal(house, rundir.PREDICTIONS, _lying(predictions, member, size, says)))
        assert case.is_said(refusal(house, rundir.BEST, _lying(network, "config.json", size, says)))


def _npy(arrays: dict[str, Any]) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archives.npz_of(**arrays))) as archive:
        return {name.removesuffix(".npy"): archive.read(name) for name in archive.namelist()}


@fault(
    "an archive whose members lie over one another",
    done="six entries of the directory point at the same packed bytes",
    says="holds members that lie over one another",
)
def test_members_that_lie_over_one_another(house: House, case: Case) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("ids.npy", b"x" * 4_000)
        for name in ("y_true.npy", "y_pred.npy", "best_epoch.npy", "probabilities.npy", "classes.npy"):
            info = copy.copy(archive.filelist[0])
            info.filename = info.orig_filename = name
            archive.filelist.append(info)
    assert case.is_said(refusal(house, rundir.PREDICTIONS, buffer.getvalue()))


@fault(
    "an archive of a million members",
    done="its directory lists so many, or says that it does",
    says="lists more than the 6 members that a run writes",
)
def test_an_archive_of_a_million_members(house: House, case: Case) -> None:
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(20_000):
            archive.writestr(f"{number}", b"")
    assert case.is_said(refusal(house, rundir.PREDICTIONS, many.getvalue()))
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0, 0xFFFF, 0xFFFF, 0, 0)
    assert case.is_said(refusal(house, rundir.PREDICTIONS, bytes(1_000_000) + end))


@fault(
    "archives damaged at random",
    done="predictions, networks, saved states, logs, decode caches, zips and tars of pictures, each in 200 seeded ways: flipped, cut, spliced, nested, renamed, with values that cannot be true",
    says="cannot be read, because it is damaged or was edited",
)
@pytest.mark.slow
def test_archives_damaged_at_random(house: House, case: Case) -> None:
    """In a process that the system grants 300 MB more than it has; anything but a sentence is its exit status."""
    command = [sys.executable, "-m", "benchmarks.mutate", "--count", str(WAYS)]
    process = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert process.returncode == 0, process.stdout + process.stderr
    assert process.stdout.count(f" {WAYS}") >= 8
    damaged = bytearray((house.folder / rundir.PREDICTIONS).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    assert case.is_said(refusal(house, rundir.PREDICTIONS, bytes(damaged)))


@fault(
    "a stranger's decode cache",
    done="numbers of 4,000 digits, texts for numbers, half characters, another shape, 5 GB of index: the pictures are read anew",
)
def test_a_strangers_decode_cache(case: Case, tmp_path: Path) -> None:
    dataset = open_dataset(write_folder(tmp_path / "data", {"train": ["a", "b", "a"], "val": ["a"]}))
    before = np.array(load_pictures(dataset, "train").x)
    index = tmp_path / "data" / ".dhc" / "train.json"
    sound = json.loads(index.read_bytes())
    strange: list[dict[str, Any]] = [
        {"sizes": ["1", "2", "3"]},
        {"rows": 10**4_000},
        {"rows": True},
        {"files": [*sound["files"][:2], ["x"]]},
        {"reasons": {sound["files"][0]: "\ud800"}},
        {"reasons": {sound["files"][0]: 3}},
        {"conversions": {sound["files"][0]: ["\udfff"]}},
        {"conversions": [1]},
        {"mtimes_ns": [1.5, None, {}]},
        {"digest": "x"},
    ]
    for change in strange:
        index.write_text(json.dumps(sound | change))
        assert np.array_equal(load_pictures(dataset, "train").x, before), change
    os.truncate(index, 5_000_000_000)
    assert np.array_equal(in_little_memory(lambda: load_pictures(dataset, "train").x), before)


@fault(
    "numbers beyond all bounds on the command line",
    done="10¹² pictures, a seed of 5,000 digits, a place that is none",
    says="is no whole number from",
)
def test_numbers_beyond_all_bounds_on_the_command_line(case: Case, tmp_path: Path) -> None:
    for option, text in (
        ("--train", "1000000000000"),
        ("--seed", "9" * 5_000),
        ("--classes", "-1"),
        ("--val", "1e999"),
    ):
        process = in_little_memory(lambda: dhc("data", "make", str(tmp_path / "data"), f"{option}={text}"))  # noqa: B023
        assert process.returncode == 2
        assert case.is_said(process.stderr)
        assert len(process.stderr) < 500
    assert not list(tmp_path.iterdir())


@fault(
    "a table of two million rows",
    done="train.csv lists so many pictures",
    says="has 2,000,001 lines, but a table of pictures has at most 1,000,000; is it the right file?",
)
def test_a_table_of_two_million_rows(case: Case, tmp_path: Path) -> None:
    write_folder(tmp_path, {"train": ["a", "b"], "val": ["a"]})
    (tmp_path / "train.csv").write_bytes(b"Image,Class\n" + b"a,b\n" * 2_000_000)
    with pytest.raises(DataError) as refused:
        in_little_memory(lambda: open_dataset(tmp_path))
    assert case.is_said(str(refused.value))
