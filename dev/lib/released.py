"""Databases of an earlier release of the addon, to be upgraded."""

import shutil
from pathlib import Path

from . import paths
from .instance import Instance

VERSION = "19.0.1.0.0"


class Released(Instance):
    """An instance, with the addon of an earlier release.

    :param Path addons: an empty folder, into which the release is unpacked.
    """

    def __init__(self, instance: Instance, addons: Path, version: str = VERSION):
        super().__init__(instance.folder, instance.tools)
        addons.chmod(0o755)
        shutil.unpack_archive(
            paths.DEV / f"releases/cloud_pbx-{version}.tar.xz", addons
        )
        self.conf = addons / "odoo.conf"
        before = instance.conf.read_text()
        assert str(paths.addons()) in before
        self.conf.write_text(before.replace(str(paths.addons()), str(addons)))
