"""A throwaway instance: for one run of the tests or of the benchmarks."""

import contextlib
import os
import shutil
import signal
from pathlib import Path

from . import instance, paths, setup
from .instance import Instance, Tools
from .lock_file import LockFile, holder


@contextlib.contextmanager
def instance_for(tools: Tools, name: str, demo: bool = True):
    """A started instance that is gone afterwards, with databases and processes.

    `demo`: copied from the template with Odoo's demo data, or from the one without.
    Its logs (*.log in its folder) are kept for reading.
    """
    sweep()
    folder = paths.state() / f"temp-{name}-{os.getpid()}"
    lock = LockFile(lock_of(folder), f"{folder} is in use.")
    try:
        with setup.lock():
            seed = instance.seed(tools, demo)
        yield instance.plant(seed, folder, tools)
    finally:
        for log in folder.glob("*.log"):
            shutil.copy(log, kept(log))
        Instance(folder, tools).remove()
        lock.release()


def kept(log: Path) -> Path:
    """Where a log of a throwaway instance is to be found afterwards."""
    kind = log.parent.name.split("-")[1]
    return paths.logs() / f"{kind}-{log.name}"


def lock_of(folder: Path) -> Path:
    """The file that the run which uses the folder holds."""
    return paths.state() / "run" / folder.name


def end_in_order() -> None:
    """Let SIGTERM end this program as Ctrl-C does: nothing is left behind."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def sweep() -> None:
    """Remove what a killed run left."""
    for folder in paths.state().glob("temp-*"):
        # While it is copied, a run's folder has a name of its own.
        lock = lock_of(folder.with_name(folder.name.removesuffix(".new")))
        if not holder(lock):
            Instance(folder).remove()
            lock.unlink(missing_ok=True)
