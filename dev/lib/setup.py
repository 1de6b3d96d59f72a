"""Brings everything a command needs, once: what is there already is reused."""

import contextlib
import contextvars
import fcntl
import os
import threading
from concurrent.futures import ThreadPoolExecutor

from . import asterisk, debian, instance, nginx, odoo, paths, venv
from .asterisk import Asterisk
from .instance import Instance, Tools
from .nginx import Nginx
from .terminal import say

os.umask(0o022)  # PostgreSQL, as another user, must read what is made here


@contextlib.contextmanager
def lock():
    """One set-up at a time on one cache."""
    with (paths.cache() / "lock").open("w") as handle:
        sentence = "- waiting for another set-up that uses the same cache"
        context = contextvars.copy_context()  # it is said where this thread says it
        announced = threading.Timer(2, context.run, [say, sentence])
        announced.daemon = True
        announced.start()
        fcntl.flock(handle, fcntl.LOCK_EX)
        announced.cancel()
        yield


def python_only() -> venv.Venv:
    """The virtual environment: enough for the tests that need no Odoo."""
    with lock():
        debian.install(debian.missing({"python"}), paths.logs() / "apt.log")
        return venv.bring()


def everything(browser: bool = False) -> Tools:
    """The virtual environment, Odoo, PostgreSQL and, if wanted, Chromium."""
    wants = {"python"}
    if browser:
        wants.add("browser")
    if odoo.needs_archive():
        wants.add("odoo")
    with lock():
        debian.install(debian.missing(wants), paths.logs() / "apt.log")
        # Side by side: one waits for the network while the other unpacks.
        with ThreadPoolExecutor() as pool:
            environment = pool.submit(venv.bring)
            sources = pool.submit(odoo.bring)
            return Tools(environment.result(), sources.result())


def home(tools: Tools) -> Instance:
    """The checkout's own instance, started: the demo's, and for trying things."""
    with lock():
        seed = instance.seed(tools)
        folder = paths.state() / f"home-{seed.name.removeprefix('seed-')}"
        return instance.plant(seed, folder, tools)


def telephones() -> Asterisk:
    """A real Asterisk, for its tests and its demo."""
    wants = {"odoo"} if asterisk.needs_archive() else set()
    with lock():
        debian.install(debian.missing(wants), paths.logs() / "apt.log")
        return asterisk.bring()


def proxy() -> Nginx:
    """A real nginx, for the test and the benchmark of docs/deploy."""
    wants = {"odoo"} if nginx.needs_archive() else set()
    with lock():
        debian.install(debian.missing(wants), paths.logs() / "apt.log")
        return nginx.bring()
