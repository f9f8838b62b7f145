"""Whether a file that is being written still has its writer: a lock that ends with the process."""

from __future__ import annotations

import contextlib
import os
import sys
import time

STALE = 3600.0  # seconds after which, on a file system without such locks, a file is a dead writer's, not a slow one's

if sys.platform == "win32":  # where nobody can remove a file that another has open

    def claim(fd: int) -> None:
        """Mark a file that was just made as being written, until it is closed."""

    def is_abandoned(fd: int) -> bool:
        """Whether nobody writes the file any more."""
        return True

else:
    import fcntl

    def claim(fd: int) -> None:
        """Mark a file that was just made as being written, until it is closed."""
        with contextlib.suppress(OSError):  # a file system without such locks
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def is_abandoned(fd: int) -> bool:
        """Whether nobody writes the file any more."""
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return time.time() - os.fstat(fd).st_mtime > STALE
        return True
