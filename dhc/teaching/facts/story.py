"""The numbers in the story of the report: those of each rung's settings and network, and those that only the report's text has."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from dhc.models.knn import KS
from dhc.models.ladder import RUNGS, plan_of
from dhc.models.plan import Conv2D, Dense, Plan, Resizing, measure
from dhc.teaching.fact import Value
from dhc.teaching.facts import report

SIDE = 64  # pixels of a picture
# What the report's text says beside its table (sections 3 and 4).
SAID: Mapping[str, Value] = {
    "train_accuracy": 0.98,
    "test_accuracy": 0.6,
    "peak_epochs": 10,
    "weak_dropout": 0.1,
    "strong_dropout": 0.5,
    "lucky": 0.9,
    "val_accuracy": 0.89,
    "turns": 3,
}


@cache
def values(rung: str) -> Mapping[str, Value]:
    """What the story of a rung may name, by the name that its text gives each. Raises KeyError for what is no rung."""
    config = RUNGS[rung].config()
    plan = plan_of(config, report.CLASSES)
    return {
        **SAID,
        **_reported(rung),
        **_network(plan),
        "neighbours": ", ".join(map(str, KS)),
        "classes": report.CLASSES,
        "chance": 1 / report.CLASSES,
        "conv_dropout": config.model.conv_dropout,
        "dense_dropout": config.model.dense_dropout,
        "rate": config.optimizer.learning_rate,
        "min_rate": config.schedule.min_lr,
        "factor": config.schedule.factor,
        "patience": config.schedule.patience,
        "epochs": config.fit.epochs,
        "report_epochs": report.config().fit.epochs,
    }


def _reported(rung: str) -> dict[str, Value]:
    names = list(RUNGS)
    reported = RUNGS[rung].reported
    if reported is None:
        return {}
    earlier = [RUNGS[name].reported for name in names[: names.index(rung)]]
    *_, before = reported, *filter(None, earlier)
    return {"low": reported[0], "high": reported[1], "reported_gain": reported[0] - before[1]}


def _network(plan: Plan) -> dict[str, Value]:
    convolutions = [layer for layer in plan if isinstance(layer, Conv2D)]
    units = [layer.units for layer in plan if isinstance(layer, Dense)]
    if not convolutions:
        return {}
    kernels = [layer.kernel for layer in convolutions]
    return {
        "convolutions": len(convolutions),
        "filters": ", ".join(str(layer.filters) for layer in convolutions),
        "hidden": ", ".join(map(str, units[:-1])),
        "largest": max(kernels),
        "smallest": min(kernels),
        "side": next((layer.side for layer in plan if isinstance(layer, Resizing)), SIDE),
        "parameters": sum(size.parameters for size in measure(plan)),
    }
