"""A real Asterisk for the tests.

exchange  Exchange: an Odoo and an Asterisk that know each other, one for all tests;
          between them stand two doors (see door.py). Each test finds and leaves it
          quiet: both run, nobody talks, and nothing is kept at the PBX
lab       an Asterisk with telephones, not started: .install(files), .start(), and
          dev/asterisk/stories.py plays calls on it
receiver  an HTTP server in Odoo's place: .url, .posts, .status, .wait_for(beginning)
"""

import pytest
from exchange import Exchange

from asterisk.lab import Lab
from asterisk.receiver import Receiver
from lib import asterisk as packages
from lib import setup
from lib.terminal import Stop


@pytest.fixture(scope="session")
def asterisk():
    if packages.skipped():
        pytest.skip(packages.LEFT_OUT)
    try:
        return setup.telephones()
    except Stop as stop:
        pytest.fail(str(stop), pytrace=False)


@pytest.fixture(scope="session")
def started_exchange(instance, servers, asterisk):
    with Exchange.started(instance.folder / "asterisk", asterisk, servers) as exchange:
        yield exchange


@pytest.fixture
def exchange(started_exchange):
    started_exchange.make_quiet()
    yield started_exchange
    started_exchange.make_quiet()


@pytest.fixture(scope="module")
def lab(asterisk, tmp_path_factory):
    lab = Lab(asterisk, tmp_path_factory.mktemp("asterisk"))
    yield lab
    lab.close()


@pytest.fixture(scope="module")
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()
