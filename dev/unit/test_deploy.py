"""docs/deploy: the files fit each other, and nothing is open that need not be."""

import ast
import configparser
import re
import subprocess

import pytest
import yaml

from lib import nginx
from lib.deploy import CONF, FOLDER, IGNORE, copy_addon, image_names
from lib.paths import CHECKOUT
from telephony.http.forms import MAX_BODY_BYTES

# What an image has no use for.
LEFT_OUT = {
    *(".ci", ".editorconfig", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md"),
    *("Makefile", "README.md", "dev", "docs", "pyproject.toml", "tests"),
}
SERVERS = 2  # as many as the documentation speaks of


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((FOLDER / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def conf():
    parser = configparser.ConfigParser()
    parser.read(CONF)
    return parser["options"]


def test_only_nginx_can_be_reached(compose):
    services = compose["services"]
    published = {name for name, one in services.items() if "ports" in one}
    assert published == {"nginx"}
    assert compose["networks"]["database"] == {"internal": True}
    members = {name: set(one["networks"]) for name, one in services.items()}
    assert members == {
        "db": {"database"},
        "odoo": {"database", "web"},
        "nginx": {"web"},
    }


def test_secrets_are_files(compose):
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if "PASSWORD" in name:
                assert name.endswith("_FILE")
                assert value == "/run/secrets/db_password"
                assert service["secrets"] == ["db_password"]
    # And they are in no commit, and in no image.
    ignored = (CHECKOUT / ".gitignore").read_text().splitlines()
    assert {"docs/deploy/secrets/", "docs/deploy/tls/"} <= set(ignored)
    assert IGNORE.read_text().splitlines()[1] == "*"


def test_every_service_is_looked_after(compose):
    for name, service in compose["services"].items():
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert service["restart"] == "unless-stopped"
        assert re.search(r":\d", service["image"]), "a version is named"
    assert re.search(r"^FROM odoo:19\.0$", dockerfile(), re.M)


def dockerfile():
    return (FOLDER / "Dockerfile").read_text()


def test_what_is_mounted_is_there(compose):
    mounts = [
        mount.split(":")
        for service in compose["services"].values()
        for mount in service["volumes"]
    ]
    own = {source for source, *_rest in mounts if source.startswith("./")}
    assert own == {"./odoo.conf", "./nginx.conf.template", "./tls"}
    assert all((FOLDER / one).exists() for one in own - {"./tls"})
    assert {source for source, *_rest in mounts} - own == set(compose["volumes"])


def test_odoo_s_configuration(compose, conf):
    assert conf.getboolean("proxy_mode") and not conf.getboolean("list_db")
    assert conf["dbfilter"] == f"^{conf['db_name']}$"
    assert conf.getint("workers") >= 2
    # The image's program gives these, where the file does not name them.
    assert not {"db_host", "db_port", "db_user", "db_password"} & set(conf)
    [volume] = [
        one for one in compose["services"]["odoo"]["volumes"] if "./" not in one
    ]
    assert volume.split(":")[1] == conf["data_dir"]
    assert f"COPY . {conf['addons_path']}/cloud_pbx\n" in dockerfile()


def test_postgresql_has_a_connection_for_everybody(compose, conf):
    command = " ".join(compose["services"]["db"]["command"])
    [there] = re.findall(r"max_connections=(\d+)", command)
    processes = conf.getint("workers") + conf.getint("max_cron_threads")
    each = processes * conf.getint("db_maxconn") + conf.getint("db_maxconn_gevent")
    assert SERVERS * each < int(there)


def test_nginx_leads_to_odoo(compose):
    text = nginx.TEMPLATE.read_text()
    assert "odoo" in compose["services"]
    assert set(re.findall(r"^\s+server (odoo:\d+);", text, re.M)) == {
        "odoo:8069",
        "odoo:8072",
    }
    # Only this is filled in; all other words with a dollar are nginx's own.
    variables = set(re.findall(r"\$\{(\w+)\}", text))
    environment = compose["services"]["nginx"]["environment"]
    assert variables == {"DOMAIN"} == {environment["NGINX_ENVSUBST_FILTER"]}
    assert not re.search(r"\$DOMAIN", text)
    # What Odoo would refuse does not get there.
    webhooks = text.partition("location ~* ^/pbx {")[2].partition("}")[0]
    [megabytes] = re.findall(r"client_max_body_size (\d+)m;", webhooks)
    assert int(megabytes) * 1024 * 1024 == MAX_BODY_BYTES


def test_what_the_image_has(tmp_path):
    """All that the manifest names, and nothing that only developers need."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={CHECKOUT}", "ls-files", "-co"]
        + ["--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    names = {name.partition("/")[0] for name in listed}
    # A new one has to be in one list or the other.
    assert set(image_names()) == names - LEFT_OUT
    addon = copy_addon(tmp_path) / "cloud_pbx"
    manifest = ast.literal_eval((addon / "__manifest__.py").read_text())
    files = [*manifest["data"], *manifest["demo"]]
    assert [one for one in files if not (addon / one).is_file()] == []
