"""A disk of its own for a cluster, which can be full."""

import contextlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from .postgres import Cluster
from .terminal import Stop

# Why a test is left out.
NOT_PERMITTED = "no file system may be mounted here"
# It lies in memory, and takes as much of it as there are files.
SIZE_BYTES = 4 * 2**30
# So much is left when it is filled: what comes in takes it.
LEFT_BYTES = 2**17


class SmallDisk:
    """A context in which the cluster's data lie on such a disk.

    The server is stopped and started at both ends.
    """

    def __init__(self, cluster: Cluster):
        self.cluster, self.data = cluster, cluster.data
        self.aside = cluster.folder / "data.aside"

    def __enter__(self) -> "SmallDisk":
        self.cluster.stop()
        self.data.rename(self.aside)
        self.data.mkdir()
        mount(self.data, SIZE_BYTES)
        self._copy(self.aside, self.data)
        shutil.rmtree(self.aside)
        self.cluster.start()
        return self

    def __exit__(self, *error) -> None:
        self.make_room()
        self.cluster.stop()
        self._copy(self.data, self.aside)
        unmount(self.data)
        self.data.rmdir()
        self.aside.rename(self.data)
        self.cluster.start()

    def fill(self) -> None:
        """Next to nothing is left of it."""
        self._resize(shutil.disk_usage(self.data).used + LEFT_BYTES)

    def make_room(self) -> None:
        self._resize(SIZE_BYTES)

    def _resize(self, size: int) -> None:
        run("mount", "-o", f"remount,size={size}", self.data)

    @staticmethod
    def _copy(source: Path, target: Path) -> None:
        """With owner and mode of everything, of the folder, too."""
        run("cp", "--archive", "--no-target-directory", source, target)


def disk_for(cluster: Cluster):
    """A disk of its own where that may be, else a context that gives nothing."""
    return SmallDisk(cluster) if may_mount() else contextlib.nullcontext()


def may_mount() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        try:
            mount(Path(folder), LEFT_BYTES)
        except Stop:
            return False
        unmount(Path(folder))
        return True


def mount(folder: Path, size: int) -> None:
    run("mount", "-t", "tmpfs", "-o", f"size={size}", "cloud_pbx", folder)


def unmount(folder: Path) -> None:
    run("umount", folder)


def run(*command) -> None:
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    except FileNotFoundError as error:
        raise Stop(f"There is no {command[0]}.") from error
    if done.returncode:
        raise Stop(f"{command[0]} failed: {done.stderr.strip()}")
