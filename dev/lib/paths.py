"""Where things are kept: the checkout, and the cache outside of it."""

import hashlib
import os
from pathlib import Path

from .terminal import Stop

CHECKOUT = Path(__file__).resolve().parents[2]
DEV = CHECKOUT / "dev"
MODULE = "cloud_pbx"


def short_hash(*parts: object) -> str:
    """Eight hex digits that name a thing by what it is made from."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode())
    return digest.hexdigest()[:8]


def is_root() -> bool:
    return os.geteuid() == 0


def cache() -> Path:
    """The cache folder, made when it is not there.

    PostgreSQL refuses to run as root, so root's cache must be readable by another
    user: /var/cache, not root's home.
    """
    if chosen := os.environ.get("CLOUD_PBX_CACHE"):
        folder = Path(chosen).expanduser().absolute()
    elif is_root():
        folder = Path("/var/cache/cloud-pbx")
    else:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(home) / "cloud-pbx"
    if CHECKOUT == folder.resolve() or CHECKOUT in folder.resolve().parents:
        # The addons folder in the cache links to the checkout: a loop.
        raise Stop(
            f"The cache {folder} lies inside the checkout: "
            "set CLOUD_PBX_CACHE to a folder outside of it."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Stop(
            f"The cache {folder} cannot be made ({error.strerror}): "
            "set CLOUD_PBX_CACHE to a folder you may write."
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Stop(
            f"The cache {folder} cannot be written by this user: "
            "set CLOUD_PBX_CACHE to a folder you may write."
        )
    if is_root():
        let_others_in(folder)
    return folder


def let_others_in(folder: Path) -> None:
    """Open the cache to PostgreSQL's user, and refuse where its parents bar it."""
    folder.chmod(folder.stat().st_mode | 0o755)
    for parent in folder.resolve().parents:
        if not parent.stat().st_mode & 0o001:
            raise Stop(
                f"PostgreSQL, which does not run as root, cannot enter {parent}: "
                "set CLOUD_PBX_CACHE to a folder outside of it."
            )


def state() -> Path:
    """What belongs to this checkout alone: databases, links, logs."""
    folder = cache() / "checkouts" / short_hash(CHECKOUT)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "checkout").write_text(f"{CHECKOUT}\n")
    return folder


def addons() -> Path:
    """The addons folder in which this checkout bears the module's name."""
    folder = state() / "addons"
    folder.mkdir(exist_ok=True)
    link = folder / MODULE
    if not link.is_symlink() or link.resolve() != CHECKOUT:
        link.unlink(missing_ok=True)
        link.symlink_to(CHECKOUT)
    return folder


def logs() -> Path:
    folder = state() / "logs"
    folder.mkdir(exist_ok=True)
    return folder
