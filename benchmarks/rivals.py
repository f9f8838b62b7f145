"""Nearest neighbours and decoding beside the libraries that are known to be fast, in CPU seconds and answers.

    pip install faiss-cpu usearch simplejpeg pyspng-seunglab
    python -m benchmarks.rivals [DATA] [--rounds 5]

DATA is a folder in the Kaggle layout, by default data/stand-in. Rivals that are not installed are left out.

neighbours  the nine nearest of each val picture among the training pictures, Euclidean and Manhattan: ours on uint8; faiss's exact
            IndexFlat on float32, made and searched; usearch's exact search on int8, the pixels less 128, which moves no distance.
decoding    4,000 of the training pictures as PNG and as JPEG (quality 90), from memory, on one thread: OpenCV's, which is what we use;
            libspng and libjpeg-turbo, which other packages bring; tensorflow's, as tf.data calls it.

Sides take turns; the table shows medians of the seconds that the process was on a core, and the fastest and slowest round.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

from dhc.config import DataConfig
from dhc.data.select import load_for_run
from dhc.models import knn

K = 9
PICTURES, QUALITY = 4000, 90
Side = Callable[[], Any]


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", default="data/stand-in")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    data = load_for_run(DataConfig(path=str(Path(options.data))), 0)
    train, val = np.ascontiguousarray(data.train.x), np.ascontiguousarray(data.val.x)
    print(f"\n{len(val):,} pictures among {len(train):,}, {K} nearest\n")
    table({metric: dict(searches(train, val, metric)) for metric in ("euclidean", "manhattan")}, options.rounds)
    pictures = train[:PICTURES]
    print(f"\n{len(pictures):,} pictures of {' × '.join(map(str, pictures.shape[1:]))}\n")
    files = {"PNG": encoded(pictures, ".png"), "JPEG": encoded(pictures, ".jpg", cv2.IMWRITE_JPEG_QUALITY, QUALITY)}
    table({form: dict(decoders(form, contents)) for form, contents in files.items()}, options.rounds)


def searches(train: np.ndarray, val: np.ndarray, metric: str) -> Iterator[tuple[str, Side]]:
    """Each side's search for the rows of the nearest, (Q, K)."""
    yield "ours", lambda: knn.neighbours(train, val, K, [metric])[metric]
    pool, queries = train.reshape(len(train), -1), val.reshape(len(val), -1)
    if find_spec("faiss"):
        yield "faiss", lambda: faiss_search(pool.astype(np.float32), queries.astype(np.float32), metric)
    if find_spec("usearch") and metric == "euclidean":
        yield "usearch", lambda: usearch_search(moved(pool), moved(queries))


def faiss_search(pool: np.ndarray, queries: np.ndarray, metric: str) -> np.ndarray:
    """faiss's exact rows."""
    import faiss

    index = faiss.IndexFlat(pool.shape[1], {"euclidean": faiss.METRIC_L2, "manhattan": faiss.METRIC_L1}[metric])
    index.add(pool)
    rows: np.ndarray = index.search(queries, K)[1]
    return rows


def usearch_search(pool: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """usearch's exact rows."""
    from usearch.index import MetricKind, search

    rows: np.ndarray = search(pool, queries, K, MetricKind.L2sq, exact=True).keys.astype(np.int64)
    return rows


def moved(x: np.ndarray) -> np.ndarray:
    """uint8 as int8, less 128."""
    return (x ^ 128).view(np.int8)


def encoded(pictures: np.ndarray, form: str, *options: int) -> list[bytes]:
    """The pictures' files."""
    return [cv2.imencode(form, picture, options)[1].tobytes() for picture in pictures]


def decoders(form: str, contents: Sequence[bytes]) -> Iterator[tuple[str, Side]]:
    """Each side's decoding of the files, in the order of OpenCV's channels or not."""

    def ours() -> list[Any]:
        return [cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) for content in contents]

    yield "ours (OpenCV)", ours
    if form == "PNG" and find_spec("pyspng"):
        import pyspng

        yield "libspng", lambda: [pyspng.load(content) for content in contents]
    if form == "JPEG" and find_spec("simplejpeg"):
        import simplejpeg

        yield "libjpeg-turbo", lambda: [simplejpeg.decode_jpeg(content, colorspace="BGR") for content in contents]
    if find_spec("tensorflow"):
        import tensorflow as tf

        decode = {"PNG": tf.io.decode_png, "JPEG": tf.io.decode_jpeg}[form]
        files = tf.data.Dataset.from_tensor_slices(list(contents)).map(decode, num_parallel_calls=1)
        yield "tf.data", lambda: [len(batch) for batch in files.batch(256)]


def table(sides_by_task: Mapping[str, Mapping[str, Side]], rounds: int) -> None:
    """Run the sides in turn and print what each took, as Markdown."""
    print("| task | side | CPU seconds (spread) | times ours | the same answers |")
    print("|---|---|---|---|---|")
    for task, sides in sides_by_task.items():
        answers = {name: side() for name, side in sides.items()}  # nobody's first time counts
        times = [{name: cpu_seconds(side) for name, side in sides.items()} for _ in range(rounds)]
        first = next(iter(sides))
        for name in sides:
            own = sorted(one[name] for one in times)
            ratio = median(one[name] / one[first] for one in times)
            same = (
                ""
                if name == first or not isinstance(answers[name], np.ndarray)
                else share(answers[first], answers[name])
            )
            print(
                f"| {task} | {name} | {median(own):.2f} ({own[0]:.2f}–{own[-1]:.2f}) | {ratio:.2f} | {same} |",
                flush=True,
            )


def share(one: np.ndarray, other: np.ndarray) -> str:
    """How many of the answers are equal."""
    return f"{(one == other).mean():.2%}"


def cpu_seconds(side: Side) -> float:
    """The seconds of a core that it takes, all threads together."""
    start = time.process_time()
    side()
    return time.process_time() - start


if __name__ == "__main__":
    main()
