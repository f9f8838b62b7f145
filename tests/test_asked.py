"""Answers for pictures from anywhere: what is taken in, what is said of them, and the helper that is asked."""

from __future__ import annotations

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from archives import tar_of, zip_of
from click.testing import CliRunner
from make_run import make_run
from networks import small_network

from dhc.analysis.asked import Answers, answers
from dhc.cli import cli
from dhc.cli.classify import _line
from dhc.data.decode import load_pictures
from dhc.data.intake import take
from dhc.data.layout import open_dataset
from dhc.data.picture import encode_png, resize
from dhc.errors import DataError, UserError
from dhc.importing.pictures import files_of
from dhc.jobs.warm import Warm
from dhc.predict.networks import asked_in_parts
from dhc.runs import rundir
from dhc.runs.records import Predictions

RUNS = ("20261126-100000-cnn3-000a", "20261126-100000-cnn3-000b", "20261126-100000-cnn3-000c")
RED = np.full((100, 80, 3), (200, 10, 20), np.uint8)


def predictions(probabilities: np.ndarray, y_true: np.ndarray) -> Predictions:
    n = len(y_true)
    return Predictions(
        ids=np.array([f"{i}.png" for i in range(n)]),
        classes=("ant", "bee", "cat"),
        y_true=y_true,
        y_pred=probabilities.argmax(axis=1)[None],
        probabilities=probabilities.astype(np.float32),
        best_epoch=1,
    )


