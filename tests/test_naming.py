"""What runs are called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhc.config import RunConfig, fields
from dhc.config.phrase import brief, phrase
from dhc.errors import RunError
from dhc.jobs.launch import launch_all
from dhc.runs.contract import Labels
from dhc.runs.lenient import MAX_NAME
from dhc.runs.naming import differing_phrase, group_names, proposed_name, telling_title, titles
from dhc.runs.status import State, Status
from dhc.runs.store import RunInfo, Store

BASE = RunConfig()


def run(
    changes: dict[str, object] | None = None, name: str = "", run_id: str = "20260101-000000-vgg16-0001"
) -> RunInfo:
    return RunInfo(
        id=run_id,
        folder=Path(run_id),
        config=BASE.with_values(changes or {}),
        status=Status(State.FINISHED),
        queued_at=None,
        epochs_done=0,
        best_val_accuracy=None,
        best_epoch=None,
        seconds=None,
        pictures_per_second=None,
        device="cpu",
        labels=Labels(name=name),
    )


def test_every_setting_has_a_short_word_of_its_own() -> None:
    words = [field.short for field in fields()]
    assert len(set(words) - {"optimizer", "schedule", "network"}) >= len(words) - 3
    assert len(set(words)) == len(words)
    assert max(map(len, words)) <= 22


def test_a_phrase_begins_with_what_people_tune() -> None:
    config = BASE.with_values({"schedule.factor": 0.5, "model.conv_dropout": 0.2, "fit.batch_size": 64})
    assert phrase(config, ["fit.batch_size", "schedule.factor", "model.conv_dropout"]) == (
        "dropout 0.2, factor 0.5, batch size 64"
    )


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"schedule.factor": 0.5, "model.conv_dropout": 0.2}, "dropout 0.2, factor 0.5"),
        ({"data.path": "/home/someone/pets", "data.classes": 0}, "pets"),
        ({"fit.seed": 3}, "the first, seed 3"),
        ({}, "the first, again"),
        ({"device.device": "gpu:1", "fit.epochs": 7}, "epochs 7"),
        ({"model.name": "cnn3"}, "cnn3, factor 0.8, patience 22, epochs 250"),
        ({"model.name": "knn", "knn.k": 7}, "knn, metric euclidean, k 7"),
        ({"schedule.name": "cosine", "schedule.factor": 0.1}, "schedule cosine"),
        ({"data.shuffle_labels": True, "model.conv_dropout": 0.2}, "labels shuffled: dropout 0.2"),
        ({"data.shuffle_labels": True}, "labels shuffled"),
    ],
)
def test_a_new_run_is_named_by_what_differs_from_the_run_before(changes: dict[str, object], name: str) -> None:
    before = run(name="the first")
    assert proposed_name(BASE.with_values(changes), before) == name


def test_a_repeat_of_a_repeat_has_one_seed_in_its_name() -> None:
    before = run({"fit.seed": 1}, name="factor 0.5, seed 1")
    assert proposed_name(BASE.with_values({"fit.seed": 2}), before) == "factor 0.5, seed 2"


def test_the_first_run_is_named_by_its_network_and_main_settings() -> None:
    name = "vgg16, dropout 0.6, output dropout 0.7, factor 0.8, patience 22, epochs 250"
    assert proposed_name(BASE, None) == brief(BASE) == run().title == name


def test_a_run_on_shuffled_labels_passes_for_no_other() -> None:
    nonsense = BASE.with_values({"data.shuffle_labels": True})
    assert brief(nonsense).startswith("labels shuffled: vgg16, ")
    assert brief(nonsense.with_values({"model.name": "knn"})).startswith("labels shuffled: knn, ")
    dropouts = [nonsense.with_values({"model.conv_dropout": rate}) for rate in (0.1, 0.2)]
    assert group_names(dropouts) == ["labels shuffled: dropout 0.1", "labels shuffled: dropout 0.2"]


def test_the_runs_of_a_group_are_named_by_what_differs_among_them() -> None:
    configs = [BASE.with_values({"schedule.factor": f, "fit.seed": s}) for s in (0, 1) for f in (0.5, 0.8)]
    assert group_names(configs) == [f"factor {f}, seed {s}" for s in (0, 1) for f in (0.5, 0.8)]
    assert group_names(configs[:2]) == ["factor 0.5", "factor 0.8"]


def test_runs_of_one_title_are_told_apart() -> None:
    first = run(run_id="20260101-000000-vgg16-0001")
    other = run({"optimizer.name": "sgd"}, run_id="20260101-000000-vgg16-0002")
    twin = run(run_id="20260101-000000-vgg16-0003")
    named = titles([first, other, twin, run(name="mine", run_id="20260101-000000-vgg16-0004")])
    assert len(set(named.values())) == 4
    assert named[first.id] == "optimizer adam · 0001"
    assert named[other.id] == "optimizer sgd"
    assert named["20260101-000000-vgg16-0004"] == "mine"


def test_a_title_that_others_have_says_what_is_its_own() -> None:
    first, second, named = run(), run({"fit.seed": 2}, run_id="20260101-000000-vgg16-0002"), run(name="mine")
    assert first.title == second.title, "a seed is no part of it"
    assert telling_title(second, [first, second, named]) == "seed 2"
    assert telling_title(second, [second, named]) == second.title
    assert telling_title(named, [first, second, named]) == "mine"


@given(st.lists(st.tuples(st.sampled_from(["", "a", "b"]), st.floats(0.1, 0.9)), min_size=1, max_size=8))
def test_no_two_titles_are_alike(kinds: list[tuple[str, float]]) -> None:
    infos = [
        run({"schedule.factor": factor}, name, f"20260101-000000-vgg16-{number:04x}")
        for number, (name, factor) in enumerate(kinds)
    ]
    assert len(set(titles(infos).values())) == len(infos)


def test_a_phrase_of_what_differs_needs_settings() -> None:
    assert differing_phrase(None, [BASE]) == ""
    assert differing_phrase(BASE, [BASE, BASE]) == ""
    assert replace(run(), config=None).title == run().id


def test_names_and_note_are_written_with_the_run(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dhc.jobs.launch.start_worker", lambda *_: None)
    configs = [BASE.with_values({"data.path": str(tiny_data), "fit.seed": seed}) for seed in (0, 1)]
    ids = launch_all(configs, tmp_path, names=["first", ""], note="why not")
    labels = [Store(tmp_path).run(run_id).labels for run_id in ids]
    assert [(one.name, one.note) for one in labels] == [("first", "why not"), ("", "why not")]
    with pytest.raises(RunError, match="can have up to 80 characters"):
        launch_all(configs[:1], tmp_path, names=["x" * (MAX_NAME + 1)])
    assert len(Store(tmp_path).runs()) == 2
