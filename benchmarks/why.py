"""What the questions to a finished run's network cost: predictions, maps of what it looked at, feature maps, a t-SNE.

    python -m benchmarks.why RUNS/ID [--data DATA] [--rounds 20]

The run must have its network; DATA is the folder of its pictures where they lie elsewhere than its settings say. One warm helper
process is asked, as the screens ask it, each time about another val picture; the first question also starts Keras. Maps of what it
looked at are those of its last convolution; feature maps those of its first. t-SNE is that of Map, on one thread, of up to 1,000 val and
training pictures. What the record of the training pictures costs an epoch is measured by `benchmarks.dynamics`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dhc.analysis.embedding import principal, tsne
from dhc.analysis.network import judged
from dhc.data.decode import load_pictures
from dhc.data.layout import open_dataset
from dhc.errors import UserError
from dhc.jobs.warm import HelperError, Warm
from dhc.models.ladder import plan_of
from dhc.models.plan import Conv2D
from dhc.runs.config_file import read_config

MAPS = {"Grad-CAM": "grad_cam", "Grad-CAM++": "grad_cam_pp", "SmoothGrad": "saliency", "occlusion": "occlusion"}
POINTS = 1000  # of the t-SNE
AT_ONCE = 100  # pictures of one question for features


def main() -> None:
    """Ask, time, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    config, problem = read_config(arguments.run)
    if config is None:
        sys.exit(f"{arguments.run}: {problem}")
    dataset = open_dataset(arguments.data or Path(config.data.path))
    x, train = (load_pictures(dataset, split, skip_bad=True).x for split in ("val", "train"))
    first = next(
        place for place, layer in enumerate(judged(plan_of(config, len(dataset.classes)))) if isinstance(layer, Conv2D)
    )
    helper, folder = Warm(), str(arguments.run.resolve())

    def classify(pictures: np.ndarray) -> np.ndarray:
        return helper.ask("classify", {"x": pictures}, folder=folder).arrays["features"]

    print("| what | first (s) | later: median (s) | least to most (s) |")
    print("|---|---|---|---|", flush=True)
    try:
        rounds = [x[n % len(x)][None] for n in range(arguments.rounds + 1)]
        show("prediction of one picture", [seconds(lambda one=one: classify(one)) for one in rounds])
        for title, kind in MAPS.items():

            def look(one: np.ndarray, kind: str = kind) -> None:
                arrays = {"x": one, "classes": np.zeros(1, np.int64)}
                helper.ask("look", arrays, folder=folder, kind=kind, layer=-1, random=False)

            show(f"{title} of one picture", [seconds(lambda one=one: look(one)) for one in rounds])

        def feature_maps(one: np.ndarray) -> None:
            helper.ask("layer_maps", {"x": one}, folder=folder, epoch=0, place=first)

        show("feature maps of a convolution", [seconds(lambda one=one: feature_maps(one)) for one in rounds])
        pictures = np.concatenate([x, train])[:POINTS]
        start = time.perf_counter()
        features = np.concatenate([classify(pictures[at : at + AT_ONCE]) for at in range(0, len(pictures), AT_ONCE)])
        show(f"features of {len(pictures):,} pictures", [time.perf_counter() - start])
    except (UserError, HelperError) as error:
        sys.exit(str(error))
    finally:
        helper.close()
    show(
        f"t-SNE of {len(features):,} pictures, {features.shape[1]:,} values each",
        [seconds(lambda: tsne(principal(features)[0]))],
    )


def seconds(do: Callable[[], object]) -> float:
    """How long it took."""
    start = time.perf_counter()
    do()
    return time.perf_counter() - start


def show(what: str, times: list[float]) -> None:
    """A line of the table; of a single time only that."""
    first, later = times[0], times[1:]
    rest = f"{statistics.median(later):.3f} | {min(later):.3f}–{max(later):.3f}" if later else "–  | –"
    print(f"| {what} | {first:.2f} | {rest} |", flush=True)


if __name__ == "__main__":
    main()
