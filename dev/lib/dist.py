"""A release: the addon as strangers get it, built of one commit."""

import ast
import hashlib
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import paths, setup
from .paths import CHECKOUT, MODULE
from .terminal import Stop, environment, say, step
from .terminal import run as run_quietly
from .venv import Venv

FOLDER = CHECKOUT / "dist"
# What only the repository needs. Everything else that git knows is released.
LEFT_OUT = (
    *(".ci", "dev", "Makefile", ".editorconfig", ".gitignore", "pyproject.toml"),
)
# Links of the README that lead to a file beside it.
PICTURE = re.compile(r"!\[[^\]]*\]\((?!https?:)[^)]+\) ?")
LINK = re.compile(r"\[([^\]]+)\]\((?!https?:|#)[^)]+\)")
WHERE = (
    "\nThe documents named here come with the package, in `odoo/addons/cloud_pbx`.\n"
)
# The checkout's own file only configures tools.
PYPROJECT = """\
[build-system]
requires = ["whool"]
build-backend = "whool.buildapi"
"""


@dataclass(frozen=True)
class Files:
    """What was built."""

    version: str
    zip: Path
    wheel: Path


class Release:
    """Builds a commit's release into a folder; the same commit gives the same bytes.

    (With the same git and Python: other versions may compress differently.)
    """

    def __init__(self, venv: Venv, folder: Path, commit: str = "HEAD"):
        self.venv, self.folder = venv, folder
        self.commit = git("rev-parse", "--verify", f"{commit}^{{commit}}").strip()
        manifest = git("show", f"{self.commit}:__manifest__.py")
        self.version = ast.literal_eval(manifest)["version"]
        self.epoch = git("log", "-1", "--format=%ct", self.commit).strip()

    def build(self) -> Files:
        self.folder.mkdir(parents=True, exist_ok=True)
        archive = self.zip()
        with tempfile.TemporaryDirectory() as stage:
            shutil.unpack_archive(archive, stage)
            return Files(self.version, archive, self.wheel(Path(stage) / MODULE))

    def zip(self) -> Path:
        """The archive for an addons path: one folder, the module's."""
        path = self.folder / f"{MODULE}-{self.version}.zip"
        path.unlink(missing_ok=True)
        # git stores the commit's time, by the clock on the wall.
        git(
            *("-c", "core.autocrlf=false", "archive", "--format=zip", "-9"),
            *(f"--prefix={MODULE}/", f"--output={path}", self.commit, "--", "."),
            *(f":(exclude){name}" for name in LEFT_OUT),
            env=environment(TZ="UTC"),
        )
        return path

    def wheel(self, addon: Path) -> Path:
        """The package for pip, of the unpacked archive."""
        (addon / "pyproject.toml").write_text(PYPROJECT)
        readme = addon / "README.md"
        # What a page of packages shows, where no file lies beside it.
        readme.write_text(without_files_beside(readme.read_text()))
        log = paths.logs() / "dist.log"
        log.unlink(missing_ok=True)
        with tempfile.TemporaryDirectory() as built:
            run_quietly(
                [
                    *(self.venv.python, "-m", "pip", "wheel", "--quiet", "--no-deps"),
                    *("--no-index", "--no-build-isolation", "--no-cache-dir"),
                    *("--disable-pip-version-check", "--wheel-dir", built, addon),
                ],
                log=log,
                failing="The wheel could not be built.",
                env=environment(
                    SOURCE_DATE_EPOCH=self.epoch,
                    # The version is the manifest's, wherever the stage lies: no
                    # repository around it counts.
                    GIT_CEILING_DIRECTORIES=addon.parent,
                    PYTHONPATH=None,
                    PIP_USER=None,
                ),
            )
            [wheel] = Path(built).glob("*.whl")
            return Path(shutil.copy(wheel, self.folder))


def without_files_beside(text: str) -> str:
    """A Markdown text that stands alone: of links to files only the words are left."""
    text = LINK.sub(r"\1", PICTURE.sub("", text))
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n" + WHERE


def git(*words: str, env: dict | None = None) -> str:
    """What git prints in the checkout."""
    # git distrusts a checkout of another user, such as root's in a container.
    command = ["git", "-c", f"safe.directory={CHECKOUT}", *words]
    done = subprocess.run(
        command, cwd=CHECKOUT, capture_output=True, text=True, env=env
    )
    if done.returncode:
        raise Stop(f"git failed: {done.stderr.strip()}")
    return done.stdout


def refuse_changes() -> None:
    """A release is a commit: nobody could tell what else was in it."""
    if changes := git("status", "--porcelain").rstrip():
        raise Stop(
            f"There are changes that are not committed:\n{changes}\n"
            "Commit them, or put them aside (git stash -u), then start again."
        )


def run() -> None:
    refuse_changes()
    venv = setup.python_only()
    with step("building the release"):
        files = Release(venv, FOLDER).build()
    for path in (files.zip, files.wheel):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        say(f"{digest}  {path.relative_to(CHECKOUT)}")
