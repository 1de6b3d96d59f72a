"""What docs/deploy ships, used here as far as it goes without its images."""

import re
import shutil
from pathlib import Path

from . import postgres
from .paths import CHECKOUT, MODULE
from .servers import OdooServer

FOLDER = CHECKOUT / "docs/deploy"
CONF = FOLDER / "odoo.conf"
IGNORE = FOLDER / "Dockerfile.dockerignore"


def image_names() -> list[str]:
    """What the image has of the repository's root."""
    lines = IGNORE.read_text().splitlines()
    return [line.removeprefix("!") for line in lines if line.startswith("!")]


def copy_addon(addons: Path) -> Path:
    """Make the addon's folder in `addons` as the Dockerfile does; returns `addons`."""
    target = addons / MODULE
    target.mkdir(parents=True)
    for name in image_names():
        source = CHECKOUT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, target / name, ignore=ignored)
        else:
            shutil.copy2(source, target / name)
    return addons


class DeployedOdoo(OdooServer):
    """Odoo with the shipped configuration, and the addon as the image has it.

    Only places are replaced, and the number of workers.
    """

    def __init__(self, *arguments, addons: Path, **options):
        super().__init__(*arguments, **options)
        self.addons = addons

    def command(self) -> list[str]:
        instance = self.instance
        addons = [*instance.tools.odoo.addons, self.addons]
        return instance.odoo_command(
            *("-c", CONF, "-d", self.database),
            *("--db-filter", f"^{re.escape(self.database)}$"),
            *("--http-port", self.port, "--gevent-port", self.websocket_port),
            *("--http-interface", "127.0.0.1", "--workers", self.workers),
            *("--addons-path", ",".join(map(str, addons))),
            *("--data-dir", instance.folder / "data"),
            *("--db_host", instance.cluster.socket, "--db_port", postgres.PORT),
            *("--db_user", postgres.USER),
        )
