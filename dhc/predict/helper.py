"""The warm helper process: answers one question after the other, and ends when it is idle or nobody is there any more.

Keras is imported by the first question that needs it, or before it by `wake`. The questions are `ANSWERS`; a further one is a line there.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import IO

import psutil

from dhc.errors import UserError, sentence
from dhc.files.messages import Message, MessageError, read_message, write_message
from dhc.machine.keras_import import import_keras
from dhc.predict import layers
from dhc.predict.augmented import augment
from dhc.predict.between import between
from dhc.predict.networks import classify, look, warm
from dhc.predict.walk import walk

WITHOUT_KERAS = ("state", "augment")  # at least at times
LONGEST = 20_000  # characters of a traceback that are handed on
MEMORY = 3_000_000_000  # bytes above which it ends: four networks at full width and Keras take half of that


def state(question: Message) -> Message:
    """Which process answers, and whether it has Keras imported."""
    return Message({"pid": os.getpid(), "keras": "keras" in sys.modules})


def wake(question: Message) -> Message:
    """Import Keras and what asks a network, so that the first question about one is quick."""
    import dhc.explain.walk
    import dhc.predict.network  # noqa: F401

    return Message({})


ANSWERS: Mapping[str, Callable[[Message], Message]] = {
    "state": state,
    "wake": wake,
    "augment": augment,
    "classify": classify,
    "look": look,
    "layer_maps": layers.layer_maps,
    "first_filters": layers.first_filters,
    "unit_peaks": layers.unit_peaks,
    "layer_times": layers.layer_times,
    "warm": warm,
    "walk": walk,
    "between": between,
}


def serve(inlet: IO[bytes], outlet: IO[bytes], *, idle: float, memory: int = MEMORY) -> None:
    """Answer until the inlet is closed, or for `idle` seconds nothing was asked, or this process takes more than `memory` bytes.

    What TensorFlow keeps of networks that are gone comes back only with the end of the process; the next question starts another.
    """
    process = psutil.Process()
    questions: queue.Queue[Message | None] = queue.Queue()
    threading.Thread(target=_read_all, args=(inlet, questions.put), daemon=True).start()
    while True:
        try:
            question = questions.get(timeout=idle)
        except queue.Empty:
            return
        if question is None:
            return
        try:
            write_message(outlet, answer(question))
        except BrokenPipeError:  # whoever asked is gone
            return
        if process.memory_info().rss > memory:
            return


def answer(question: Message) -> Message:
    """The answer; a refusal in a sentence, or the traceback of a bug of ours, where there is none."""
    name = str(question.values["question"])
    try:
        if name not in WITHOUT_KERAS:
            import_keras()
        return ANSWERS[name](question)
    except (UserError, OSError) as error:
        return Message({"refusal": sentence(error)})
    except Exception:  # noqa: BLE001 - handed on whole to whoever asked, who logs it
        return Message({"traceback": traceback.format_exc()[-LONGEST:]})


def _read_all(inlet: IO[bytes], put: Callable[[Message | None], None]) -> None:
    """Hand on every message, and None at the end: a pipe cannot be waited for with a limit on every system."""
    try:
        while (message := read_message(inlet)) is not None:
            put(message)
    except (MessageError, OSError):
        traceback.print_exc()
    put(None)
