"""A real nginx from Debian's packages in the cache, and what docs/deploy gives it."""

import shutil
from pathlib import Path

from . import debian
from .paths import CHECKOUT, cache, is_root, logs, short_hash
from .terminal import Stop, run, step

# Debian's stable release; a point release of it changes nothing that we use.
SUITE = "trixie"
RECIPE = 1  # raise it when the unpacked folder must be made anew
TEMPLATE = CHECKOUT / "docs/deploy/nginx.conf.template"
# A name that leads to this machine everywhere.
DOMAIN = "localhost"


class Nginx(debian.Unpacked):
    """The unpacked packages."""

    def command(self, *arguments) -> list[str]:
        return self.run_by_loader("usr/sbin/nginx", *arguments)


def prefix() -> Path:
    return cache() / f"nginx-{short_hash(SUITE, RECIPE)}"


def needs_archive() -> bool:
    """Whether it is still to be fetched from Debian."""
    return not prefix().exists()


def bring() -> Nginx:
    """The nginx to use, fetched when it is not in the cache yet."""
    folder = prefix()
    if not folder.exists():
        unpack(folder)
    return Nginx(folder)


def unpack(folder: Path) -> None:
    """Fetch the packages and extract them; apt checks the archive's signature."""
    work = cache() / f"{folder.name}.tmp"
    shutil.rmtree(work, ignore_errors=True)
    log = logs() / "nginx.log"
    log.unlink(missing_ok=True)
    failing = "nginx could not be fetched from Debian: is the network up?"
    try:
        archive = debian.Archive(work / "apt", (SUITE,), log)
        with step("fetching nginx from Debian (10 MB)"):
            debs = archive.download_with_dependencies(["nginx"], failing)
        for path in debs:
            run(["dpkg", "-x", path, work / "root"], log=log, failing="dpkg failed.")
        (work / "root").rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def configuration(
    folder: Path, http: int, https: int, odoo: list[tuple[int, int]]
) -> str:
    """The shipped configuration, for servers on this machine.

    `http`, `https`: its own ports. `odoo`: (HTTP port, websocket's port) of each Odoo.
    Nothing but names and places is replaced; a certificate is in `folder`.
    """
    temporary = "".join(
        f"    {kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    places = {
        "${DOMAIN}": DOMAIN,
        "http {\n": f"http {{\n{temporary}",
        "listen 80 ": f"listen 127.0.0.1:{http} ",
        "listen 443 ": f"listen 127.0.0.1:{https} ",
        "server odoo:8069;": _servers(port for port, _websocket in odoo),
        "server odoo:8072;": _servers(websocket for _port, websocket in odoo),
        "/etc/nginx/tls/": f"{folder}/",
    }
    text = TEMPLATE.read_text()
    for shipped, here in places.items():
        if shipped not in text:
            raise Stop(f"{TEMPLATE.name} has no “{shipped.strip()}” any more.")
        text = text.replace(shipped, here)
    return text


def _servers(ports) -> str:
    return " ".join(f"server 127.0.0.1:{port};" for port in ports)


def options(folder: Path) -> str:
    """What a command line says besides: this machine is no container."""
    # As root it would give its files to another user, who cannot enter the folder.
    user = "user root; " if is_root() else ""
    return f"{user}pid {folder}/nginx.pid; daemon off;"
