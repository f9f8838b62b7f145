"""``python -m dhc.jobs.courier RUN_DIR…``: tells the address in ``DHC_WEBHOOK`` how runs have ended.

What goes wrong stands in the worker's log, without what may be secret in the address: its path, its query, its user.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

from dhc.errors import UserError, sentence
from dhc.jobs.webhook import VARIABLE
from dhc.machine.priority import give_way
from dhc.runs.store import RunInfo, Store
from dhc.text import clean, count_text, duration_text, shorten

TIMEOUT: Final = 5.0  # seconds that the receiver may be silent
PAUSE: Final = 2.0  # seconds before the second and last attempt
MOST: Final = 20.0  # seconds for both, however slowly the receiver drips
LONGEST: Final = 500  # characters of a reason
PATHS: Final = re.compile(r"(?<![\w.])(?:[A-Za-z]:)?(?:[\\/][^\\/\s“”\"',;]+)+[\\/]([^\\/\s“”\"',;]+)")


def main(arguments: list[str]) -> int:
    """Tell how each run has ended; nothing of one that is gone or alive again. Returns the exit status."""
    give_way()
    return max([_tell(Path(argument)) for argument in arguments])


def _tell(folder: Path) -> int:
    try:
        place = address(os.environ.get(VARIABLE, ""))
        store = Store(folder.parent)
        message = message_of(store.run(folder.name), store.runs())
    except (UserError, OSError) as error:
        return _note(f"nothing was sent of {folder.name}: {sentence(error)}")
    if message is None:
        return 0
    problems: list[str] = []
    sender = threading.Thread(target=lambda: problems.append(send(place, message)), daemon=True)
    sender.start()
    sender.join(MOST)
    problem = problems[0] if problems else f"no whole answer within {MOST:g} s"
    return _note(f"{_public(place)} was not told of {folder.name}: {problem}") if problem else 0


def _note(line: str) -> int:
    print(f"webhook: {line}", file=sys.stderr, flush=True)
    return 1


def address(text: str) -> SplitResult:
    """The address, taken apart. Raises UserError, which does not quote it, for what is no http address."""
    try:
        parts = urlsplit(text.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not text.strip().isprintable() or " " in text.strip():
        raise UserError(f"{VARIABLE} is no address that begins with http:// or https://")
    return parts


def message_of(info: RunInfo, runs: list[RunInfo]) -> dict[str, Any] | None:
    """What is told of a run that has ended; None for one that has not, and for a search. Names no machine and no folder."""
    if info.state.alive or info.search is not None:
        return None
    left = sum(other.state.alive for other in runs if info.group and other.group == info.group)
    return {
        "event": "run ended",
        "text": _text(info, left),
        "id": info.id,
        "name": info.title,
        "state": info.state.value,
        "cause": info.status.cause,
        "reason": _without_places(info),
        "best_val_accuracy": info.best_val_accuracy,
        "best_epoch": info.best_epoch,
        "epochs": info.epochs_done,
        "epochs_asked": info.epochs_total,
        "seconds": info.seconds,
        "group": info.group,
        "group_left": left,
    }


def _text(info: RunInfo, left: int) -> str:
    """The message as a sentence, under the key that Slack, Mattermost and others show."""
    best = info.best_val_accuracy
    outcome = "" if best is None else f", best val_accuracy {best:.3f} at epoch {info.best_epoch}"
    after = "" if info.seconds is None else f" after {duration_text(info.seconds)}"
    group = f" {count_text(left, 'run')} of {clean(info.group)} to go." if left else ""
    over = f" {clean(info.group)} is over." if info.group and not left else ""
    return f"{clean(info.title)}: {info.state.value}{after}{outcome}.{group}{over}"


def _without_places(info: RunInfo) -> str:
    """Why it ended, with the last part of each path alone."""
    reason = info.status.reason
    if info.config is not None and len(info.config.data.path) > 1:  # first, since a path may hold what ends one
        reason = reason.replace(info.config.data.path, Path(info.config.data.path).name)
    return shorten(clean(PATHS.sub(r"…/\1", reason)), LONGEST)


def send(place: SplitResult, message: dict[str, Any]) -> str:
    """Post the message as JSON, twice at most; returns why that failed, or ""."""
    problem, final = _post(place, message)
    if problem and not final:
        time.sleep(PAUSE)
        problem, _ = _post(place, message)
    return problem


def _post(place: SplitResult, message: dict[str, Any]) -> tuple[str, bool]:
    """One attempt: why it failed, or "", and whether another one would fare no better."""
    try:
        with _opener().open(_request(place, message), timeout=TIMEOUT):
            return "", True
    except urllib.error.HTTPError as error:  # a redirect, too: what was told here is nobody else's
        with error:
            return f"it answered {error.code}", error.code < 500 and error.code not in (408, 429)
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        words = reason.strerror if isinstance(reason, OSError) and reason.strerror else type(reason).__name__
        return words, isinstance(error, ValueError)


def _opener() -> urllib.request.OpenerDirector:
    """Speaks HTTP and HTTPS, through a proxy where one is set; opens no file and follows no redirect."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _request(place: SplitResult, message: dict[str, Any]) -> urllib.request.Request:
    headers = {"Content-Type": "application/json", "User-Agent": "dhc"}
    if place.username is not None:
        user = f"{unquote(place.username)}:{unquote(place.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(user.encode()).decode()}"
    bare = place._replace(netloc=place.netloc.rpartition("@")[2], fragment="")
    return urllib.request.Request(bare.geturl(), json.dumps(message, allow_nan=False).encode(), headers, method="POST")  # noqa: S310 - http only, see `address`


def _public(place: SplitResult) -> str:
    """What of the address may stand in a log."""
    return f"{place.scheme}://{place.netloc.rpartition('@')[2]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
