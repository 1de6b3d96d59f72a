"""Instances with another addon than the checkout's: a release's, as it is unpacked."""

import copy
import shutil
from pathlib import Path

from . import paths
from .instance import Instance
from .terminal import environment, run
from .venv import Venv

RELEASES = paths.DEV / "releases"
FIRST = "19.0.1.0.0"


def versions() -> list[str]:
    """The releases whose archives are kept, oldest first."""
    found = RELEASES.glob("cloud_pbx-*.tar.xz")
    names = (path.name.split("-")[1].removesuffix(".tar.xz") for path in found)
    return sorted(names, key=lambda name: [int(part) for part in name.split(".")])


class Unpacked(Instance):
    """An instance with the addon of an archive, on the cluster of another one.

    :param Path addons: an empty folder, into which the archive is unpacked.
    """

    def __init__(self, instance: Instance, addons: Path, archive: Path):
        super().__init__(instance.folder, instance.tools)
        addons.chmod(0o755)
        shutil.unpack_archive(archive, addons)
        self.addons = addons
        self.conf = addons / "odoo.conf"
        self.configure()

    def own_addons(self) -> list[Path]:
        return [self.addons]


class Released(Unpacked):
    """An instance with an earlier release, whose databases are to be upgraded."""

    def __init__(self, instance: Instance, addons: Path, version: str = FIRST):
        super().__init__(instance, addons, RELEASES / f"cloud_pbx-{version}.tar.xz")


class CleanInstance(Instance):
    """Odoo in a virtual environment of its own that knows nothing of the checkout.

    Odoo and what it imports are those of the cache, by their paths. What is installed
    is installed here alone.

    :param Path folder: an empty folder for the environment and the configuration.
    :param addons: folders of addons beside Odoo's.
    """

    def __init__(self, instance: Instance, folder: Path, addons: tuple[Path, ...] = ()):
        tools = copy.copy(instance.tools)
        super().__init__(instance.folder, tools)
        self.addons = addons
        self.log = folder / "pip.log"
        shared = (tools.venv.packages, tools.odoo.python_path)
        run(
            [tools.venv.python, "-m", "venv", "--without-pip", folder / "venv"],
            log=self.log,
            failing="The second virtual environment could not be made.",
        )
        tools.venv = Venv(folder / "venv")
        lines = [f"{path}\n" for path in shared]
        (tools.venv.packages / "shared.pth").write_text("".join(lines))
        self.conf = folder / "odoo.conf"
        self.configure()

    def own_addons(self) -> list[Path]:
        return list(self.addons)

    def environment(self) -> dict:
        variables = super().environment()
        del variables["PYTHONPATH"]
        return variables

    def pip(self, *words) -> None:
        """Run pip, without a network."""
        command = [self.tools.venv.python, "-m", "pip", "--no-input", *words]
        run(
            [*command, "--disable-pip-version-check"],
            log=self.log,
            failing="pip failed.",
            env=environment(PYTHONPATH=None, PIP_USER=None, PIP_NO_INDEX=1),
        )