def test_files_become_pictures_or_are_refused_each_by_itself(tmp_path: Path) -> None:
    """From a file, a folder, a zip of which one member is damaged, and a tar."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "b.png").write_bytes(encode_png(RED))
    (tmp_path / "folder" / "notes.txt").write_text("not looked at")
    (tmp_path / "folder" / "loop.png").symlink_to("loop.png")
    (tmp_path / "a.png").write_bytes(encode_png(RED)[:60])
    members = {"x/c.png": encode_png(RED), "d.png": encode_png(RED)[:-9] + b"damaged!!", "train.csv": b"Image,Class"}
    zipped = zip_of(members)
    (tmp_path / "e.zip").write_bytes(zipped.replace(b"damaged!!", b"DAMAGED!!"))
    (tmp_path / "f.tar").write_bytes(tar_of({"g.png": encode_png(RED)}, "gz"))
    intake = take(files_of([tmp_path / name for name in ("a.png", "folder", "e.zip", "f.tar")]))
    assert [Path(picture.name).name for picture in intake.pictures] == ["b.png", "c.png", "g.png"]
    assert np.array_equal(intake.x, resize(RED)[None].repeat(3, axis=0))
    assert [(Path(each.name).name, each.why) for each in intake.refusals] == [
        ("a.png", "the file is damaged or incomplete"),
        ("d.png", "it is damaged in its archive"),
    ]


def test_what_is_no_file_or_a_hostile_archive_is_one_sentence(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "text.zip").write_text("no zip")
    (tmp_path / "out.zip").write_bytes(zip_of({"../out.png": encode_png(RED)}))
    (tmp_path / "cut.zip").write_bytes(zip_of({"a.png": encode_png(RED)})[:-40])
    refusals = {
        "gone.png": "no such file",
        "pipe.png": "a pipe or a device",
        "text.zip": "no zip and no tar",
        "out.zip": "leads out",
        "cut.zip": "no zip and no tar",
    }
    for name, words in refusals.items():
        with pytest.raises(DataError, match=words):
            list(files_of([tmp_path / name]))


def test_what_was_converted_is_said_and_more_than_the_most_is_counted() -> None:
    grey = np.dstack([RED, np.full(RED.shape[:2], 0, np.uint8)])
    png = cv2.imencode(".png", grey)[1].tobytes()
    files = [("x", lambda: png), ("y", lambda: b""), ("z", lambda: pytest.fail("it was read"))]
    intake = take(files, most=2)
    assert len(intake.pictures[0].conversions) == 1
    assert [each.why for each in intake.refusals] == ["the file is empty"]
    assert intake.rest == 1


def test_the_answers_say_the_class_and_how_sure_with_and_without_a_temperature() -> None:
    rng = np.random.default_rng(0)
    y_true = rng.integers(0, 3, 2000)
    sure = np.where(np.eye(3)[(y_true + (rng.random(2000) < 0.3)) % 3] > 0, 0.98, 0.01)  # right in 70 of 100, 98 % sure
    said = answers(predictions(sure, y_true), np.array([[0.98, 0.01, 0.01], [0.2, 0.2, 0.6]]))
    assert said.decided.tolist() == [0, 2]
    assert said.top(1, 2) == [("cat", pytest.approx(0.6)), ("ant", pytest.approx(0.2))]
    assert said.temperature is not None
    assert said.temperature > 1
    assert said.calibrated is not None
    assert said.calibrated[0] == pytest.approx(0.7, abs=0.03), "as often right as in val"
    assert answers(predictions(sure[:10], y_true[:10]), sure).calibrated is None, "ten pictures fit no temperature"


def test_of_equal_classes_the_first_stands_first() -> None:
    assert [name for name, _ in Answers(("a", "b", "c"), np.array([[0.2, 0.4, 0.4]])).top(0)] == ["b", "c", "a"]


@pytest.fixture(scope="module")
def asked_runs(tmp_path_factory: pytest.TempPathFactory, tiny_data: Path) -> Path:
    """Two runs with a network each, and one whose file is none."""
    from dhc.models.build import network

    runs = tmp_path_factory.mktemp("asked")
    for number, run_id in enumerate(RUNS):
        config = small_network(tiny_data).with_values({"fit.seed": number})
        settings = {name: config.get(name) for name in ("model.name", "model.width", "model.conv_dropout", "fit.seed")}
        folder = make_run(runs, tiny_data, run_id=run_id, epochs=2, settings=settings)
        network(config, 3).save(folder / rundir.BEST)
    (runs / RUNS[2] / rundir.BEST).write_bytes(b"no network")
    return runs


@pytest.mark.slow
def test_the_helper_answers_for_several_runs_and_sees_when_a_network_changes_or_goes(
    asked_runs: Path, tiny_data: Path, forked: None, tmp_path: Path
) -> None:
    x = np.asarray(load_pictures(open_dataset(tiny_data), "val").x[:4])
    first, second, foreign = (str(asked_runs / run_id) for run_id in RUNS)
    helper = Warm()
    try:
        of_first, of_second = (helper.ask("classify", {"x": x}, folder=folder).arrays for folder in (first, second))
        assert of_first["probabilities"].shape == (4, 3)
        np.testing.assert_allclose(of_first["probabilities"].sum(axis=1), 1, rtol=1e-5)
        ((probabilities, features),) = asked_in_parts(Path(first), x)
        np.testing.assert_allclose(of_first["probabilities"], probabilities, rtol=1e-4)
        np.testing.assert_allclose(of_first["features"], features, rtol=1e-3, atol=1e-5)
        assert not np.allclose(of_first["probabilities"], of_second["probabilities"])
        ((other_side, _),) = asked_in_parts(Path(first), np.ascontiguousarray(x[:, :, ::-1]))
        both = helper.ask("classify", {"x": x}, folder=first, mirror=True).arrays
        np.testing.assert_allclose(both["probabilities"], (probabilities + other_side) / 2, rtol=1e-4)
        np.testing.assert_allclose(both["features"], features, rtol=1e-3, atol=1e-5)
        assert not np.allclose(probabilities, other_side)
        (tmp_path / "four.zip").write_bytes(
            zip_of({f"{number}.png": encode_png(each) for number, each in enumerate(x)})
        )
        command = ["classify", RUNS[0], str(tmp_path / "four.zip"), "--runs", str(asked_runs), "--json"]
        printed = CliRunner().invoke(cli, command)
        assert "run `features " in printed.stderr
        rows = json.loads(printed.stdout)
        np.testing.assert_allclose([row["confidence"] for row in rows], probabilities.max(axis=1), rtol=1e-4)
        assert [row["unlike"] for row in rows] == [None] * 4
        mirrored = json.loads(CliRunner().invoke(cli, [*command, "--mirror"]).stdout)
        np.testing.assert_allclose(
            [row["confidence"] for row in mirrored], both["probabilities"].max(axis=1), rtol=1e-4
        )
        assert {(row["mirror"], row["calibrated"]) for row in mirrored} == {(True, None)}
        asked = {"x": x[:1], "classes": np.array([2])}
        heat = helper.ask("look", asked, folder=first, kind="grad_cam", layer=0, random=False).arrays["map"]
        random = helper.ask("look", asked, folder=first, kind="grad_cam", layer=0, random=True).arrays["map"]
        assert heat.shape == random.shape
        y = np.arange(4) % 3
        line = {"x": x, "y": y, "shares": np.array([0, 0.5, 1], np.float32)}
        between = helper.ask("between", line, folder=first, epoch=0, other=second, other_epoch=0).arrays
        for end, answers in ((0, of_first), (2, of_second)):
            right = answers["probabilities"][np.arange(4), y]
            assert between["loss"][end] == pytest.approx(-np.log(right).mean(), rel=1e-3)
            assert between["accuracy"][end] == pytest.approx((answers["probabilities"].argmax(axis=1) == y).mean())
        assert between["loss"][1] not in (between["loss"][0], between["loss"][2])
        with pytest.raises(UserError, match="fewer convolutions"):
            helper.ask("look", asked, folder=first, kind="grad_cam", layer=9, random=False)
        with pytest.raises(UserError, match=r"best\.keras of run .* cannot be used"):
            helper.ask("classify", {"x": x}, folder=foreign)
        os.kill(helper.ask("state").values["pid"], signal.SIGKILL)
        helper.ask("warm", folder=first)
        with ThreadPoolExecutor(
            4
        ) as users:  # at once, of two runs; the process is killed while it holds their questions
            assert helper.pid is not None
            os.kill(helper.pid, signal.SIGSTOP)
            asked_at_once = [users.submit(helper.ask, "classify", {"x": x}, folder=run) for run in (first, second) * 2]
            os.kill(helper.pid, signal.SIGKILL)
            for answer, expected in zip(asked_at_once, (of_first, of_second) * 2, strict=True):
                np.testing.assert_array_equal(answer.result().arrays["probabilities"], expected["probabilities"])
        (Path(second) / rundir.BEST).replace(Path(first) / rundir.BEST)
        moved = helper.ask("classify", {"x": x}, folder=first).arrays
        np.testing.assert_array_equal(moved["probabilities"], of_second["probabilities"])
        with pytest.raises(UserError, match="has no network to ask"):
            helper.ask("classify", {"x": x}, folder=second)
    finally:
        helper.close()


def test_a_name_that_no_terminal_can_print_stands_on_a_line_of_its_own() -> None:
    row = {
        "picture": "a\udcff\n.png",
        "class": "red\nring",
        "confidence": 0.5,
        "calibrated": None,
        "unlike": False,
        "mirror": False,
    }
    assert _line(row) == "a\ufffd\ufffd.png: red\ufffdring, 50% sure"
