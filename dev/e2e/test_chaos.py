"""Workers, servers and PostgreSQL are killed while calls come in: all of it is kept.

The short form of `make chaos` (dev/chaos): the same ten rounds each time.
"""

import pytest

from chaos.deaths import Deaths
from chaos.storm import Storm
from chaos.system import System
from lib.small_disk import NOT_PERMITTED, disk_for
from lib.testing import PRISTINE

pytestmark = pytest.mark.after_tests

DATABASE = "e2e_chaos"
SEED = 16
# Each kind once, and what is over quickly several times.
ROUNDS = (*Deaths.KINDS, "worker", "backend", "worker", "backend")
LOCKED_SECONDS = 5


@pytest.fixture(scope="module")
def system(instance, servers):
    # Comes last, as test_outage.py does: the database dies, nobody needs the others.
    for server in servers.started:
        server.kill()
    instance.clone(DATABASE, PRISTINE)
    with disk_for(instance.cluster) as disk:
        system = System(instance, DATABASE, disk)
        system.start()
        yield system.introduce()
        system.stop()
    instance.drop(DATABASE)


def test_whoever_dies_nothing_is_lost(system):
    storm = Storm(system, SEED, press=True)
    with storm.calls():
        for kind in storm.dice.sample(ROUNDS, len(ROUNDS)):
            storm.round(kind)
    assert storm.rounds == len(ROUNDS)
    assert storm.check.events > 10 * len(ROUNDS)


def test_a_database_that_cannot_take_it(system):
    """A file that cannot grow, a copy that only reads, tables that somebody holds."""
    storm = Storm(system, SEED + 1, press=True)
    with storm.calls():
        storm.case("full_file")
        storm.case("read_only")
        storm.case("locked", seconds=LOCKED_SECONDS)
    assert storm.load.ledger.statuses[503]


def test_a_full_disk(system):
    if not system.disk:
        pytest.skip(NOT_PERMITTED)
    storm = Storm(system, SEED + 4, press=True)
    with storm.calls():
        storm.case("full_disk")
    assert storm.load.ledger.statuses[503]


def test_slow_senders(system):
    storm = Storm(system, SEED + 3, press=True)
    with storm.calls():
        storm.case("slow_bodies")


def test_clocks_that_step(system):
    """The last one: the servers go on with libfaketime."""
    storm = Storm(system, SEED + 2, press=True)
    with storm.calls():
        storm.case("wrong_clocks")
