"""Planted label errors: how many of the swapped training labels stand among the first pictures that Review shows.

    python -m benchmarks.suspects [DATA] [--wrong 200] [--shown 300] [--preset quick] [--classes 0] [--seeds 0]

Pairs of training pictures of different classes exchange their labels in a copy of the data set, one run is trained on it as anyone would,
and its training pictures are put in the order of Review, and in others to compare. The copies and the runs are kept in --out; what is
there already is not made again.
"""

from __future__ import annotations

import argparse
import csv
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.recipes import ended, launched
from dhc.analysis import dynamics as of_dynamics
from dhc.analysis import suspects
from dhc.data.layout import open_dataset
from dhc.models.presets import preset_config
from dhc.runs.contract import UsedPictures
from dhc.runs.dynamics import Dynamics, read_dynamics
from dhc.runs.store import Store

SWAPPED = "swapped.csv"  # beside the copy's tables: which pictures have a wrong label


def main() -> None:
    """Swap, train what is missing, rank, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=Path("data/stand-in"))
    parser.add_argument("--wrong", type=int, default=200, help="labels that are wrong")
    parser.add_argument("--shown", type=int, default=300, help="pictures that are looked at")
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--classes", type=int, default=0, help="the first so many classes; 0 is all")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/out/suspects"))
    options = parser.parse_args()
    store = Store(options.out / "runs")
    print("| seed | val_accuracy | order | among the first " + f"{options.shown:,} |")
    print("|---|---|---|---|", flush=True)
    for seed in map(int, options.seeds.split(",")):
        copy, wrong = swapped(options.data, options.out, options.wrong, options.classes, seed)
        changes = {"data.path": str(copy.resolve()), "data.classes": options.classes, "fit.seed": seed}
        info = ended(store, launched(store, preset_config(options.preset).with_values(changes)))
        dynamics = read_dynamics(info.folder)
        assert dynamics is not None
        files = np.array(UsedPictures.of(info.folder).train.files)
        for name, order in orders(dynamics).items():
            found = len(wrong & set(files[order[: options.shown]].tolist()))
            print(
                f"| {seed} | {info.best_val_accuracy:.3f} | {name} | {found} of {len(wrong)}, {found / len(wrong):.1%} |"
            )


def swapped(data: Path, out: Path, count: int, classes: int, seed: int) -> tuple[Path, set[str]]:
    """A copy of the data set in which `count` training labels of the first `classes` are exchanged, and those files."""
    copy = out / f"swapped-{count}-{classes}-{seed}"
    if not (copy / SWAPPED).exists():
        shutil.copytree(data, copy, dirs_exist_ok=True)
        (copy / "about.json").unlink(missing_ok=True)  # no longer what its maker drew
        _swap(copy, count, classes, seed)
    with (copy / SWAPPED).open(newline="") as file:
        return copy, {row["file"] for row in csv.DictReader(file)}


def _swap(copy: Path, count: int, classes: int, seed: int) -> None:
    dataset = open_dataset(copy)
    train = dataset.splits["train"]
    assert train.y is not None
    rng = np.random.default_rng([seed, 15])
    labels = train.y.copy()
    left = rng.permutation(np.flatnonzero(labels < (classes or len(dataset.classes)))).tolist()
    changed: list[int] = []
    while len(changed) < count - 1:
        first = left.pop()
        second = next(row for row in reversed(left) if train.y[row] != train.y[first])
        left.remove(second)
        labels[[first, second]] = labels[[second, first]]
        changed += [first, second]
    with (copy / "train.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("Image", "Class"))
        writer.writerows((Path(train.files[row]).name, dataset.classes[label]) for row, label in enumerate(labels))
    with (copy / SWAPPED).open("w", newline="") as file:
        csv.writer(file).writerows([("file",), *((train.files[row],) for row in changed)])


def orders(dynamics: Dynamics) -> Mapping[str, np.ndarray]:
    """Ways to order training pictures, the most suspect first: that of Review, and others."""
    last = Dynamics(dynamics.epochs[-1:], dynamics.p[-1:], dynamics.margin[-1:])
    scores = {
        "area under the margin": of_dynamics.area_under_margin(dynamics),
        "mean probability": of_dynamics.confidence(dynamics),
        "margin of the last epoch": of_dynamics.area_under_margin(last),
    }
    return {"Review": suspects.of_train(dynamics).order} | {
        name: np.argsort(np.nan_to_num(score, nan=np.inf), kind="stable") for name, score in scores.items()
    }


if __name__ == "__main__":
    main()
