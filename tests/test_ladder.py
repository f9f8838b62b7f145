"""The ladder: which runs count for which step, what differs from the step before, and real queues of several runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import Completed, dhc
from hypothesis import given
from hypothesis import strategies as st
from make_run import make_run

from dhc.analysis import factor
from dhc.analysis.ladder import PictureSet, Step, compare, ladder, picture_set_of, picture_sets, scale_of
from dhc.cli.follow import follow
from dhc.config import RunConfig
from dhc.errors import ConfigError, DataError, DeviceError
from dhc.figures.factor import factors
from dhc.figures.ladder import rungs
from dhc.jobs.ladder import FACTORS, factor_configs, rung_configs, steps_in_order
from dhc.jobs.launch import launch_all
from dhc.models.ladder import RUNGS, SCALES, rung_of
from dhc.runs import rundir
from dhc.runs.store import Store

Make = Callable[..., str]


@pytest.fixture
def make(tmp_path: Path, tiny_data: Path) -> Make:
    """``make("cnn3", accuracy=0.5, how="stopped", **settings)`` writes a run of that step; later ones have later ids."""
    count = iter(range(100))

    def write(step: str | None, settings: dict[str, Any] | None = None, **more: Any) -> str:
        marks = dict(RUNGS[step].marks) if step else {}
        run_id = f"20260101-0000{next(count):02d}-run-000a"
        folder = make_run(
            tmp_path, more.pop("data", tiny_data), run_id=run_id, settings={**marks, **(settings or {})}, **more
        )
        return folder.name

    return write


@pytest.fixture
def here(tiny_data: Path) -> PictureSet:
    return PictureSet(str(tiny_data.resolve()))


def step_of(runs_dir: Path, group: PictureSet, name: str) -> Step:
    (step,) = [step for step in ladder(Store(runs_dir).runs(), group) if step.name == name]
    return step


# --- which run counts -------------------------------------------------------------------------------------------------


def test_without_runs_every_rung_is_missing_and_in_the_ladders_order() -> None:
    steps = ladder([], PictureSet("/data"))
    assert [step.name for step in steps] == list(RUNGS)
    assert all(step.missing and step.run is None for step in steps)


def test_the_best_run_that_ended_well_counts(make: Make, tmp_path: Path, here: PictureSet) -> None:
    make("cnn3", accuracy=4 / 9)
    best = make("cnn3", accuracy=6 / 9, how="stopped")
    make("cnn3", accuracy=5 / 9)
    make("cnn3", accuracy=8 / 9, how="failed")
    step = step_of(tmp_path, here, "cnn3")
    assert step.best_run is not None
    assert (step.best_run.id, step.best_run.best_val_accuracy, step.count) == (best, pytest.approx(6 / 9), 3)
    assert (step.live_run, step.failed_run, step.missing) == (None, None, False)


def test_a_running_step_is_neither_measured_nor_missing(make: Make, tmp_path: Path, here: PictureSet) -> None:
    run = make("cnn5", how="running")
    step = step_of(tmp_path, here, "cnn5")
    assert (step.best_run, step.missing) == (None, False)
    assert step.live_run is not None
    assert step.live_run.id == run


def test_the_run_that_trains_goes_before_the_one_that_waits(make: Make, tmp_path: Path, here: PictureSet) -> None:
    training = make("cnn5", how="running")
    queued = make("cnn5", how="running")
    (tmp_path / queued / rundir.PROCESS).unlink()
    step = step_of(tmp_path, here, "cnn5")
    assert step.live_run is not None
    assert step.live_run.id == training


def test_a_step_whose_only_run_failed_is_missing_and_says_which(make: Make, tmp_path: Path, here: PictureSet) -> None:
    run = make("cnn5", how="failed")
    step = step_of(tmp_path, here, "cnn5")
    assert step.missing
    assert step.failed_run is not None
    assert step.failed_run.id == run


def test_runs_that_are_no_step_and_unreadable_ones_count_nowhere(make: Make, tmp_path: Path, here: PictureSet) -> None:
    make(None, {"schedule.name": "constant"})
    (tmp_path / make("cnn3") / rundir.CONFIG).write_text('{"torn')
    assert all(step.missing for step in ladder(Store(tmp_path).runs(), here))


def test_runs_on_other_pictures_are_never_compared(make: Make, tmp_path: Path, here: PictureSet) -> None:
    """Twelve classes are easier than all: a demo must not stand beside a whole run."""
    make("cnn3", {"data.classes": 2}, accuracy=1.0)
    make("cnn3", {"data.train_fraction": 0.5}, accuracy=1.0)
    assert step_of(tmp_path, here, "cnn3").missing
    assert not step_of(tmp_path, PictureSet(here.path, classes=2), "cnn3").missing
    assert not step_of(tmp_path, PictureSet(here.path, train_fraction=0.5), "cnn3").missing


def test_the_group_with_most_rungs_comes_first_and_a_folder_without_runs_is_one_too(
    make: Make, tmp_path: Path, here: PictureSet
) -> None:
    for _ in range(3):
        make("cnn3", {"data.classes": 2})
    make("cnn3")
    make("cnn5")
    empty = tmp_path / "empty"
    assert picture_sets(Store(tmp_path).runs(), [str(empty), here.path]) == (
        here,
        PictureSet(here.path, 2),
        PictureSet(str(empty)),
    )


def test_a_folder_is_the_same_however_it_is_written(tiny_data: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tiny_data)
    spellings = [tiny_data, tiny_data / ".." / tiny_data.name, link]
    assert len({picture_set_of(RunConfig().with_values({"data.path": str(path)})) for path in spellings}) == 1


@given(st.text(min_size=1, max_size=50).filter(lambda text: "\x00" not in text), st.integers(0, 100))
def test_any_text_as_a_path_gives_a_group_with_a_plain_key(path: str, classes: int) -> None:
    group = picture_set_of(RunConfig().with_values({"data.path": path, "data.classes": classes}))
    assert group.key == PictureSet(group.path, classes).key
    assert set(group.key) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert PictureSet(group.path, classes + 1).key != group.key


# --- what differs -----------------------------------------------------------------------------------------------------


def changes(step: Step) -> dict[str, tuple[str | None, str | None]]:
    return {change.name: (change.before, change.after) for change in step.changes}


def test_unmeasured_steps_differ_as_the_report_ran_them() -> None:
    steps = {step.name: step for step in ladder([], PictureSet("/data"))}
    assert not steps["knn"].changes
    assert changes(steps["vgg16-warmup"])["schedule.name"] == ("exponential", "warmup")
    assert changes(steps["vgg16"])["schedule.decay_rate"] == ("0.98", None)
    assert changes(steps["vgg16"])["schedule.factor"] == (None, "0.8")
    assert not any(step.compared for step in steps.values())


def test_measured_neighbours_differ_as_their_runs_did(make: Make, tmp_path: Path, here: PictureSet) -> None:
    make("vgg16-warmup", {"fit.epochs": 3, "fit.batch_size": 8}, epochs=3)
    make("vgg16", {"fit.epochs": 3, "fit.batch_size": 16}, epochs=3)
    step = step_of(tmp_path, here, "vgg16")
    assert step.compared
    assert changes(step)["fit.batch_size"] == ("8", "16")
    assert "fit.epochs" not in changes(step)


def test_settings_without_effect_and_of_the_device_are_no_difference() -> None:
    base = RunConfig().with_values({"model.name": "cnn3", "schedule.name": "constant", "augment.where": "off"})
    other = base.with_values({"schedule.factor": 0.1, "model.conv_dropout": 0.1, "device.device": "cpu"})
    assert compare(base, other) == ()


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", RUNGS)
def test_a_rungs_own_settings_are_recognised_as_its_scale(name: str, scale: str) -> None:
    config = RUNGS[name].config(scale)
    assert RUNGS[name].config(str(scale_of(config))) == config  # knn's two scales are one
    assert scale_of(config.with_values({"data.classes": 12, "fit.seed": 5, "device.device": "cpu"})) == scale_of(config)
    if name != "knn":
        assert scale_of(config.with_values({"fit.batch_size": 7})) is None


# --- several runs at once ---------------------------------------------------------------------------------------------


def test_steps_come_in_the_ladders_order_each_once() -> None:
    assert steps_in_order(["vgg16", "cnn3", "vgg16", "cnn3-linear"]) == ("cnn3-linear", "cnn3", "vgg16")


@pytest.mark.parametrize(
    ("names", "set_", "message"),
    [
        (["cnn9"], {}, "there is no step 'cnn9'; the steps are knn, "),
        ([], {}, "name at least one step"),
        (["cnn3"], {"fit.epoch": 1}, "there is no setting 'fit.epoch'"),
        (
            ["cnn3"],
            {"model.name": "cnn5"},
            "model.name cannot be changed in the ladder: cnn3 is what makes the step cnn3",
        ),
        (["vgg16"], {"schedule.name": "cosine"}, "plateau is what makes the step vgg16"),
        (["cnn3"], {"model.width": 9}, "model.width cannot be 9"),
    ],
)
def test_what_cannot_be_a_rung_is_refused(names: list[str], set_: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        rung_configs(names, "quick", set_)


@pytest.mark.parametrize("scale", SCALES)
def test_every_rung_takes_changes_and_stays_itself(scale: str) -> None:
    changes = {"data.classes": 3, "model.width": 0.05, "fit.epochs": 1}
    configs = rung_configs(RUNGS, scale, changes)
    assert list(configs) == list(RUNGS)
    assert {name: rung_of(config) for name, config in configs.items()} == {name: name for name in RUNGS}
    assert all(config.get(key) == value for config in configs.values() for key, value in changes.items())


def test_all_factors_come_before_the_first_repeat() -> None:
    configs = factor_configs(RunConfig().with_values({"fit.seed": 3}), ["0.9", 0.1, "0.1"], repeats=2)
    assert [(c.schedule.factor, c.fit.seed) for c in configs] == [(0.1, 3), (0.9, 3), (0.1, 4), (0.9, 4)]


@pytest.mark.parametrize(
    ("base", "values", "repeats", "message"),
    [
        ({}, ["x"], 1, "schedule.factor cannot be 'x': it takes 0 < x < 1"),
        ({}, [1.0], 1, "schedule.factor cannot be 1.0"),
        ({}, [], 1, "schedule.factor needs a value"),
        ({}, [0.5], 0, "a sweep has 1 to"),
        ({}, FACTORS, 10_000, "a sweep has 1 to"),
        ({"schedule.name": "cosine"}, [0.5], 1, "no effect with schedule.name cosine"),
        ({"model.name": "knn"}, [0.5], 1, "no effect with model.name knn"),
    ],
)
def test_an_experiment_that_makes_no_sense_is_refused(
    base: dict[str, Any], values: list[Any], repeats: int, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        factor_configs(RunConfig().with_values(base), values, repeats)


@pytest.mark.parametrize(
    ("change", "error"),
    [({"data.path": "/nowhere"}, DataError), ({"device.device": "gpu:99"}, DeviceError)],
)
def test_nothing_is_queued_unless_all_can_be(
    tiny_config: RunConfig, tmp_path: Path, change: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        launch_all([tiny_config, tiny_config.with_values(change)], tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


# --- the factor experiment --------------------------------------------------------------------------------------------


PLATEAU = {"schedule.patience": 2, "optimizer.learning_rate": 1e-3}


def test_runs_alike_but_for_factor_and_seed_are_one_family(make: Make, tmp_path: Path) -> None:
    for value, seed, hits in ((0.5, 0, 4), (0.5, 1, 6), (0.8, 0, 7)):
        make(None, {**PLATEAU, "schedule.factor": value, "fit.seed": seed}, accuracy=hits / 9)
    make(None, {**PLATEAU, "schedule.factor": 0.3, "fit.batch_size": 7})  # alone
    make(None, {**PLATEAU, "schedule.factor": 0.9, "schedule.name": "cosine"})  # no effect
    make(None, {**PLATEAU, "schedule.factor": 0.1}, how="failed")
    make(None, {**PLATEAU, "schedule.factor": 0.9}, how="running")
    (family,) = factor.families(Store(tmp_path).runs())
    assert [(t.factor, t.seed, round(9 * t.val_accuracy)) for t in family.trials] == [
        (0.5, 0, 4),
        (0.5, 1, 6),
        (0.8, 0, 7),
    ]
    assert (family.factors, family.waiting) == (2, 1)
    assert factor.means(family.trials) == [(0.5, pytest.approx(5 / 9), 2), (0.8, pytest.approx(7 / 9), 1)]


def test_the_family_with_most_factors_comes_first_and_keys_differ(make: Make, tmp_path: Path) -> None:
    for value in (0.5, 0.8):
        make(None, {**PLATEAU, "schedule.factor": value})
    for value in (0.1, 0.5, 0.8):
        make(None, {**PLATEAU, "schedule.factor": value, "fit.batch_size": 7})
    families = factor.families(Store(tmp_path).runs())
    assert [family.factors for family in families] == [3, 2]
    assert len({family.key for family in families}) == 2


def test_what_was_run_is_not_run_again_but_what_failed_is(make: Make, tmp_path: Path, tiny_data: Path) -> None:
    base = RunConfig().with_values({**PLATEAU, "data.path": str(tiny_data), "fit.epochs": 6})
    make(None, {**PLATEAU, "schedule.factor": 0.1})
    make(None, {**PLATEAU, "schedule.factor": 0.3}, how="running")
    make(None, {**PLATEAU, "schedule.factor": 0.5}, how="failed")
    todo = factor.not_yet_run(factor_configs(base, FACTORS, 1), Store(tmp_path).runs())
    assert [config.schedule.factor for config in todo] == [0.5, 0.8, 0.9]


@pytest.mark.parametrize(("epochs", "patience", "can"), [(4, 2, True), (3, 2, False), (14, 3, True), (10, 22, False)])
def test_a_factor_needs_epochs_to_drop_in(epochs: int, patience: int, can: bool) -> None:
    assert factor.can_drop(RunConfig().with_values({"fit.epochs": epochs, "schedule.patience": patience})) is can


def test_the_quick_demo_drops_its_rate() -> None:
    from dhc.models.presets import preset_config

    assert factor.can_drop(preset_config("quick"))


# --- figures ----------------------------------------------------------------------------------------------------------


def trace(figure: Any, uid: str) -> Any:
    (trace,) = [one for one in figure.data if one.uid == uid]
    return trace


def test_the_chart_shows_measured_bars_and_the_reported_range(make: Make, tmp_path: Path, here: PictureSet) -> None:
    best_run = make("cnn3", accuracy=6 / 9)
    running = make("cnn5", accuracy=3 / 9, how="running")
    figure = rungs(ladder(Store(tmp_path).runs(), here))
    bars, reports = trace(figure, "measured"), trace(figure, "reported")
    assert list(bars.y) == [RUNGS["cnn3"].title, RUNGS["cnn5"].title]
    assert list(bars.x) == [pytest.approx(6 / 9), pytest.approx(3 / 9)]
    assert list(bars.customdata) == [best_run, running]
    assert bars.marker.opacity[0] == 1 > bars.marker.opacity[1]
    assert trace(figure, "figures").text == ("0.667", "0.333 so far")
    with_report = [rung for rung in RUNGS.values() if rung.reported is not None]
    for rung, middle, half in zip(with_report, reports.x, reports.error_x.array, strict=True):
        assert (middle - half, middle + half) == pytest.approx(rung.reported)
    assert list(figure.layout.yaxis.categoryarray) == [rung.title for rung in RUNGS.values()]


def test_the_factor_chart_has_a_dot_a_run_and_a_line_of_means() -> None:
    trials = [factor.Trial(0.5, 0, 0.4, "a"), factor.Trial(0.5, 1, 0.6, "b"), factor.Trial(0.9, 0, 0.7, "c")]
    figure = factors(trials)
    assert list(trace(figure, "runs").customdata) == ["a", "b", "c"]
    assert list(trace(figure, "mean").x) == [0.5, 0.9]
    assert list(trace(figure, "mean").y) == [pytest.approx(0.5), pytest.approx(0.7)]
    assert figure.layout.shapes[0].x0 == 0.8


def test_charts_without_runs_draw() -> None:
    assert trace(rungs(ladder([], PictureSet("/d"))), "measured").x.size == 0
    assert "waiting" in factors([]).layout.annotations[-1].text


# --- command line -----------------------------------------------------------------------------------------------------


TINY = ("model.width=0.03", "fit.epochs=1", "fit.batch_size=8", "fit.watch_health=false")


def run_ladder(*arguments: str) -> Completed:
    return dhc("ladder", *arguments)


@pytest.mark.slow
@pytest.mark.usefixtures("forked")
def test_the_command_runs_every_step_to_its_end_and_compares(tiny_data: Path, tmp_path: Path) -> None:
    tiny = [part for change in TINY for part in ("--set", change)]
    process = run_ladder("--data", str(tiny_data), *tiny, "--runs", str(tmp_path), "--json")
    assert process.returncode == 0, process.stderr
    rows = json.loads(process.stdout)
    assert [row["step"] for row in rows] == list(RUNGS)
    assert all(row["status"] == "finished" and 0 <= row["measured"] <= 1 for row in rows)
    assert [row["reported"] for row in rows] == [rung.reported and list(rung.reported) for rung in RUNGS.values()]
    assert f"{len(RUNGS)}/{len(RUNGS)}  " in process.stderr
    assert not any(step.missing for step in ladder(Store(tmp_path).runs(), PictureSet(str(tiny_data.resolve()))))


@pytest.mark.slow
@pytest.mark.usefixtures("forked")
def test_a_step_that_fails_makes_the_status_1_and_the_next_one_is_run_all_the_same(
    tiny_data: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(tiny_data, broken)
    next((broken / "val_images").iterdir()).write_bytes(b"no picture")
    process = run_ladder("--data", str(broken), "--steps", "cnn3,cnn3-linear", "--runs", str(tmp_path / "runs"))
    assert process.returncode == 1
    table = process.stdout[process.stdout.index("reported") :].splitlines()[1:]
    assert [line.split()[0] for line in table] == ["cnn3-linear", "cnn3"]
    assert all("failed" in line for line in table)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "/nowhere"], "does not exist"),
        (["--data", ".", "--steps", "cnn3,vgg19"], "there is no step 'vgg19'; the steps are"),
        (["--data", ".", "--set", "fit.epoch=1"], "there is no setting 'fit.epoch'; the settings are"),
        (["--data", ".", "--scale", "huge"], "'huge' is not one of 'quick', 'full'"),
        (["--data", ".", "--set", "model.name=cnn3"], "model.name cannot be changed in the ladder"),
        ([], "Missing option '--data'"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2_and_nothing_is_queued(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    process = run_ladder(*arguments, "--runs", str(tmp_path))
    assert process.returncode == 2
    assert message in process.stderr
    assert "Traceback" not in process.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.usefixtures("forked")
def test_detached_runs_are_named_and_come_by_themselves_in_the_ladders_order(
    tiny_data: Path, tmp_path: Path, here: PictureSet
) -> None:
    arguments = ["--steps", "cnn3,cnn3-linear", *(part for change in TINY for part in ("--set", change)), "--detach"]
    process = run_ladder("--data", str(tiny_data), *arguments, "--runs", str(tmp_path))
    assert process.returncode == 0
    ids, store = process.stdout.split(), Store(tmp_path)
    assert all(step.live_run for step in ladder(store.runs(), here) if step.name in ("cnn3", "cnn3-linear"))
    assert [follow(store, run_id, lambda line: None) for run_id in ids] == ["finished", "finished"]
    first, second = (store.log(run_id).others[0]["t"] for run_id in ids)
    assert first < second
    steps = {step.name: step for step in ladder(store.runs(), here)}
    assert [steps[name].best_run.id for name in ("cnn3-linear", "cnn3")] == ids  # type: ignore[union-attr]
    assert steps["cnn3"].compared
