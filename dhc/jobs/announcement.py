"""What a worker says of itself while it works: which run it has in hand, what it waits for, that it lives."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from pathlib import Path
from typing import Any

from dhc.files import remove, write
from dhc.runs.contract import Worker
from dhc.runs.identity import identify
from dhc.runs.rundir import is_full

BEAT = 3.0  # seconds between two signs of life


class Announcement:
    """The worker's record beside the runs. What cannot be written is left out: it stops no queue."""

    def __init__(self, path: Path) -> None:
        self._path, self._identity = path, identify(os.getpid())
        self._values: dict[str, Any] = {}
        self._beat = -BEAT

    def write(self, **values: Any) -> None:
        """Say which ``run`` is in hand and which process is its ``child``, or what is waited for (``waits``)."""
        if values != self._values:
            self._values, self._beat = values, -BEAT
        self.beat()

    def beat(self) -> None:
        """Give a sign of life, if it is time for one."""
        now = time.monotonic()
        if now - self._beat < BEAT:
            return
        self._beat = now
        record = Worker(worker=self._identity, host=socket.gethostname(), beat=round(now, 3), **self._values)
        try:
            record.save(self._path)
        except OSError as error:
            self._write_without_room(record, error)

    def _write_without_room(self, record: Worker, error: OSError) -> None:
        """On a full disk, put the record into the file that is there: it needs no new one."""
        text = json.dumps(record.model_dump(mode="json", exclude_unset=True))
        with contextlib.suppress(OSError):
            if is_full(error):
                return write.overwrite(self._path, text.encode())
            self.withdraw()  # an old word would be wrong
        return None

    def withdraw(self) -> None:
        """Say nothing more."""
        with contextlib.suppress(OSError):
            remove.file(self._path)
