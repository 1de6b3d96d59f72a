"""A release is built of a commit, and works where nobody knows the checkout."""

import base64
import posixpath
import re
import subprocess
import zipfile
from email.parser import HeaderParser

import log
import pytest

from lib import logcheck
from lib.dist import Release
from lib.instance import TEMPLATE
from lib.released import CleanInstance
from lib.rpc import OdooError
from lib.servers import FakePbxServer
from lib.testing import NOT_RELEASED
from server import Odoo

# Beside the rest of dev/e2e: both lanes of a run take about as long.
pytestmark = pytest.mark.after_tests
ZIP, WHEEL = "e2e_zip", "e2e_wheel"  # databases
KEYS = {"key": "key-of-a-stranger", "secret": "s3cr3t-of-a-stranger"}
LINKS = re.compile(r"\]\((?!https?:)([^)#\s]+)")
# What a release has at the top. Whatever else gets there is to be thought about.
WHOLE = {
    *("README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "docs", "hooks.py"),
    *("__init__.py", "__manifest__.py", "controllers", "data", "demo", "i18n"),
    *("migrations", "models", "security", "static", "telephony", "tests", "views"),
    "wizard",
}
# Some that end soon: of HTTP, numbers, clicks, and of stories that the release has.
SOME_TESTS = ["test_webhook.py", "test_numbers.py", "test_dial.py", "test_call_log.py"]


@pytest.fixture(scope="module")
def built(instance, tmp_path_factory):
    """Of what is committed: other changes are not in it."""
    return Release(instance.tools.venv, tmp_path_factory.mktemp("dist")).build()


def names(archive):
    with zipfile.ZipFile(archive) as stream:
        return {name for name in stream.namelist() if not name.endswith("/")}


def test_the_zip_holds_one_folder_with_all_that_a_user_needs(built):
    found = names(built.zip)
    assert built.zip.name == f"cloud_pbx-{built.version}.zip"
    assert {name.split("/")[0] for name in found} == {"cloud_pbx"}
    assert {name.split("/")[1] for name in found} == WHOLE


def test_links_of_its_documents_lead_to_what_is_in_it(built):
    """But for those of CONTRIBUTING.md, for who has the repository."""
    found = names(built.zip)
    links = set()
    with zipfile.ZipFile(built.zip) as stream:
        for name in found:
            if name.endswith(".md") and not name.endswith("/CONTRIBUTING.md"):
                for link in LINKS.findall(stream.read(name).decode()):
                    folder = posixpath.dirname(name)
                    links.add(posixpath.normpath(posixpath.join(folder, link)))
    assert links
    assert not {one for one in links - found if not any_in(found, one)}


def any_in(found, folder):
    return any(name.startswith(f"{folder}/") for name in found)


def test_the_same_commit_gives_the_same_bytes(built, instance, tmp_path):
    again = Release(instance.tools.venv, tmp_path).build()
    assert again.zip.read_bytes() == built.zip.read_bytes()
    assert again.wheel.read_bytes() == built.wheel.read_bytes()


def test_the_wheel_says_what_it_is_and_holds_what_the_zip_holds(built):
    prefix = f"odoo_addon_cloud_pbx-{built.version}"
    assert built.wheel.name == f"{prefix}-py3-none-any.whl"
    with zipfile.ZipFile(built.wheel) as stream:
        text = stream.read(f"{prefix}.dist-info/METADATA").decode()
        readme = stream.read("odoo/addons/cloud_pbx/README.md").decode()
    about = HeaderParser().parsestr(text)
    assert about["Name"] == "odoo-addon-cloud_pbx"
    assert about["Version"] == built.version
    assert about["License"] == "LGPL-3"
    required = {"odoo==19.0.*", "phonenumbers", "requests"}
    assert set(about.get_all("Requires-Dist")) == required
    assert about["Description-Content-Type"] == "text/markdown"
    assert about.get_payload().strip() == readme.strip()
    # A page of packages has no files beside it.
    assert LINKS.findall(readme) == []
    assert "docs/install.md" in readme and "](" not in readme.split("## Install it")[1]
    addon = {name for name in names(built.wheel) if ".dist-info/" not in name}
    assert addon == {f"odoo/addons/{name}" for name in names(built.zip)}


def run_a_call(odoo, instance):
    """As on the first day: enter a PBX, press Connect, and somebody calls."""
    admin = odoo.login("admin")
    pbx = FakePbxServer(
        instance.tools.venv.python,
        0,
        instance.folder / f"{odoo.database}-pbx.log",
        zone="Europe/London",
        **KEYS,
    ).start()
    try:
        [country] = admin.call("res.country", "search", [("code", "=", "GB")])
        provider = admin.call(
            "pbx.provider",
            "create",
            {
                "name": "Office",
                "dialect": "zadarma",
                "api_key": KEYS["key"],
                "api_secret": KEYS["secret"],
                "country_id": country,
                "tz": "Europe/London",
                "user_id": admin.uid,
                "server_url": pbx.url,
                "external_url": odoo.url,
            },
        )
        admin.call("pbx.provider", "action_connect", [provider])
        [form] = admin.call("pbx.provider", "read", [provider], ["state"])
        assert form["state"] == "connected"
        played = pbx.play("answered")
        assert {event["status"] for event in played["events"]} == {200}
        log.wait_applied(odoo)
        ref = [("ref", "=", played["pbx_call_id"])]
        [call] = log.calls(admin, ref)
        assert (call["state"], call["outcome"]) == ("done", "answered")
    finally:
        pbx.stop()


def install(clean, database, name):
    """Install the addon in a database, without a warning about it."""
    path = clean.folder / f"e2e_{name}-install.log"
    clean.install(database, path)
    assert logcheck.complaints(path) == []


def module(odoo):
    return odoo.sql(
        "select state, latest_version from ir_module_module where name = 'cloud_pbx'"
    )


@pytest.fixture(scope="module")
def from_zip(instance, built, tmp_path_factory):
    """Odoo with the unpacked zip, installed in a database that was empty."""
    folder = tmp_path_factory.mktemp("zip")
    addons = folder / "addons"
    with zipfile.ZipFile(built.zip) as stream:
        stream.extractall(addons)
    clean = CleanInstance(instance, folder, (addons,))
    clean.clone(ZIP, "template0")
    install(clean, ZIP, "zip")
    yield clean
    clean.drop(ZIP)


def test_the_zip_works_in_an_empty_database(instance, built, from_zip):
    odoo = Odoo(from_zip, ZIP, log=from_zip.folder / "e2e_zip.log")
    assert module(odoo) == [("installed", built.version)]
    odoo.start()
    try:
        run_a_call(odoo, instance)
    finally:
        odoo.stop()


def test_the_tests_of_the_zip_pass(from_zip):
    """Some of them; `make test DIST=1` runs them all."""
    [addons] = from_zip.addons
    tests = [addons / "cloud_pbx/tests" / name for name in SOME_TESTS]
    done = subprocess.run(
        [
            *(from_zip.tools.venv.python, "-m", "pytest", "-q", "-rs"),
            f"--odoo-database={ZIP}",
            *tests,
        ],
        capture_output=True,
        text=True,
        env=from_zip.environment(),
        cwd="/",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    skipped = [line for line in done.stdout.splitlines() if line.startswith("SKIPPED")]
    assert not [line for line in skipped if not line.endswith(NOT_RELEASED)]
    assert "passed" in done.stdout


@pytest.fixture(scope="module")
def clean(instance, tmp_path_factory):
    """A virtual environment of its own, which nothing is installed in yet."""
    clean = CleanInstance(instance, tmp_path_factory.mktemp("wheel"))
    clean.clone(WHEEL, TEMPLATE)
    yield clean
    clean.drop(WHEEL)


def test_import_module_refuses_the_zip(built, clean):
    """Odoo's dialog reads data files, and these speak of models that it has not got."""
    odoo = Odoo(clean, WHEEL, log=clean.folder / "import-module.log").start()
    try:
        admin = odoo.login("admin")
        packed = base64.b64encode(built.zip.read_bytes()).decode()
        dialog = admin.call("base.import.module", "create", {"module_file": packed})
        with pytest.raises(OdooError) as refused:
            admin.call("base.import.module", "import_module", [dialog])
    finally:
        odoo.stop()
    # The words that docs/install.md explains.
    assert "Error while importing module 'cloud_pbx'." in str(refused.value)
    missing = "External ID not found in the system: cloud_pbx.model_pbx_provider"
    assert missing in str(refused.value)
    assert module(odoo) == [("uninstalled", None)]
    assert odoo.sql("select 1 from ir_model_data where module = 'cloud_pbx'") == []


@pytest.fixture(scope="module")
def from_wheel(built, clean):
    """Odoo with the wheel, in a database in which it is installed."""
    clean.pip("install", "--no-deps", built.wheel)
    install(clean, WHEEL, "wheel")
    odoo = Odoo(clean, WHEEL, log=clean.folder / "e2e_wheel.log")
    yield odoo
    odoo.stop()


def test_the_wheel_finds_all_that_it_requires(from_wheel):
    python = from_wheel.instance.tools.venv.python
    done = subprocess.run(
        [python, "-m", "pip", "check"], capture_output=True, text=True, check=False
    )
    # Odoo itself lacks some, by the names that it gives them: Debian has others.
    assert "cloud" not in done.stdout, done.stdout


def test_the_wheel_works(instance, built, from_wheel):
    assert module(from_wheel) == [("installed", built.version)]
    from_wheel.start()
    run_a_call(from_wheel, instance)
