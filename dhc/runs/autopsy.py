"""What happened to a run that did not finish, in plain words, and what helps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dhc.config import RunConfig
from dhc.errors import ConfigError
from dhc.runs import rundir
from dhc.runs.contract import Exit, Request
from dhc.runs.status import State
from dhc.runs.store import RunInfo, log_tail
from dhc.text import size_text

FRAME = re.compile(r'^\s*File "(?P<file>.+)", line (?P<line>\d+), in (?P<function>.+)$')
LOG_LINES = 12
MISSING = ("device", "package")  # causes that last until something comes that is not here
SKIP_BAD = "data.skip_bad"  # a refusal of unreadable pictures names it, where some can be read
HOPELESS = ("nan", "state")  # causes that going on would only meet again
HEADLINES = {
    "stop": "You, or someone else, stopped it.",
    "cancelled": "It was taken out of the queue while it waited.",
    "median": "It was stopped early: it did worse than the others of its group.",
    "nan": "The loss became NaN{at}: numbers had grown beyond all bounds, and no epoch after that can be of use.",
    "memory": "It ran out of memory{at}.",
    "disk": "The disk was full{at}.",
    "folder": "Its folder could not be written to{at}.",
    "data": "Its pictures could not be read.",
    "settings": "Its settings are not sound.",
    "device": "The device that it was to run on is not here.",
    "package": "A package that it needs is not installed here.",
    "state": "It could not go on from its saved state.",
    "kill": "You, or someone else, killed it{at}.",
    "signal": "Someone, or the system, killed its process{at}.",
    "library": "Its process crashed inside a library{at}.",
    "restart": "The machine restarted while it ran{at}.",
    "elsewhere": "It ran on another machine, or in another container: from here nobody can see how it ended.",
    "start": "It was never started.",
    "hung": "Its training is over{at}, and its worker hung before it could say how that ended.",
    "renamed": "Its folder was renamed, moved or copied before its end was recorded{at}.",
    "node": "Its machine was lost{at}, again and again.",
    "limit": "It reached the cluster's time limit{at}.",
    "scancel": "Somebody cancelled it{at} by Slurm's own command, scancel.",
    "engine": "The cluster refused it, or knows nothing of it any more{at}.",
    "unread": "Its end was recorded, but exit.json cannot be read.",
    "lost": "Its process and the one that watched over it are gone{at}, and neither said why: both were killed, or memory ran out.",
    "error": "It met an error{at}.",
}


@dataclass(frozen=True)
class Offer:
    """Something that helps.

    kind    resume: go on; restart: start a copy with `changes`; free: make room on the disk; kill: end the worker that hangs;
            machines: look at the cluster and its settings
    """

    kind: Literal["resume", "restart", "free", "kill", "machines"]
    label: str
    help: str
    changes: Mapping[str, Any] = field(default_factory=dict)


COPY = Offer("restart", "Start a copy", "A copy of this run with the same settings, from the first epoch.")


CLUSTER: Mapping[str, Offer] = {
    "limit": Offer("machines", "Raise the time limit", "Then resume it: it goes on from its last saved epoch."),
    "node": Offer("machines", "Look at the machines", "What those that it was lost with have in common."),
    "engine": Offer(
        "machines", "Look at the cluster", "Whether it answers, what is wrong, and its settings; *Try it*, then resume."
    ),
}
MORE_MEMORY = Offer(
    "machines", "Give runs more memory", "Under Slurm a run has what the settings ask for; then resume it."
)
END_WORKER = Offer("kill", "End the hung worker", "Records how the training ended; then the queue goes on.")


@dataclass(frozen=True)
class Autopsy:
    """What can be said of a run that did not finish, and offered.

    headline  what happened, in plain words
    reason    the sentence in the run's exit record
    frame     the last frame of the traceback in its log, or ""
    log       the last lines of its log
    """

    headline: str
    reason: str
    frame: str
    log: str
    offers: tuple[Offer, ...]


def autopsy(info: RunInfo, *, freeable: int = 0) -> Autopsy | None:
    """The autopsy of a run that ended without finishing; None for any other.

    `freeable` is how many bytes could be freed in the folder of runs.
    """
    if info.state.alive or info.state is State.FINISHED:
        return None
    cause = info.status.cause or "error"
    at = _where(info)
    headline = HEADLINES.get(cause, HEADLINES["error"]).format(at=at)
    log = log_tail(info.folder, LOG_LINES)
    return Autopsy(headline, info.status.reason, last_frame(info), log, offers(info, cause, freeable))


def offers(info: RunInfo, cause: str, freeable: int = 0) -> tuple[Offer, ...]:
    """What helps against a cause, the likeliest first."""
    if cause == "hung" and info.state is State.CRASHED:  # nobody has ended it yet
        return (END_WORKER,)
    free = [_free(freeable)] if cause == "disk" else []
    has_settings = info.config is not None
    resume: list[Offer | None] = [_resume(info)] if has_settings and cause not in HOPELESS else []
    free += [CLUSTER[cause]] if cause in CLUSTER else []
    free += [MORE_MEMORY] if cause == "memory" and Request.of(info.folder).queue == "slurm" else []
    restart: list[Offer | None] = [COPY] if has_settings and cause == "state" else []
    if info.config is not None:
        changes = _changes(info.config, cause, info.status.reason)
        restart += [_restart(info.config, label, help, to) for label, help, to in changes]
    candidates = [*restart, *resume] if cause in (*MISSING, "data") else [*free, *resume, *restart]
    return tuple(offer for offer in candidates if offer is not None)


def last_frame(info: RunInfo) -> str:
    """The last frame of the log's traceback: ``dhc/training/loop.py, line 87, in _fit``, or ""."""
    text = log_tail(info.folder, 200)
    if "Traceback (most recent call last)" not in text:
        return ""
    frames = [match for line in text.splitlines() if (match := FRAME.match(line))]
    if not frames:
        return ""
    file = re.sub(r"^.*?/(dhc/|site-packages/)", r"\1", frames[-1]["file"]).removeprefix("site-packages/")
    return f"{file}, line {frames[-1]['line']}, in {frames[-1]['function']}"


