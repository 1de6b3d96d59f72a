"""Debian packages: what is missing on the machine, and programs from its archive."""

import functools
import os
import shutil
import subprocess
from pathlib import Path

from . import venv
from .paths import is_root
from .terminal import Stop, run, say, step

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# Where Ubuntu keeps the address of Debian's archive.
ADDRESSES = Path("/usr/share/python-apt/templates/Debian.info")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
BROWSERS = ("google-chrome", "chromium", "chromium-browser", "google-chrome-stable")


def release(key: str) -> str:
    """A value of os-release, such as ID or VERSION_CODENAME; "" when unknown."""
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return ""
    for line in lines:
        name, _, value = line.partition("=")
        if name == key:
            return value.strip('"')
    return ""


def browser() -> str | None:
    """The Chromium that the browser tests will use, as Odoo looks for it."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def missing(wants: set[str]) -> list[str]:
    """Debian packages to install for `wants`: "python", "odoo", "browser"."""
    packages = []
    if "python" in wants:
        python, _version = venv.interpreter()
        probe = [python, "-c", "import ensurepip, venv"]
        if subprocess.run(probe, capture_output=True).returncode:
            packages.append("python3-venv")
        if not CERTIFICATES.exists():
            packages.append("ca-certificates")
    if "odoo" in wants:
        if not KEYRING.exists():
            packages.append("debian-archive-keyring")
        if not os.environ.get("DEBIAN_MIRROR") and release("ID") != "debian":
            if not ADDRESSES.exists():
                packages.append("python-apt-common")
    if "browser" in wants and not browser():
        packages.append("chromium")
    return packages


def install(packages: list[str], log: Path) -> None:
    """Name the missing packages, then install them; without root say how."""
    if not packages:
        return
    names = " ".join(packages)
    line = f"apt-get install --no-install-recommends {names}"
    if not shutil.which("apt-get"):
        raise Stop(f"Needed, and there is no apt-get to bring it: {names}.")
    if not is_root():
        raise Stop(
            f"Debian packages are missing: {names}.\n"
            f"Install them and start again: sudo {line}"
        )
    if "chromium" in packages and release("ID") == "ubuntu":
        raise Stop(
            "The browser tests need Chromium or Chrome, and Ubuntu has no package "
            "of it: install Google Chrome or a chromium command, then start again."
        )
    say(f"Debian packages are missing and will be installed: {names}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    failing = f"Debian's packages could not be installed: is the network up? ({line})"
    with step("installing Debian packages"):
        for words in (["apt-get", "-q", "update"], [*line.split(), "-y", "-q"]):
            run(words, log=log, failing=failing, lines=2, env=env)


def mirror() -> str:
    """The address of the Debian archive this machine uses."""
    if chosen := os.environ.get("DEBIAN_MIRROR"):
        return chosen
    found = []
    if release("ID") == "debian" and shutil.which("apt-get"):
        codename = release("VERSION_CODENAME")
        command = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
        command += ["Created-By: Packages", f"Release: {codename}"]
        found = subprocess.run(command, capture_output=True, text=True).stdout.split()
    elif ADDRESSES.exists():
        lines = ADDRESSES.read_text().splitlines()
        found = [line.split()[1] for line in lines if line.startswith("BaseURI:")][:1]
    if not found:
        raise Stop("no Debian archive is known here (DEBIAN_MIRROR can name one)")
    return sorted(set(found))[0]


class Archive:
    """Downloads packages of any suite with an apt configuration of its own.

    The machine's sources, lists and status are neither read nor changed, so no
    root is needed.
    """

    def __init__(self, folder: Path, suites: tuple[str, ...], log: Path):
        self.folder, self.log = folder, log
        for name in ("lists/partial", "cache/archives/partial", "state", "debs"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()
        address = mirror()
        sources = folder / "sources.list"
        sources.write_text(
            "".join(f"deb [signed-by={KEYRING}] {address} {s} main\n" for s in suites)
        )
        settings = {
            "Dir::Etc::sourcelist": sources,
            "Dir::Etc::sourceparts": "-",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::State": folder / "state",
            "Dir::State::lists": folder / "lists",
            "Dir::State::status": folder / "status",
            "Dir::Cache": folder / "cache",
            "Acquire::Languages": "none",
            "APT::Update::Error-Mode": "any",  # else an unreachable mirror is a warning
            # The mirror may be a frozen copy. Signatures are still checked, and Odoo's
            # package by its sha256 too.
            "Acquire::Check-Valid-Until": "false",
            "Acquire::Retries": "3",
            "APT::Sandbox::User": "",  # else a warning: _apt cannot write here
        }
        self.command = ["apt-get", "-q"]
        for name, value in settings.items():
            self.command += ["-o", f"{name}={value}"]

    def download(self, packages: list[str], failing: str) -> list[Path]:
        """Fetch packages (`name` or `name/suite`), return the .deb files."""
        return self._fetch(["download", *packages], failing)

    def download_with_dependencies(
        self, packages: list[str], failing: str
    ) -> list[Path]:
        """Fetch packages and all they need, as if nothing were installed."""
        debs = self.folder / "debs"
        (debs / "partial").mkdir(exist_ok=True)
        settings = {
            "APT::Install-Recommends": "0",
            "Dir::Cache::archives": f"{debs}/",
        }
        options = [f"-o{name}={value}" for name, value in settings.items()]
        words = [*options, "-y", "--download-only", "install", *packages]
        return self._fetch(words, failing)

    def _fetch(self, words: list[str], failing: str) -> list[Path]:
        debs = self.folder / "debs"
        for line in (["update"], words):
            run(
                [*self.command, *line],
                log=self.log,
                failing=failing,
                lines=2,
                cwd=debs,
            )
        return sorted(debs.glob("*.deb"))


class Unpacked:
    """Packages extracted below `prefix`, with all that they need, and not installed.

    A program of theirs runs by the C library that came with it.
    """

    def __init__(self, prefix: Path):
        self.prefix = prefix

    @functools.cached_property
    def libraries(self) -> Path:
        [folder] = (self.prefix / "usr/lib").glob("*-linux-gnu")
        return folder

    @functools.cached_property
    def loader(self) -> Path:
        return next((self.prefix / "usr").glob("lib*/ld-linux*.so.*"))

    def run_by_loader(self, program: str, *arguments) -> list[str]:
        """The command line of a program, whose path is below `prefix`."""
        words = [self.loader, "--library-path", self.libraries]
        return list(map(str, [*words, self.prefix / program, *arguments]))
