"""What is said of a run that did not finish, and what is offered: by its exit record, its log and its saved state."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from make_run import make_run

from dhc.data.decode import load_pictures
from dhc.data.layout import open_dataset
from dhc.errors import DataError
from dhc.runs import rundir
from dhc.runs.autopsy import HEADLINES, Autopsy, autopsy
from dhc.runs.contract import CAUSES
from dhc.runs.store import Store

LOG = """epoch 1/9
Traceback (most recent call last):
  File "/home/x/dhc/training/__main__.py", line 40, in run
    return _train(config, folder, device)
  File "/home/x/.venv/lib/site-packages/keras/src/layer.py", line 12, in call
    raise ValueError("no")
ValueError: no
"""


@pytest.fixture
def folder(tmp_path: Path, tiny_data: Path) -> Path:
    return make_run(tmp_path, tiny_data, epochs=4, how="failed", settings={"fit.epochs": 9, "fit.batch_size": 8})


def ended(folder: Path, freeable: int = 0, **more: Any) -> Autopsy:
    rundir.write_json(folder / rundir.EXIT, {"how": "failed", "reason": "why"} | more)
    found = autopsy(Store(folder.parent).run(folder.name), freeable=freeable)
    assert found is not None
    return found


def test_every_cause_that_ends_a_run_early_has_its_words() -> None:
    assert set(HEADLINES) == set(CAUSES) - {"done", "early"}


def test_a_finished_and_a_living_run_need_none(tmp_path: Path, tiny_data: Path) -> None:
    for how in ("finished", "running"):
        made = make_run(tmp_path, tiny_data, how=how)
        assert autopsy(Store(tmp_path).run(made.name)) is None


def test_nan_says_where_and_offers_a_tenth_of_the_rate_but_no_resume(folder: Path) -> None:
    found = ended(folder, cause="nan", epoch=7, batch=112)
    assert found.headline.startswith("The loss became NaN at epoch 7, by batch 112")
    assert [offer.label for offer in found.offers] == ["Restart with LR ÷ 10"]
    assert found.offers[0].changes["optimizer.learning_rate"] == pytest.approx(1e-4)


def test_nan_in_16_bits_offers_32(tmp_path: Path, tiny_data: Path) -> None:
    settings = {"device.precision": "mixed_bfloat16"}
    run = make_run(tmp_path, tiny_data, epochs=2, how="failed", settings=settings)
    found = ended(run, cause="nan", epoch=2)
    assert found.headline.startswith("The loss became NaN at epoch 2:")
    assert found.offers[-1].changes == {"device.precision": "float32"}


def test_without_a_recorded_place_the_epochs_tell_it(folder: Path) -> None:
    assert "in epoch 5" in ended(folder, cause="memory").headline


def test_memory_offers_half_the_batch_and_half_the_width(folder: Path) -> None:
    found = ended(folder, cause="memory")
    changes = [offer.changes for offer in found.offers if offer.kind == "restart"]
    assert changes == [{"fit.batch_size": 4}, {"model.width": 0.5}]


def test_a_full_disk_offers_room_first_where_there_is_some_to_win(folder: Path) -> None:
    assert [offer.kind for offer in ended(folder, cause="disk").offers] == ["resume"]
    found = ended(folder, cause="disk", freeable=3_100_000_000)
    assert found.offers[0].label == "Free disk space: 3.1 GB"


def test_resume_names_the_epoch_only_where_a_state_is_saved(folder: Path) -> None:
    assert ended(folder, cause="stop").offers[0].label == "Start again"
    (folder / rundir.RESUME / "epoch-00004").mkdir(parents=True)
    assert ended(folder, cause="stop").offers[0].label == "Resume at epoch 5"


def test_without_settings_that_can_be_read_no_start_is_offered(folder: Path) -> None:
    (folder / rundir.CONFIG).write_text('{"model": {"name": "vgg1', "utf-8")
    assert ended(folder, cause="error").offers == ()


def test_the_last_frame_of_the_log_is_found_and_shortened(folder: Path) -> None:
    (folder / rundir.LOG).write_text(LOG)
    found = ended(folder, cause="error", reason="ValueError: no")
    assert found.frame == "keras/src/layer.py, line 12, in call"
    assert found.reason == "ValueError: no"
    (folder / rundir.LOG).write_text("all quiet")
    assert ended(folder, cause="error").frame == ""


@pytest.mark.parametrize("cause", ["no such cause", 7, None])
def test_a_foreign_cause_is_an_error_like_any_other(folder: Path, cause: object) -> None:
    assert ended(folder, cause=cause).headline.startswith("It met an error")


def test_settings_without_effect_are_not_offered(tmp_path: Path, tiny_data: Path) -> None:
    made = make_run(tmp_path, tiny_data, how="failed", epochs=1, settings={"model.name": "knn"})
    assert [offer.kind for offer in ended(made, cause="memory").offers] == ["resume"]


def test_what_is_not_here_is_changed_first_since_resuming_would_only_fail_again(
    tmp_path: Path, tiny_data: Path
) -> None:
    made = make_run(tmp_path, tiny_data, how="failed", epochs=1, settings={"device.device": "gpu:7"})
    offers = ended(made, cause="device").offers
    assert [offer.kind for offer in offers] == ["restart", "resume"]
    assert offers[0].changes == {"device.device": "auto"}


@pytest.mark.parametrize("broken", [1, 24])
def test_pictures_that_cannot_be_read_are_left_out_by_the_first_offer_where_any_can_be(
    tmp_path: Path, tiny_data: Path, folder: Path, broken: int
) -> None:
    data = shutil.copytree(tiny_data, tmp_path / "torn")
    for file in sorted((data / "train_images").iterdir())[:broken]:
        file.write_bytes(b"no picture")
    with pytest.raises(DataError) as refusal:
        load_pictures(open_dataset(data), "train")
    offers = ended(folder, cause="data", reason=str(refusal.value)).offers
    changes = [offer.changes for offer in offers]
    assert changes == ([{"data.skip_bad": True}, {}] if broken == 1 else [{}])


def test_a_little_room_is_not_called_none(folder: Path) -> None:
    assert ended(folder, cause="disk", freeable=30_000).offers[0].label == "Free disk space: 30 kB"
