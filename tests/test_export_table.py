"""Runs as CSV: what a spreadsheet and pandas read back, and what a spreadsheet must not compute."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_run import make_run

from dhc.config import fields
from dhc.errors import RunError
from dhc.export.table import ENCODING, guard, history_table, runs_table, to_csv, write_csv
from dhc.runs import rundir
from dhc.runs.labels import change_labels
from dhc.runs.store import Store


def read(data: bytes) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(data), encoding=ENCODING)


def test_a_row_holds_a_runs_figures_labels_and_settings(tiny_data: Path, tmp_path: Path) -> None:
    folder = make_run(tmp_path, tiny_data, epochs=4, best_epoch=3, accuracy=8 / 9, settings={"schedule.factor": 0.5})
    change_labels(folder, name="second try", tags=["a", "b"], note='two\nlines, "quoted" and ünïcode')
    (info,) = Store(tmp_path).runs()
    (row,) = read(to_csv(runs_table([info]))).to_dict("records")
    assert (row["id"], row["name"], row["status"], row["tags"]) == (folder.name, "second try", "finished", "a; b")
    assert (row["best_val_accuracy"], row["best_epoch"], row["epoch"]) == (8 / 9, 3, 4)
    assert row["gap"] == pytest.approx(info.gap)
    assert row["note"] == 'two\nlines, "quoted" and ünïcode'
    assert (row["schedule.factor"], row["fit.epochs"], row["data.skip_bad"]) == (0.5, 4, False)
    assert pd.isna(row["schedule.decay_rate"]), "it has no effect with this schedule"
    assert set(runs_table([])) == set(row) >= {field.name for field in fields()}


def test_the_histories_come_back_as_they_are(tiny_data: Path, tmp_path: Path) -> None:
    for seed in (0, 1):
        make_run(tmp_path, tiny_data, epochs=3, seed=seed, run_id=f"20260101-00000{seed}-vgg16-000a")
    store = Store(tmp_path)
    rows = read(to_csv(history_table(store.runs(), store)))
    assert list(rows) == ["run", "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"]
    for info in store.runs():
        mine = rows[rows["run"] == info.id].drop(columns="run").reset_index(drop=True)
        pd.testing.assert_frame_equal(mine, store.history(info.id).epochs[list(mine)], check_exact=True)


def test_a_run_without_epochs_or_settings_has_a_row_and_whole_numbers_stay_whole(
    tiny_data: Path, tmp_path: Path
) -> None:
    make_run(tmp_path, tiny_data, epochs=2, run_id="20260101-000000-vgg16-000a")
    empty = tmp_path / "20260101-000001-vgg16-000b"
    empty.mkdir()
    (empty / rundir.CONFIG).write_text("{")
    store = Store(tmp_path)
    text = to_csv(runs_table(store.runs())).decode(ENCODING)
    assert "2.0" not in text.splitlines()[2].split(",")
    table = read(to_csv(runs_table(store.runs())))
    assert table["best_epoch"].tolist()[1:] == [2]
    assert pd.isna(table["best_epoch"][0])
    assert "config.json" in table["problem"][0]
    assert len(history_table(store.runs(), store)) == 2


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "-", "=", "-1 "]
)
def test_a_formula_in_foreign_text_is_told_to_be_text(text: str) -> None:
    assert guard(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=b", "-1.5", "+3", "-1e-7", "vgg16", "20260101-000000-vgg16-000a", "'=1"])
def test_numbers_and_plain_text_stay(text: str) -> None:
    assert guard(text) == text


@given(st.text())
def test_no_text_begins_as_a_formula_unless_it_is_a_number(text: str) -> None:
    guarded = guard(text)
    assert guarded.removeprefix("'") == text or guarded == text
    if guarded[:1] in {"=", "@", "\t", "\r"}:
        raise AssertionError(guarded)


def test_hostile_labels_come_out_as_text_and_negative_numbers_as_numbers(tiny_data: Path, tmp_path: Path) -> None:
    folder = make_run(tmp_path, tiny_data, epochs=2)
    change_labels(folder, name='=HYPERLINK("http://x","y")', note="@SUM(1)", tags=["-1+1"])
    summary = rundir.read_json(folder / rundir.SUMMARY) or {}
    rundir.write_json(folder / rundir.SUMMARY, summary | {"accuracy": 0.25, "val_accuracy": 0.75})
    (row,) = read(to_csv(runs_table(Store(tmp_path).runs()))).to_dict("records")
    assert (row["name"], row["note"], row["tags"]) == ('\'=HYPERLINK("http://x","y")', "'@SUM(1)", "'-1+1")
    assert row["gap"] == -0.5


def test_files_are_not_replaced_unless_forced(tiny_data: Path, tmp_path: Path) -> None:
    make_run(tmp_path / "runs", tiny_data, epochs=2)
    store = Store(tmp_path / "runs")
    out = tmp_path / "new" / "table.csv"
    assert write_csv(store.runs(), store, out) == [out, out.with_name("table-history.csv")]
    out.unlink()
    with pytest.raises(RunError, match=r"table-history\.csv already exists"):
        write_csv(store.runs(), store, out)
    assert not out.exists(), "nothing is written where one of the two is refused"
    write_csv(store.runs(), store, out, force=True)
    with pytest.raises(RunError, match="is a folder: name a file"):
        write_csv(store.runs(), store, tmp_path, force=True)
