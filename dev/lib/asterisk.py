"""A real Asterisk, unpacked from Debian's packages into the cache: no root, no chroot.

Nothing of it is installed.
"""

import hashlib
import os
import re
import shutil
from pathlib import Path

from . import debian
from .paths import cache, logs, short_hash
from .terminal import Stop, run, say, step

SUITE = "sid"
SERIES = "22"
# The version that is known to work, on amd64.
VERSION = "22.10.1"
DEB_SHA256 = {
    "asterisk": "d9ead1e33013bf00cca8b9b6b383314e1595ac3eb5f993fde2ff22f251b6c727",
    "asterisk-modules": (
        "757c6d7814bc033c674fd71ada716891725de821762ae674f11e2238e0fe119d"
    ),
}
RECIPE = 1  # raise it when the unpacked folder must be made anew
SKIP_VARIABLE = "SKIP_ASTERISK"
LEFT_OUT = f"{SKIP_VARIABLE} is set"  # why a test is skipped

HOW_ELSE = f"{SKIP_VARIABLE}=1 leaves out what needs Asterisk."


class Asterisk(debian.Unpacked):
    """The unpacked packages."""

    @property
    def version(self) -> str:
        return (self.prefix / "version").read_text().strip()

    @property
    def modules(self) -> Path:
        return self.libraries / "asterisk/modules"

    @property
    def data(self) -> Path:
        return self.prefix / "usr/share/asterisk"

    def command(self, *arguments) -> list[str]:
        """The command line that runs the server or its control program."""
        return self.run_by_loader("usr/sbin/asterisk", *arguments)


def skipped() -> bool:
    """Whether somebody wants to go without."""
    return bool(os.environ.get(SKIP_VARIABLE))


def needs_archive() -> bool:
    """Whether it is still to be fetched from Debian."""
    return not skipped() and not prefix().exists()


def prefix() -> Path:
    return cache() / f"asterisk-{short_hash(SUITE, SERIES, DEB_SHA256, RECIPE)}"


def bring() -> Asterisk:
    """The Asterisk to use, fetched when it is not in the cache yet."""
    folder = prefix()
    if not folder.exists():
        unpack(folder)
    return Asterisk(folder)


def unpack(folder: Path) -> None:
    """Fetch the packages, check them, extract them."""
    work = cache() / f"{folder.name}.tmp"
    shutil.rmtree(work, ignore_errors=True)
    log = logs() / "asterisk.log"
    log.unlink(missing_ok=True)
    try:
        debs = download(work / "apt", log)
        version = check(debs)
        root = work / "root"
        with step("unpacking Asterisk"):
            for path in debs:
                run(["dpkg", "-x", path, root], log=log, failing="dpkg failed.")
        (root / "version").write_text(f"{version}\n")
        root.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def download(folder: Path, log: Path) -> list[Path]:
    """The .deb files of Asterisk and of all that it needs, the C library included."""
    failing = (
        "Asterisk could not be fetched from Debian: is the network up? Or sid is "
        f"just being rebuilt, then try again tomorrow. {HOW_ELSE}"
    )
    try:
        archive = debian.Archive(folder, (SUITE,), log)
    except Stop as stop:
        raise Stop(
            f"Asterisk cannot be fetched from Debian: {stop}. {HOW_ELSE}"
        ) from stop
    with step("fetching Asterisk from Debian (80 MB)"):
        return archive.download_with_dependencies(["asterisk"], failing)


def check(debs: list[Path]) -> str:
    """The version that came; refuses one of another series.

    apt has checked the archive's signature. sid keeps one version alone, and Debian
    mends 22 for years: another 22 is used, and named, rather than no Asterisk at all.
    """
    files = {path.name.partition("_")[0]: path for path in debs}
    [version] = re.findall(r"%3a([0-9.]+)", files["asterisk"].name) or ["unknown"]
    if version.partition(".")[0] != SERIES:
        raise Stop(
            f"Debian's {SUITE} has Asterisk {version} now, and the tests are made for "
            f"{SERIES}: update SERIES, VERSION and DEB_SHA256 in dev/lib/asterisk.py. "
            f"{HOW_ELSE}"
        )
    for name, accepted in DEB_SHA256.items():
        with files[name].open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != accepted:
            say(
                f"    {files[name].name} is used, though it is not the known "
                f"{VERSION}; its sha256, for DEB_SHA256 in dev/lib/asterisk.py: {found}"
            )
    return version
