"""Fixtures: a real Odoo, a fake PBX that rings it, and the two introduced.

odoo      .url, .login(user, password) -> .call(model, method, *args, **kwargs),
          .sql(query, params) -> rows, .stop(), .start(), .kill(), .log_text()
pbx       .url, .play(scenario, **options), .post(path, body), .log_text()
provider  dict: id, webhook_url, api_key, api_secret, tz
admin     an administrator's login at the module's odoo
servers   .start(workers=2) -> one more Odoo, on a database of its own
prefork   (odoo, pbx, provider), one more of each, with two workers
own       (odoo, pbx, provider), one more of each for a module, without any call
workers   one more Odoo for a module, with two workers and no PBX
cluster   the PostgreSQL of this run: .stop(), .kill(), .start()
browsers  .one(user) -> a page of that user (see browser.py)

What is there for the desk, desk_fixtures.py says; for Asterisk, asterisk_fixtures.py;
for Beeline, beeline_fixtures.py.
"""

import os

import browser
import pytest
from playwright.sync_api import sync_playwright

from lib import pbx as introduction
from lib.testing import INSTANCE_VARIABLE
from server import Servers, take_instance

pytest_plugins = ["desk_fixtures", "asterisk_fixtures", "beeline_fixtures"]


def pytest_collection_modifyitems(items):
    """What pulls the database's plug comes last: no server has to come back for it."""
    last = ("test_chaos.py", "test_outage.py")
    items.sort(key=lambda item: item.path.name in last)


@pytest.fixture(scope="session")
def instance():
    return take_instance(os.environ.get(INSTANCE_VARIABLE))


@pytest.fixture(scope="session")
def cluster(instance):
    return instance.cluster


@pytest.fixture(scope="session")
def servers(instance):
    pool = Servers(instance)
    yield pool
    pool.close()


@pytest.fixture(scope="session")
def odoo(servers):
    return servers.start()


@pytest.fixture(scope="session")
def introduced(instance, odoo):
    log = instance.folder / "pbx.log"
    pbx, provider = introduction.introduce(odoo, instance.tools.venv.python, log)
    yield pbx, provider
    pbx.stop()


@pytest.fixture(scope="session")
def pbx(introduced):
    return introduced[0]


@pytest.fixture(scope="session")
def provider(introduced):
    return introduced[1]


@pytest.fixture(scope="session")
def prefork(instance, servers):
    odoo = servers.start(workers=2)
    log = instance.folder / f"{odoo.database}-pbx.log"
    pbx, provider = introduction.introduce(odoo, instance.tools.venv.python, log)
    yield odoo, pbx, provider
    pbx.stop()


@pytest.fixture(scope="module")
def admin(odoo):
    return odoo.login("admin")


@pytest.fixture(scope="module")
def own(instance, servers):
    odoo = servers.start()
    log = instance.folder / f"{odoo.database}-pbx.log"
    pbx, provider = introduction.introduce(odoo, instance.tools.venv.python, log)
    odoo.sql("delete from pbx_call")  # those of the demo data
    yield odoo, pbx, provider
    pbx.stop()
    odoo.stop()


@pytest.fixture(scope="module")
def workers(servers):
    odoo = servers.start(workers=2)
    yield odoo
    odoo.stop()


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        chromium = browser.launch(playwright.chromium)
        yield chromium
        chromium.close()


@pytest.fixture
def browsers(chromium, odoo):
    opened = browser.Browsers(chromium, odoo)
    yield opened
    opened.close()
    assert not opened.told()
