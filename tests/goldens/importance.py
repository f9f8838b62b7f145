"""Made importance.json with optuna 5.0: ``python tests/goldens/importance.py`` where optuna is installed; calls nothing of ours."""

from __future__ import annotations

import json
import random
from pathlib import Path

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

COUNT = 80
KINDS = {
    "optimizer.learning_rate": FloatDistribution(1e-4, 1e-1, log=True),
    "model.conv_dropout": FloatDistribution(0.0, 0.6),
    "schedule.name": CategoricalDistribution(["cosine", "plateau"]),
    "schedule.patience": IntDistribution(2, 20),  # of plateau alone
}


def main() -> None:
    """Settings with a planted optimum of the rate, a weak one of the dropout, and two settings that do nothing."""
    draw = random.Random(0)
    trials = []
    for number in range(COUNT):
        # the ends of each range occur: a range is what was tried
        power, dropout = (
            (-4, 0.0) if number == 0 else (-1, 0.6) if number == 1 else (draw.uniform(-4, -1), draw.random() * 0.6)
        )
        values = {"optimizer.learning_rate": round(10**power, 6), "model.conv_dropout": round(dropout, 3)}
        values["schedule.name"] = draw.choice(["cosine", "plateau"]) if number > 1 else "plateau"
        if values["schedule.name"] == "plateau":
            values["schedule.patience"] = (2, 20)[number] if number < 2 else draw.randint(2, 20)
        result = 0.8 - 0.1 * (power + 2.5) ** 2 - 0.3 * (dropout - 0.2) ** 2 + draw.gauss(0, 0.01)
        trials.append({"values": values, "result": round(result, 4)})
    study = optuna.create_study(direction="maximize")
    for trial in trials:
        own = {name: KINDS[name] for name in trial["values"]}
        made = optuna.trial.create_trial(params=trial["values"], distributions=own, value=trial["result"])
        study.add_trial(made)
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=0.1)
    shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
    record = {"optuna": optuna.__version__, "trials": trials, "shares": {n: float(s) for n, s in shares.items()}}
    (Path(__file__).parent / "importance.json").write_text(json.dumps(record), encoding="utf-8")


if __name__ == "__main__":
    main()
