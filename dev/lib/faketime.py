"""libfaketime, from Debian: a clock of their own for some processes."""

import shutil
from pathlib import Path

from . import debian
from .odoo import FONT_SUITE as SUITE
from .paths import cache, logs
from .terminal import run, step

PACKAGE = "libfaketime"


def folder() -> Path:
    return cache() / f"{PACKAGE}-{SUITE}"


def library() -> Path:
    return next((folder() / "usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


def bring() -> None:
    """Unpack it into the cache, unless it is there."""
    if folder().exists():
        return
    log = logs() / "faketime.log"
    work = folder().with_suffix(".tmp")
    shutil.rmtree(work, ignore_errors=True)
    with step(f"fetching {PACKAGE} from Debian"):
        archive = debian.Archive(work / "apt", (SUITE,), log)
        for deb in archive.download([PACKAGE], f"{PACKAGE} cannot be fetched."):
            run(["dpkg", "-x", deb, work / "root"], log=log, failing="dpkg failed.")
    (work / "root").rename(folder())
    shutil.rmtree(work)


def forget(pid: int) -> None:
    """Remove the shared memory of a process that was killed."""
    for name in (f"faketime_shm_{pid}", f"sem.faketime_sem_{pid}"):
        (Path("/dev/shm") / name).unlink(missing_ok=True)


def variables(clock: Path) -> dict[str, str]:
    """Of a process whose clock is as the file says: `+1h`; read anew each time.

    Timeouts go by another clock, which no step moves.
    """
    return {
        "LD_PRELOAD": str(library()),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
