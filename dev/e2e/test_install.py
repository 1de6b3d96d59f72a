"""The commands and the steps of README and docs/install.md, as they stand there.

Each line of their `sh` fences is followed here or, in OTHERWISE, has what follows it.
"""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from lib import demo, servers
from lib.instance import Instance
from lib.paths import CHECKOUT
from lib.servers import OdooServer

pytestmark = pytest.mark.after_tests

FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
README, INSTALL = CHECKOUT / "README.md", CHECKOUT / "docs/install.md"
DESCRIPTION = CHECKOUT / "static/description/index.html"
CONF, DATABASE = "/etc/odoo/odoo.conf", "mycompany"
ODOO = f"odoo -c {CONF} -d {DATABASE}"
WHEEL = "odoo_addon_cloud_pbx-19.0.x.y.z-py3-none-any.whl"
OTHERWISE = {
    "make test": "CI runs it: test_ci_runs_what_the_readme_says",
    "make lint": "likewise",
    "make demo": "test_demo.py and those of the other PBXs make the demo; here its "
    "environment is read: test_the_demo_understands",
    f"python3 -m pip install {WHEEL}": "test_dist.py installs that of the day",
    "PBX=asterisk make demo": "likewise",
    "PBX=beeline make demo": "likewise",
    "ODOO_PORT=8169 SANDBOX_PORT=8170 DB=second make demo": "likewise",
}
FOLLOWED = {
    "make help",
    "make stop",
    "python3 -m pip install phonenumbers requests",
    f"{ODOO} -i cloud_pbx --stop-after-init",
    f"{ODOO} -u cloud_pbx --stop-after-init",
}
APP = ["state", "application", "description_html"]


def fences(path: Path, language: str) -> list[str]:
    """The code of a document in one language, without its indentation."""
    found = FENCE.findall(path.read_text())
    return [
        re.sub(rf"^{indent}", "", text, flags=re.M)
        for indent, kind, text in found
        if kind == language
    ]


def commands(path: Path) -> list[str]:
    return [line for text in fences(path, "sh") for line in text.splitlines() if line]


class Company:
    """A server as the documents expect it: `odoo`, `python3`, an addons path.

    :var addons: a folder of the addons path, empty at first.
    """

    def __init__(self, instance: Instance, folder: Path):
        self.instance, self.folder = instance, folder
        self.addons = folder / "addons"
        programs = folder / "bin"
        for new in (self.addons, programs):
            new.mkdir()
        own = instance.conf.read_text()
        paths = re.search(r"^addons_path = (.*)$", own, re.M)[1].split(",")
        paths = [*map(str, instance.tools.odoo.addons), str(self.addons)]
        self.conf = folder / "odoo.conf"
        line = f"addons_path = {','.join(paths)}"
        self.conf.write_text(re.sub(r"^addons_path = .*$", line, own, flags=re.M))
        odoo = shlex.join(map(str, instance.odoo_command()))
        (programs / "odoo").write_text(f'#!/bin/sh\nexec {odoo} "$@"\n')
        (programs / "odoo").chmod(0o755)
        # The Python that runs Odoo comes before the system's.
        self.programs = f"{programs}:{instance.tools.venv.python.parent}"

    def run(self, command: str, folder: Path | None = None, text: str = "") -> str:
        """Follow a command; return what it says."""
        variables = {**self.instance.environment(), "ODOO_RC": str(self.conf)}
        variables["PATH"] = f"{self.programs}:{os.environ['PATH']}"
        done = subprocess.run(
            command.replace(CONF, str(self.conf)),
            shell=True,
            cwd=folder or self.folder,
            env=variables,
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}"
        return done.stdout


class CleanOdoo(OdooServer):
    """An Odoo with the company's configuration, without the addon at first."""

    def __init__(self, company: Company, database: str):
        super().__init__(
            company.instance, database, log=company.instance.folder / f"{database}.log"
        )
        self.conf = company.conf

    def command(self) -> list[str]:
        own = str(self.instance.conf)
        return [str(self.conf) if word == own else word for word in super().command()]


