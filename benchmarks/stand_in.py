"""Is the stand-in data set as hard as the competition's? Prints the report's ladder beside what is measured here.

    python benchmarks/stand_in.py DIR [--steps knn,cnn3-linear,cnn3,cnn3-dropout,good] [--epochs 30] [--good-epochs 30]

KNN is the report's (k = 5, Euclidean, raw pixels / 255). The small networks are the report's own at its 32x32 input.
"good" stands for a tuned recipe at a size that a CPU can train: a narrow residual network with batch normalisation,
flips and rotations of the input, AdamW, a cosine learning rate; the report's VGG16 takes hours on a CPU.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

REPORTED = {"knn": "0.16", "cnn3-linear": "0.42", "cnn3": "0.50", "cnn3-dropout": "0.55", "good": "0.89-0.94"}


class Split(NamedTuple):
    """x: (N, 64, 64, 3) uint8; y: (N,) int64."""

    x: NDArray[np.uint8]
    y: NDArray[np.int64]


class Score(NamedTuple):
    """Shares of the val pictures: the very class, and at least the family (the name's first word)."""

    accuracy: float
    family: float
    seconds: float


def main() -> None:
    """Measure the steps asked for, and print one row for each as it is done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--steps", default=",".join(REPORTED))
    parser.add_argument("--epochs", type=int, default=30, help="of the small networks")
    parser.add_argument("--good-epochs", type=int, default=30)
    parser.add_argument("--classes", type=int, help="only the first so many, in text order")
    parser.add_argument("--train", type=int, help="only the first so many training pictures")
    arguments = parser.parse_args()
    train, val, names = read(arguments.data, arguments.classes, arguments.train)
    print(f"{len(names)} classes, {len(train.y):,} train and {len(val.y):,} val pictures of {arguments.data}")
    print(f"{'step':14}{'reported':>10}{'here':>8}{'family':>8}{'seconds':>9}", flush=True)
    for step in arguments.steps.split(","):
        score = measure(step, train, val, names, arguments.good_epochs if step == "good" else arguments.epochs)
        print(f"{step:14}{REPORTED[step]:>10}{score.accuracy:8.3f}{score.family:8.3f}{score.seconds:9.0f}", flush=True)


def read(root: Path, classes: int | None = None, most: int | None = None) -> tuple[Split, Split, list[str]]:
    """The training and val pictures of a stand-in folder, and the class names in label order."""
    tables = {split: pd.read_csv(root / f"{split}.csv") for split in ("train", "val")}
    names = sorted(tables["train"]["Class"].unique())[:classes]
    splits = []
    for split, table in tables.items():
        kept = table[table["Class"].isin(names)].iloc[: most if split == "train" else None]
        pictures = [cv2.imread(str(root / f"{split}_images" / file))[..., ::-1] for file in kept["Image"]]
        splits.append(Split(np.stack(pictures), kept["Class"].map(names.index).to_numpy(np.int64)))
    return splits[0], splits[1], names


def measure(step: str, train: Split, val: Split, names: list[str], epochs: int) -> Score:
    """Train (or look up) one step of the ladder and score it on val."""
    start = time.perf_counter()
    predicted = knn(train, val, len(names)) if step == "knn" else network(step, train, val, len(names), epochs)
    families = np.array([name.split()[0] for name in names])
    same = families[predicted] == families[val.y]
    return Score(float((predicted == val.y).mean()), float(same.mean()), time.perf_counter() - start)


def knn(train: Split, val: Split, classes: int, k: int = 5) -> NDArray[np.int64]:
    """Most frequent class among the k nearest training pictures (squared Euclidean distance by one matrix product)."""
    pool, asked = (split.x.reshape(len(split.x), -1).astype(np.float32) / 255 for split in (train, val))
    distance = (pool * pool).sum(1)[None] - 2 * (asked @ pool.T)
    nearest = np.argpartition(distance, k, axis=1)[:, :k]
    votes = np.zeros((len(asked), classes), np.int64)
    np.add.at(votes, (np.arange(len(asked))[:, None], train.y[nearest]), 1)
    return votes.argmax(1)


def network(step: str, train: Split, val: Split, classes: int, epochs: int) -> NDArray[np.int64]:
    """Train one network; predicted classes of val at its best epoch, as the report's checkpoint keeps it."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras  # here, for the KNN step does without

    keras.utils.set_random_seed(0)
    model = good_network(classes) if step == "good" else small_network(step, classes)
    batches = -(-len(train.y) // 64)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, epochs * batches - batches, warmup_target=3e-3, warmup_steps=batches
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=0.02) if step == "good" else keras.optimizers.Adam(1e-3)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    best: tuple[float, Any] = (0.0, None)
    rng = np.random.default_rng(0)
    for _ in range(epochs):
        x = augmented(train.x, rng) if step == "good" else train.x
        model.fit(x, train.y, batch_size=64 if step == "good" else 32, verbose=0)
        predicted = model.predict(val.x, batch_size=250, verbose=0).argmax(1)
        best = max(best, (float((predicted == val.y).mean()), predicted), key=lambda pair: pair[0])
    return best[1]


def augmented(pictures: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Each picture flipped both ways at random, then turned, scaled and shifted a little."""
    out = np.empty_like(pictures)
    for i, picture in enumerate(pictures):
        flipped = picture[:: rng.choice((-1, 1)), :: rng.choice((-1, 1))]
        warp = cv2.getRotationMatrix2D((31.5, 31.5), rng.uniform(-30, 30), rng.uniform(0.85, 1.15))
        warp[:, 2] += rng.uniform(-6, 6, 2)
        out[i] = cv2.warpAffine(flipped, warp, (64, 64), borderMode=cv2.BORDER_REFLECT_101)
    return out


def small_network(step: str, classes: int) -> Any:
    """The report's first networks: three convolutions; without or with dense layers and dropout."""
    from keras import Sequential, layers

    first = [layers.Input((64, 64, 3)), layers.Rescaling(1 / 255), layers.Resizing(32, 32)]
    if step == "cnn3-linear":
        body = [part for _ in range(3) for part in (layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D())]
        return Sequential([*first, *body, layers.Flatten(), layers.Dense(classes, activation="softmax")])
    rate = 0.3 if step == "cnn3-dropout" else 0.0
    body = []
    for width in (16, 32, 64):
        body += [layers.Conv2D(width, 3, activation="relu"), layers.BatchNormalization(), layers.MaxPooling2D()]
        body += [layers.Dropout(rate)] if rate else []
    body += [layers.Flatten(), layers.Dense(3000, activation="relu"), layers.Dense(1000, activation="relu")]
    return Sequential([*first, *body, layers.Dense(classes, activation="softmax")])


def good_network(classes: int) -> Any:
    """A narrow residual network, 1.1 million parameters: four stages of 24 to 192 channels."""
    from keras import Model, layers

    def unit(x: Any, width: int, stride: int = 1) -> Any:
        x = layers.Conv2D(width, 3, strides=stride, padding="same", use_bias=False)(x)
        return layers.ReLU()(layers.BatchNormalization()(x))

    pictures = layers.Input((64, 64, 3))
    x = unit(layers.Rescaling(1 / 127.5, offset=-1)(pictures), 24, 2)
    for width in (48, 96, 192):
        x = unit(x, width, 2)
        x = layers.Add()([x, unit(unit(x, width), width)])
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    return Model(pictures, layers.Dense(classes, activation="softmax")(x))


if __name__ == "__main__":
    main()
