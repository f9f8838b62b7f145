"""What the questions to a finished run's network cost: predictions, maps of what it looked at, feature maps, a t-SNE.

    python -m benchmarks.why RUNS/ID [--data DATA] [--rounds 20]

The run must have its network; DATA is the folder of its pictures where they lie elsewhere than its settings say. One warm helper
process is asked, as the screens ask it, each time about another val picture; the first question also starts Keras. Maps of what it
looked at are those of its last convolution, feature maps those of its first. t-SNE is that of Map, on one thread, of up to 1,000 val and
training pictures. CPU seconds are hardly more where other work shares the machine. What the record of the training pictures costs an
epoch is measured by `benchmarks.dynamics`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import psutil

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
QUESTIONS = 200  # before the helper's memory is looked at again
AT_ONCE = 100  # pictures of one question for features
HEADER = "| what | first (s) | later: median (s) | least to most (s) | CPU, mean (s) |\n|---|---|---|---|---|"


class Asked:
    """The network of a run and the helper process that has it; its questions are timed one picture at a time."""

    def __init__(self, folder: Path, x: np.ndarray, rounds: int) -> None:
        self.helper = Warm()
        self._folder = str(folder.resolve())
        self._pictures = [x[n % len(x)][None] for n in range(rounds + 1)]

    def features(self, x: np.ndarray) -> np.ndarray:
        """The values before the last layer, (N, F) float32."""
        parts = [x[at : at + AT_ONCE] for at in range(0, len(x), AT_ONCE)]
        answers = [self.helper.ask("classify", {"x": part}, folder=self._folder).arrays for part in parts]
        return np.concatenate([answer["features"] for answer in answers])

    def row(
        self, what: str, question: str, arrays: Mapping[str, np.ndarray] = MappingProxyType({}), **values: object
    ) -> None:
        """Ask about each picture and print a line."""
        times, before = [], 0.0
        for number, one in enumerate(self._pictures):
            start = time.perf_counter()
            self.helper.ask(question, {"x": one, **arrays}, folder=self._folder, **values)
            times.append(time.perf_counter() - start)
            before = before if number else self.cpu_seconds()
        later = times[1:]
        mean = (self.cpu_seconds() - before) / len(later)
        span = f"{statistics.median(later):.3f} | {min(later):.3f}–{max(later):.3f} | {mean:.3f}"
        print(f"| {what} | {times[0]:.2f} | {span} |", flush=True)

    def memory_row(self, when: str) -> None:
        """Print a line on what the helper process takes."""
        size = psutil.Process(self.helper.pid).memory_info().rss
        print(f"| the helper's memory {when} | {size / 1e6:,.0f} MB | – | – | – |", flush=True)

    def cpu_seconds(self) -> float:
        """What the helper process has used so far."""
        times = psutil.Process(self.helper.pid).cpu_times()
        return times.user + times.system


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
    plan = judged(plan_of(config, len(dataset.classes)))
    convolution = next(place for place, layer in enumerate(plan) if isinstance(layer, Conv2D))
    asked = Asked(arguments.run, x, arguments.rounds)
    print(HEADER, flush=True)
    try:
        asked.row("prediction of one picture", "classify")
        for title, kind in MAPS.items():
            one_class = {"classes": np.zeros(1, np.int64)}
            asked.row(f"{title} of one picture", "look", one_class, kind=kind, layer=-1, random=False)
        asked.row("feature maps of a convolution", "layer_maps", epoch=0, place=convolution)
        asked.memory_row("after these")
        for count in np.random.default_rng(0).integers(1, AT_ONCE, QUESTIONS):
            asked.features(x[:count])
        asked.memory_row(f"after {QUESTIONS} questions about 1 to {AT_ONCE} pictures")
        pictures, start, before = np.concatenate([x, train])[:POINTS], time.perf_counter(), asked.cpu_seconds()
        features = asked.features(pictures)
        _once(f"features of {len(pictures):,} pictures", time.perf_counter() - start, asked.cpu_seconds() - before)
    except (UserError, HelperError) as error:
        sys.exit(str(error))
    finally:
        asked.helper.close()
    start, before = time.perf_counter(), time.process_time()
    tsne(principal(features)[0])
    what = f"t-SNE of {len(features):,} pictures, {features.shape[1]:,} values each"
    _once(what, time.perf_counter() - start, time.process_time() - before)


def _once(what: str, seconds: float, cpu_seconds: float) -> None:
    print(f"| {what} | {seconds:.2f} | – | – | {cpu_seconds:.2f} |", flush=True)


if __name__ == "__main__":
    main()
