"""A throwaway instance: for one run of the tests or of the benchmarks."""

import contextlib
import os
import shutil
import signal
from pathlib import Path

from . import instance, places, setup
from .held import Held, holder
from .instance import Instance, Tools


@contextlib.contextmanager
def instance_for(tools: Tools, name: str, demo: bool = True):
    """A started instance that is gone afterwards, with databases and processes.

    `demo`: copied from the template with Odoo's demo data, or from the one without.
    Its logs (*.log in its folder) are kept for reading.
    """
    sweep()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = places.state() / f"scratch-{name}-{os.getpid()}"
    claim = Held(claim_of(folder), f"{folder} is in use.")
    try:
        with setup.lock():
            seed = instance.seed(tools, demo)
        yield instance.plant(seed, folder, tools)
    finally:
        for log in folder.glob("*.log"):
            shutil.copy(log, kept(log))
        Instance(folder, tools).remove()
        claim.let_go()


def kept(log: Path) -> Path:
    """Where a log of a throwaway instance is to be found afterwards."""
    kind = log.parent.name.split("-")[1]
    return places.logs() / f"{kind}-{log.name}"


def claim_of(folder: Path) -> Path:
    """The file that the run which uses the folder holds."""
    return places.state() / "run" / folder.name


def sweep() -> None:
    """Remove what a killed run left."""
    for folder in places.state().glob("scratch-*"):
        # While it is copied, a run's folder has a name of its own.
        claim = claim_of(folder.with_name(folder.name.removesuffix(".new")))
        if not holder(claim):
            Instance(folder).remove()
            claim.unlink(missing_ok=True)
