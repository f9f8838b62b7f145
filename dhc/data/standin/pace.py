"""How long this machine takes to draw pictures, by how long it takes to draw a few and by what else it does."""

from __future__ import annotations

import os
import statistics
import time
from functools import cache

import cv2
import numpy as np
import psutil

from dhc.data.standin.draw import draw_pictures
from dhc.data.standin.generate import workers
from dhc.data.standin.palettes import CLASSES
from dhc.data.standin.recipe import Recipe

START = 2.0  # seconds until the first picture: the command, its processes
WRITING = 1.3  # so many times longer with files than without
SAMPLE, EVERY = 4, 8  # pictures of each eighth class


def seconds_to_draw(recipe: Recipe) -> float:
    """About how long the drawing takes here and now. Raises DataError when the recipe makes no data set."""
    pictures = sum(recipe.sizes().values())
    processes = workers(pictures)
    return _crowding(processes) * (START + pictures * WRITING * _seconds_a_picture() / processes)


def _crowding(processes: int) -> float:
    """How many times longer so many more processes take for sharing the cores with those that work already; at least 1."""
    load: float = psutil.getloadavg()[0]
    return max(1.0, (load + processes) / (os.cpu_count() or 1))


@cache
def _seconds_a_picture() -> float:
    """Seconds of a core for drawing and encoding one picture, measured once a process."""
    return statistics.median(_timed(number) for number in range(0, len(CLASSES), EVERY))


def _timed(number: int) -> float:
    start = time.thread_time()  # of the processor: who else uses it is `_crowding`'s matter
    for picture in draw_pictures(CLASSES[number], SAMPLE, np.random.default_rng(number)):
        cv2.imencode(".png", picture)
    return (time.thread_time() - start) / SAMPLE
