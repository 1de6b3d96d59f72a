"""Stopping and deleting what the other commands started and made."""

import shutil
from pathlib import Path

from . import lock_file, paths
from .instance import Instance
from .terminal import Stop, say, step


def run(words: list[str]) -> None:
    if words == ["stop"]:
        stop(paths.state())
    elif words == ["clean"]:
        clean(paths.state())
    elif words == ["distclean"]:
        cache = paths.cache()
        for state in (cache / "checkouts").glob("*"):
            clean(state)
        for seed in cache.glob("seed-*"):
            Instance(seed).remove()
        with step(f"deleting {cache}"):
            shutil.rmtree(cache)
    else:
        raise Stop("Say what: stop, clean or distclean.")


def stop(state: Path) -> None:
    """Stop a checkout's demos, then its database server."""
    for lock in sorted((state / "run").glob("demo-*")):
        if lock_file.end(lock):
            say(f"stopped the demo of {lock.name.removeprefix('demo-')}")
    for folder in state.glob("home-*"):
        Instance(folder).cluster.stop()


def clean(state: Path) -> None:
    """Stop a checkout's things and delete its databases, files and logs."""
    for lock in sorted((state / "run").glob("temp-*")):
        if lock_file.end(lock):
            say(f"ended the run {lock.name.removeprefix('temp-')}")
    stop(state)
    for folder in [*state.glob("home-*"), *state.glob("temp-*")]:
        Instance(folder).remove()
    shutil.rmtree(state)
