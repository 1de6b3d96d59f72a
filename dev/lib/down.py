"""Stopping and deleting what the other commands started and made."""

import shutil
from pathlib import Path

from . import held, places
from .instance import Instance
from .terminal import Stop, say, step


def run(words: list[str]) -> None:
    if words == ["stop"]:
        stop(places.state())
    elif words == ["clean"]:
        clean(places.state())
    elif words == ["distclean"]:
        cache = places.cache()
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
    for claim in sorted((state / "run").glob("demo-*")):
        if held.end(claim):
            say(f"stopped the demo of {claim.name.removeprefix('demo-')}")
    for folder in state.glob("home-*"):
        Instance(folder).cluster.stop()


def clean(state: Path) -> None:
    """Stop a checkout's things and delete its databases, files and logs."""
    for claim in sorted((state / "run").glob("scratch-*")):
        if held.end(claim):
            say(f"ended the run {claim.name.removeprefix('scratch-')}")
    stop(state)
    for folder in [*state.glob("home-*"), *state.glob("scratch-*")]:
        Instance(folder).remove()
    shutil.rmtree(state)