def _where(info: RunInfo) -> str:
    """`` at epoch 7, by batch 112``, as far as that is known."""
    end = Exit.of(info.folder)
    if end.epoch is not None:
        return f" at epoch {end.epoch:,}" + (f", by batch {end.batch:,}" if end.batch is not None else "")
    if info.epochs_done and info.config is not None and info.config.uses("fit.epochs"):
        return f" in epoch {info.epochs_done + 1:,}"
    return ""


def _resume(info: RunInfo) -> Offer:
    epoch = rundir.next_epoch(info.folder)
    if epoch > 1:
        return Offer(
            "resume",
            f"Resume at epoch {epoch:,}",
            "Goes on as if nothing had happened: same weights, learning rate, counters, shuffling and dropout.",
        )
    return Offer(
        "resume", "Start again", "From the first epoch, with the same settings: no state to go on from was saved."
    )


def _free(freeable: int) -> Offer | None:
    if freeable <= 0:
        return None
    return Offer(
        "free",
        f"Free disk space: {size_text(freeable)}",
        "Saved states of runs that have ended, and the trash, take that much.",
    )


def _changes(config: RunConfig, cause: str, reason: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Labels, helps and changes of the copies worth starting."""
    if cause == "data" and SKIP_BAD in reason:
        help = "A copy of this run that trains on the pictures that can be read; its log lists the others."
        return [("Leave out unreadable pictures", help, {SKIP_BAD: True})]
    if cause == "nan":
        rate = float(f"{config.optimizer.learning_rate / 10:.6g}")
        lower = {"optimizer.learning_rate": rate, "schedule.min_lr": min(config.schedule.min_lr, rate)}
        slower = ("Restart with LR ÷ 10", f"A copy of this run with learning rate {rate:g}.", lower)
        wider = (
            "Restart in float32",
            "A copy of this run whose numbers have 32 bits.",
            {"device.precision": "float32"},
        )
        return [slower, *([wider] if config.device.precision.startswith("mixed") else [])]
    if cause == "memory":
        half = max(1, config.fit.batch_size // 2)
        width = config.model.width / 2
        return [
            (
                "Restart with batch size halved",
                f"A copy of this run with {half} pictures a batch.",
                {"fit.batch_size": half},
            ),
            ("Restart at half the width", f"A copy of this run with width {width:g}.", {"model.width": width}),
        ]
    if cause == "device":
        return [
            (
                "Restart on any device",
                "A copy of this run on a GPU where there is one, else on the CPU.",
                {"device.device": "auto"},
            )
        ]
    if cause == "package":
        return [
            (
                "Restart with TensorFlow",
                "A copy of this run with the backend that is always there.",
                {"device.backend": "tensorflow"},
            )
        ]
    if cause in ("node", "engine"):
        return [
            (
                "Start a copy here",
                "A copy of this run on this machine, from the first epoch.",
                {"device.where": "here"},
            )
        ]
    if cause == "library":
        return [
            (
                "Restart without XLA",
                "A copy of this run without the compiler, which is where libraries crash most.",
                {"device.jit": "off"},
            )
        ]
    return []


def _restart(config: RunConfig, label: str, help: str, changes: dict[str, Any]) -> Offer | None:
    """The offer where its changes have an effect and are allowed."""
    in_effect = {name: value for name, value in changes.items() if config.uses(name) and config.get(name) != value}
    if not in_effect:
        return None
    try:
        config.with_values(in_effect)
    except ConfigError:
        return None
    return Offer("restart", label, help, in_effect)
