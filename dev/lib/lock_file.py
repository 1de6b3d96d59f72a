"""A file that a running command holds: who holds it, and is it still there?

The kernel lets go when the process dies, whatever way: no stale pid is ever believed.
"""

import fcntl
import os
import signal
import time
from pathlib import Path

from .terminal import Stop

PATIENCE_SECONDS = 40


class LockFile:
    """Hold `path` as long as this object lives; its text is our pid."""

    def __init__(self, path: Path, taken: str):
        """Raises Stop with the sentence `taken` when somebody else holds it."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = path.open("a+")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Stop(taken) from error
        self.file.truncate(0)
        self.file.write(str(os.getpid()))
        self.file.flush()

    def release(self) -> None:
        self.path.unlink(missing_ok=True)
        self.file.close()


def holder(path: Path) -> int | None:
    """The pid of the process that holds `path`, or None."""
    try:
        file = path.open("r")
    except FileNotFoundError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(file.read() or 0) or None
        return None


def end(path: Path) -> bool:
    """Ask the holder of `path` to end and wait for it; False when there is none."""
    pid = holder(path)
    if not pid:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while holder(path):
        if time.monotonic() > deadline:
            raise Stop(f"Process {pid} does not end: look at it, or kill it.")
        time.sleep(0.1)
    return True
