"""The learning rate behind a junction, as it is drawn before the launch and as the training has it."""

from __future__ import annotations

import pytest

from dhc.config import RunConfig
from dhc.models.junction import Standing, rates_after, timetable_rate
from dhc.models.schedules import planned_rates, rate_of_epoch


def config(name: str = "plateau", **values: object) -> RunConfig:
    settings = {"schedule.name": name, "schedule.patience": 3, "schedule.factor": 0.5, "schedule.min_lr": 1e-6}
    return RunConfig().with_values({**settings, "fit.epochs": 12, **values})


@pytest.mark.parametrize(
    ("wait", "patience", "rates"),
    [
        (0, 3, [8, 8, 8, 4, 4, 4, 2, 2]),  # three more epochs, then every third
        (2, 3, [8, 4, 4, 4, 2, 2, 2, 1]),  # the first epoch fills the wait
        (5, 3, [8, 4, 4, 4, 2, 2, 2, 1]),  # patience was lowered at the junction
        (None, 3, [8, 8, 8, 8, 4, 4, 4, 2]),  # from nothing: the first epoch is the best so far
        (1, 1, [8, 4, 2, 1, 0.5, 0.25, 0.125, 0.0625]),
    ],
)
def test_a_plateau_goes_on_with_its_count_as_it_stood(wait: int | None, patience: int, rates: list[float]) -> None:
    standing = Standing(4, rate=16e-4, next_rate=8e-4, wait=wait)
    planned = rates_after(config(**{"schedule.patience": patience}), standing, "continue")
    assert planned.rates == pytest.approx([rate * 1e-4 for rate in rates])
    waited = "counts from nothing" if wait is None else f"has waited {wait} of {patience} epochs"
    assert f"goes on at 0.0008 and the plateau {waited}" in planned.note


def test_a_plateaus_floor_holds_and_a_floor_above_the_rate_moves_nothing() -> None:
    standing = Standing(4, rate=8e-4, next_rate=8e-4, wait=0)
    low = rates_after(config(**{"schedule.min_lr": 3e-4}), standing, "continue").rates
    assert low[3:] == pytest.approx([4e-4] * 3 + [3e-4] * 2)
    above = rates_after(config(**{"schedule.min_lr": 9e-4}), standing, "continue")
    assert set(above.rates) == {8e-4}
    assert "it does not drop by epoch 12" in above.note


def test_restart_is_a_new_run_of_the_epochs_that_are_left() -> None:
    for name in ("plateau", "cosine", "warmup", "exponential", "constant"):
        whole = config(name, **{"schedule.warmup_epochs": 2})
        after = rates_after(whole, Standing(4, 1e-5, 1e-5, wait=2), "restart")
        assert after.rates == planned_rates(whole.with_values({"fit.epochs": 8})).rates
    plateau = rates_after(config(), Standing(4, 1e-5, 1e-5, wait=2), "restart")
    assert plateau.note.startswith(
        "The rate begins anew at 0.001 and the plateau counts from nothing: if val_accuracy never"
    )


def test_a_timetable_goes_on_as_that_of_the_longer_run_and_says_that_it_jumps() -> None:
    cosine = config("cosine", **{"schedule.warmup_epochs": 0})
    after = rates_after(cosine, Standing(8, 1e-6, 1e-6), "continue")
    assert after.rates == tuple(rate_of_epoch(cosine, epoch) for epoch in range(8, 12))
    assert after.note == (
        "The schedule goes on as that of a run of 12 epochs: from 0.000251 in epoch 9 to 1.8e-05 in epoch 12, above the 1e-06 of epoch 8."
    )
    restarted = rates_after(cosine, Standing(8, 1e-6, 1e-6, beginning=6), "continue")
    assert restarted.rates == tuple(timetable_rate(cosine, epoch, 6) for epoch in range(8, 12)), (
        "an earlier restart counts on"
    )
    changed = Standing(8, 5e-4, 5e-4, change=(7, 5e-4))
    ratio = 5e-4 / rate_of_epoch(cosine, 7)
    assert rates_after(cosine, changed, "continue").rates[0] == pytest.approx(ratio * rate_of_epoch(cosine, 8))
    assert rates_after(cosine, changed, "continue", new_rate=True).rates == after.rates, (
        "a rate set here ends what was set before"
    )


def test_a_held_rate_stays_and_so_it_does_for_a_child_that_goes_on() -> None:
    for standing, choice in (
        (Standing(4, 3e-4, 1e-4, wait=1), "hold"),
        (Standing(4, 3e-4, 3e-4, held=True), "continue"),
    ):
        for name in ("plateau", "cosine"):
            planned = rates_after(config(name), standing, choice)  # type: ignore[arg-type]
            assert planned.rates == (3e-4,) * 8
            assert planned.note == "The rate stays at 0.0003 to the end."
            assert rates_after(config(name), standing, choice, new_rate=True).rates == (1e-3,) * 8  # type: ignore[arg-type]
    held = Standing(4, 3e-4, 3e-4, held=True)
    assert held.with_changes(["schedule.factor"]).held is False, "who sets the schedule wants it to act"
    assert held.with_changes(["model.conv_dropout"]).held is True
    assert Standing(4, 1, 1, wait=2).with_changes(["schedule.monitor"]).wait is None, (
        "another figure's best does not compare"
    )


@pytest.mark.parametrize(
    ("idle", "choice", "note"),
    [
        (5, "continue", "Early stopping has waited 5 of 6 epochs: the first epoch that is not better is the last."),
        (2, "hold", "Early stopping has waited 2 of 6 epochs."),
        (5, "restart", "Early stopping counts its 6 epochs from nothing."),
    ],
)
def test_what_early_stopping_has_waited_is_said(idle: int, choice: str, note: str) -> None:
    planned = rates_after(config(**{"fit.early_stopping": 6}), Standing(4, 1e-3, 1e-3, wait=0, idle=idle), choice)  # type: ignore[arg-type]
    assert planned.note.endswith(note)
