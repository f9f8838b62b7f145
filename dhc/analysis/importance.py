"""Which settings matter: the share of each in telling the best tenth of the tried settings from the rest.

PED-ANOVA of Watanabe, Bansal and Hutter, "PED-ANOVA: efficiently quantifying hyperparameter importance in arbitrary subspaces" (2023), as
optuna computes it. Optuna is an optional extra, loaded only when somebody asks.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean
from typing import TYPE_CHECKING, Any

from dhc.analysis.course import is_as_set
from dhc.analysis.differences import effective_value, is_number, value_rank
from dhc.analysis.repeats import SEED, settings_key
from dhc.config import find_field
from dhc.runs.status import State
from dhc.runs.store import RunInfo
from dhc.text import count_text

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

FEWEST = 50  # settings; of fewer the best tenth are four or less, and chance decides
TOP = 0.1  # share of the settings that count as the best
NO_OPTUNA = (
    'Which setting matters most is computed by optuna, which is not installed: `pip install "optuna>=5,<6"` adds it.'
)


@dataclass(frozen=True)
class Trial:
    """Settings that were tried.

    values  of the settings in question, by dotted name; None where one has no effect
    result  best val_accuracy, 0 to 1, the mean of the repeats
    """

    values: Mapping[str, Any]
    result: float


@dataclass(frozen=True)
class Importance:
    """Which setting decided how much.

    trials  how many different settings count
    shares  by dotted name, the greatest first, 0 to 1, together 1; empty where nothing can be said
    reason  a sentence on why nothing can be said, "" where it can
    """

    trials: int
    shares: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""


def trials(runs: Iterable[RunInfo], names: Sequence[str]) -> tuple[Trial, ...]:
    """The settings of the finished runs with a result, repeats taken together.

    A run that was changed on its way says nothing of the settings that it began with.
    """
    repeats: dict[Hashable, list[RunInfo]] = defaultdict(list)
    for info in runs:
        if info.config is not None and info.state is State.FINISHED and is_as_set(info):
            repeats[settings_key(info.config, but=(SEED,))].append(info)
    return tuple(trial for infos in repeats.values() if (trial := _trial(infos, names)) is not None)


def _trial(infos: Sequence[RunInfo], names: Sequence[str]) -> Trial | None:
    config, results = infos[0].config, [info.best_val_accuracy for info in infos if info.best_val_accuracy is not None]
    if config is None or not results:
        return None
    return Trial({name: effective_value(config, name) for name in names}, mean(results))


def importance(tried: Sequence[Trial]) -> Importance:
    """The share of each setting of the trials, within the values that were tried."""
    if len(tried) < FEWEST:
        reason = (
            f"Which setting matters most shows once {FEWEST} runs with different settings have finished; so far {len(tried)} "
            f"{'has' if len(tried) == 1 else 'have'}. Of fewer, the best tenth would be a handful of lucky ones."
        )
        return Importance(len(tried), reason=reason)
    if reason := _no_best(tried):
        return Importance(len(tried), reason=reason)
    try:
        shares = _by_optuna(tried)
    except ImportError:
        return Importance(len(tried), reason=NO_OPTUNA)
    return Importance(len(tried), shares)


def _no_best(tried: Sequence[Trial]) -> str:
    """Why there is no best tenth: too many share its last place."""
    results = sorted((trial.result for trial in tried), reverse=True)
    best = sum(result >= results[math.ceil(TOP * len(tried)) - 1] for result in results)
    if 2 * best <= len(tried):
        return ""
    return f"Which setting matters most cannot be said: {count_text(best, 'run')} of {len(tried)} reached the same."


def _by_optuna(tried: Sequence[Trial]) -> dict[str, float]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    kinds = _distributions(tried)
    study = optuna.create_study(direction="maximize")
    for trial in tried:
        values = {name: value for name, value in trial.values.items() if name in kinds and value is not None}
        own = {name: kinds[name] for name in values}
        study.add_trial(optuna.trial.create_trial(params=values, distributions=own, value=trial.result))
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=TOP)
    shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {name: float(share) for name, share in sorted(shares.items(), key=lambda one: (-one[1], one[0]))}


def _distributions(tried: Sequence[Trial]) -> dict[str, BaseDistribution]:
    """The range of what was tried of each setting that differs: of numbers from the smallest to the largest, else the choice."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    kinds: dict[str, BaseDistribution] = {}
    for name in tried[0].values:
        found = {trial.values[name] for trial in tried} - {None}
        if len(found) < 2:
            continue
        low, *_, high = values = sorted(found, key=value_rank)
        knob = find_field(name)
        if not all(map(is_number, values)):
            kinds[name] = CategoricalDistribution(values)
        elif knob.kind == "int":
            kinds[name] = IntDistribution(low, high, log=knob.log and low > 0)
        else:
            kinds[name] = FloatDistribution(low, high, log=knob.log and low > 0)
    return kinds