@pytest.fixture(scope="module")
def company(instance, tmp_path_factory):
    return Company(instance, tmp_path_factory.mktemp("company"))


@pytest.fixture(scope="module")
def placed(company):
    """Step 1: the folder, named `cloud_pbx`, in a folder of the addons path."""
    folder = company.addons / "cloud_pbx"
    aside = shutil.ignore_patterns(".git", "node_modules", "__pycache__", "releases")
    shutil.copytree(CHECKOUT, folder, ignore=aside)
    return folder


def database(instance, name):
    """A database of the company, without the addon; it goes with the run's instance."""
    instance.drop(name)
    instance.clone(name)
    return name


def test_each_command_is_followed():
    found = {*commands(README), *commands(INSTALL)}
    assert found == FOLLOWED | set(OTHERWISE)


def test_ci_runs_what_the_readme_says():
    runs = (CHECKOUT / ".ci/run").read_text().splitlines()
    assert {"make test", "make lint"} <= set(runs) & set(commands(README))


def test_the_demo_understands(monkeypatch):
    monkeypatch.setattr(servers, "is_free", lambda port: True)
    read = []
    for command in commands(README):
        *variables, program, goal = command.split()
        if goal != "demo":
            continue
        assert program == "make"
        with monkeypatch.context() as patched:
            for name in ("PBX", "DB", "ODOO_PORT", "SANDBOX_PORT"):
                patched.delenv(name, raising=False)
            for variable in variables:
                patched.setenv(*variable.split("="))
            kind, name, odoo_port, pbx_port = demo.wishes()
            read.append((kind.name, name, odoo_port, pbx_port))
    assert read == [
        ("zadarma", "cloud_pbx_demo", 8069, 8070),
        ("asterisk", "cloud_pbx_demo_asterisk", 8069, 8070),
        ("beeline", "cloud_pbx_demo_beeline", 8069, 8070),
        ("zadarma", "second", 8169, 8170),
    ]


def test_help_and_stop_in_a_fresh_folder(company, placed):
    for goal in ("demo", "test", "lint", "stop"):
        assert f"make {goal}" in company.run("make help", placed)
    company.run("make stop", placed)  # nothing runs there


def test_by_the_command_line(company, placed, instance):
    database(instance, DATABASE)
    pip, install, update = (
        command for command in commands(INSTALL) if command in FOLLOWED
    )
    company.run(pip)
    for command in (install, update):
        said = company.run(command)
        assert not re.search(r" (WARNING|ERROR|CRITICAL) .*cloud_pbx", said), said


def test_by_hand_in_apps(company, placed, instance):
    """Steps 3 and 4: restart, update the list of apps, activate; by the same calls."""
    odoo = CleanOdoo(company, database(instance, "byhand")).start()
    try:
        admin = odoo.login("admin")
        named = [("name", "=", "cloud_pbx")]
        # The database was copied from one whose list of apps has it.
        known = admin.call("ir.module.module", "search", named)
        admin.call("ir.module.module", "unlink", known)
        menu = [("name", "=", "Update Apps List")]
        assert admin.call("ir.ui.menu", "search_count", menu) == 1
        wizard = admin.call("base.module.update", "create", {})
        admin.call("base.module.update", "update_module", [wizard])
        module = admin.call("ir.module.module", "search", named)
        admin.call("ir.module.module", "button_immediate_install", module)
        [app] = admin.call("ir.module.module", "read", module, APP)
        assert (app["state"], app["application"]) == ("installed", True)
        menu = [("name", "=", "Cloud PBXs")]
        assert admin.call("ir.ui.menu", "search_count", menu) == 1
        # Its page in Apps, as Odoo has cleaned it, with its pictures.
        shown = re.findall(r'<img [^>]*src="([^"]+)"', app["description_html"])
        assert len(shown) == len(re.findall("<img ", DESCRIPTION.read_text())) > 4
        assert all(admin.get(path).startswith(b"\x89PNG") for path in shown)
    finally:
        odoo.stop()
