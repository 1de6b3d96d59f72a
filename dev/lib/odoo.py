"""Odoo 19: the person's own checkout, or Debian's package unpacked in the cache."""

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import debian
from .paths import cache, logs, short_hash
from .terminal import Stop, run, step

DEB_SHA256 = "9d2f598b0555db17e291d48ed24df184c70823c053c4c5ed53c467ca7f629bbf"
# Debian's odoo-19 exists in this suite alone.
SUITE = "sid"
# sid's Font Awesome is 7, without the files Odoo links to: Debian 12's is 4.7.
FONT_SUITE = "bookworm"
# The package holds relative links into these.
COMPANIONS = (
    "libjs-jquery libjs-underscore libjs-jquery-form fonts-roboto-unhinted "
    "fonts-montserrat fonts-ocr-b fonts-glyphicons-halflings "
    f"fonts-font-awesome/{FONT_SUITE} fonts-inconsolata/{FONT_SUITE}"
).split()
# Missing in the package, though mail's manifest lists it: every page logs an error.
ABSENT_ASSET = "mail/static/lib/selfie_segmentation/selfie_segmentation.js"
RECIPE = 1  # raise it when the unpacked folder must be made anew

HOW_ELSE = (
    "Bring Odoo 19 yourself: clone Odoo's own git repository, branch 19.0, or take "
    "its package, then start again with ODOO_SRC=<that folder> "
    "(or ODOO_DEB=<file of Debian's odoo-19 package>)."
)


@dataclass(frozen=True)
class Odoo:
    """Where Odoo's parts are. `ident` changes when the sources do."""

    ident: str
    python_path: Path
    program: Path
    addons: tuple[Path, ...]


def bring() -> Odoo:
    """The Odoo to use, fetched when it is not in the cache yet."""
    if source := os.environ.get("ODOO_SRC"):
        return from_checkout(Path(source).expanduser().absolute())
    accepted = os.environ.get("ODOO_DEB_SHA256", DEB_SHA256)
    ident = short_hash(accepted, COMPANIONS, FONT_SUITE, RECIPE)
    prefix = cache() / f"odoo-{ident}"
    if not prefix.exists():
        unpack(prefix, accepted)
    packages = prefix / "usr/lib/python3/dist-packages"
    return Odoo(ident, packages, prefix / "usr/bin/odoo", (packages / "odoo/addons",))


def needs_archive() -> bool:
    """Whether Odoo is still to be fetched from Debian."""
    return not os.environ.get("ODOO_SRC") and not any(cache().glob("odoo-????????"))


def from_checkout(folder: Path) -> Odoo:
    """A 19.0 source tree: as git has it, or an unpacked package."""
    program, release = folder / "odoo-bin", folder / "odoo/release.py"
    if not release.is_file() or not program.is_file():
        raise Stop(
            f"ODOO_SRC={folder} holds no Odoo sources (odoo-bin, odoo/release.py): "
            "give the folder of a checkout of Odoo's branch 19.0."
        )
    names: dict = {}
    exec(release.read_text(), names)
    if names["version_info"][:2] != (19, 0):
        raise Stop(
            f"ODOO_SRC={folder} is Odoo {names['version']}: "
            "this addon needs a checkout of the branch 19.0."
        )
    head = subprocess.run(
        ["git", "-C", folder, "rev-parse", "HEAD"], capture_output=True, text=True
    ).stdout
    addons = tuple(filter(Path.is_dir, (folder / "odoo/addons", folder / "addons")))
    ident = short_hash(folder.resolve(), head, release.read_text())
    return Odoo(ident, folder, program, addons)


def unpack(prefix: Path, accepted: str) -> None:
    """Fetch Debian's package and what it links to, check it, extract it."""
    work = cache() / f"{prefix.name}.tmp"
    shutil.rmtree(work, ignore_errors=True)
    log = logs() / "odoo.log"
    log.unlink(missing_ok=True)
    try:
        debs = download(work / "apt", log)
        [deb] = [path for path in debs if path.name.startswith("odoo-19_")]
        with deb.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != accepted:
            raise Stop(
                f"Debian has another odoo-19 than the one known to work ({deb.name}). "
                f"To try it: ODOO_DEB_SHA256={found}. {HOW_ELSE}"
            )
        root = work / "root"
        with step("unpacking Odoo"):
            for path in debs:
                run(["dpkg", "-x", path, root], log=log, failing="dpkg failed.")
        repair(root)
        root.rename(prefix)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def download(folder: Path, log: Path) -> list[Path]:
    """The .deb files of Odoo (kept by the person, or fetched) and its companions."""
    kept = os.environ.get("ODOO_DEB")
    if kept and not Path(kept).is_file():
        raise Stop(f"ODOO_DEB={kept} is not a file.")
    failing = f"Odoo could not be fetched from Debian: is the network up? {HOW_ELSE}"
    try:
        archive = debian.Archive(folder, (SUITE, FONT_SUITE), log)
    except Stop as stop:
        raise Stop(f"Odoo cannot be fetched from Debian: {stop}. {HOW_ELSE}") from stop
    with step("fetching Odoo 19 from Debian (125 MB)"):
        if kept:
            debs = archive.download(COMPANIONS, failing)
            copy = folder / "debs" / f"odoo-19_{Path(kept).name}"
            shutil.copyfile(kept, copy)
            return [*debs, copy]
        return archive.download([f"odoo-19/{SUITE}", *COMPANIONS], failing)


def repair(root: Path) -> None:
    """Add the file the package forgot; refuse links that lead nowhere."""
    addons = root / "usr/lib/python3/dist-packages/odoo/addons"
    asset = addons / ABSENT_ASSET
    if not asset.exists():
        asset.parent.mkdir(parents=True, exist_ok=True)
        asset.write_text("// Left out by Debian: background blur of video calls.\n")
    dangling = [
        path for path in addons.rglob("*") if path.is_symlink() and not path.exists()
    ]
    if dangling:
        raise Stop(
            f"Debian's Odoo has {len(dangling)} links that lead nowhere, the first is "
            f"{dangling[0].relative_to(root)}. {HOW_ELSE}"
        )
