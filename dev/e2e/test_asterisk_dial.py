"""Click-to-call through a real Asterisk, and what is made of answers that fail."""

import time
from urllib.parse import parse_qs, urlsplit

import log
import pytest
from door import Answered

from asterisk import stories
from lib.rpc import OdooError

SILENT_SECONDS = 61


@pytest.fixture
def agent(exchange):
    return exchange.odoo.login("agent201")


def is_dialled(asked):
    return asked.method == "POST" and "channelId=odoo-" in asked.path


def ref_of(asked):
    return parse_qs(urlsplit(asked.path).query)["channelId"][0]


def row_of(exchange, call):
    domain = [("id", "=", call)]
    [found] = log.calls(exchange.admin, domain)
    return found


def wait_done(exchange, call):
    def done():
        found = row_of(exchange, call)
        return found["state"] == "done" and found

    return log.until(done, 30, "the call is over")


def failed_call(exchange, number):
    provider = exchange.provider["id"]
    domain = [("number", "=", number), ("provider_id", "=", provider)]
    [found] = log.calls(exchange.admin, domain)
    assert (found["state"], found["outcome"]) == ("done", "failed")
    return found


def test_the_call_is_in_the_log_before_asterisk_is_asked(exchange, agent):
    known = []

    def behave(asked):
        if is_dialled(asked):
            query = "select state, user_id, number from pbx_call where ref = %s"
            known.extend(exchange.odoo.sql(query, [ref_of(asked)]))
        return exchange.ari.give_on(asked)

    number = exchange.lab.fresh_number()
    with exchange.ari.behaving(behave):
        call = agent.call("pbx.call", "dial", number)
    assert known == [("ringing", agent.uid, number)]
    ring = exchange.lab.phones["201"].ring(number)
    # The phone shows whom it will call.
    assert ring.name == number[1:]
    # Somebody else cannot end it, who may see it.
    with pytest.raises(OdooError, match="cannot be ended from here"):
        exchange.admin.call("pbx.call", "hang_up", [call])
    assert not ring.over
    agent.call("pbx.call", "hang_up", [call])
    ring.wait("over")
    found = wait_done(exchange, call)
    assert (found["outcome"], found["talk_seconds"]) == ("cancelled", 0)
    # What is over cannot be ended.
    with pytest.raises(OdooError):
        agent.call("pbx.call", "hang_up", [call])


def test_a_talk_is_ended_from_odoo(exchange, agent):
    number = exchange.lab.fresh_number()
    call = agent.call("pbx.call", "dial", number)
    own = exchange.lab.phones["201"].ring(number).answer()
    customer = exchange.lab.carrier.ring(number).answer()
    own.wait("lifted")
    time.sleep(2)
    agent.call("pbx.call", "hang_up", [call])
    own.wait("over")
    customer.wait("over")
    truth = stories.called(own, number, "answered", customer)
    wait_done(exchange, call)
    exchange.assert_is(exchange.call_of(truth), truth)


def test_an_id_that_is_there_already_was_dialled(exchange, agent):
    def behave(asked):
        if is_dialled(asked):
            exchange.ari.give_on(asked)
        return exchange.ari.give_on(asked)

    number = exchange.lab.fresh_number()
    with exchange.ari.behaving(behave):
        call = agent.call("pbx.call", "dial", number)
    phone = exchange.lab.phones["201"]
    ring = phone.ring(number)
    with pytest.raises(AssertionError):
        phone.ring(number, 0.5)  # once
    ring.refuse()
    assert wait_done(exchange, call)["outcome"] == "cancelled"


def test_asterisk_does_not_know_the_phone(exchange):
    admin, provider = exchange.admin, exchange.provider
    extension = admin.call(
        "pbx.extension",
        "create",
        {"provider_id": provider["id"], "number": "299", "login": "299"},
    )
    user = provider["users"]["203"]
    [own] = admin.call("pbx.extension", "search", [("user_ids", "in", [user])])
    agent = exchange.odoo.login("agent203")
    [first, second] = [exchange.lab.fresh_number() for _ in range(2)]
    admin.call("pbx.extension", "write", [own], {"user_ids": [(3, user)]})
    admin.call("pbx.extension", "write", [extension], {"user_ids": [(4, user)]})
    try:
        with pytest.raises(OdooError, match="does not know your internal number 299"):
            agent.call("pbx.call", "dial", first)
        # It was there a moment ago: then it is asked to ring it.
        exchange.odoo.sql(
            "update pbx_extension set status = 'online',"
            " checked_at = now() at time zone 'utc' where id = %s",
            [extension],
        )
        with pytest.raises(OdooError) as refused:
            agent.call("pbx.call", "dial", second)
    finally:
        admin.call("pbx.extension", "unlink", [extension])
        admin.call("pbx.extension", "write", [own], {"user_ids": [(4, user)]})
    mine = ("provider_id", "=", provider["id"])
    assert not log.calls(admin, [("number", "=", first), mine])
    call = failed_call(exchange, second)["id"]
    [row] = admin.call("pbx.call", "read", [call], ["failure_reason"])
    assert row["failure_reason"] == "The phone was not connected to the PBX."
    assert "Asterisk cannot ring your phone" in str(refused.value)


def test_the_phone_is_offline(exchange, agent):
    exchange.lab.plug("201", False)
    try:
        exchange.odoo.sql("update pbx_extension set checked_at = null")
        with pytest.raises(OdooError, match="Your phone 201 is not connected"):
            agent.call("pbx.call", "dial", exchange.lab.fresh_number())
    finally:
        exchange.lab.plug("201")
        exchange.odoo.sql("update pbx_extension set checked_at = null")


def test_asterisk_is_away(exchange, agent):
    number = exchange.lab.fresh_number()
    with exchange.ari.shut_for_a_while():
        with pytest.raises(OdooError, match="cannot be reached"):
            agent.call("pbx.call", "dial", number)
    failed_call(exchange, number)


def test_asterisk_boots(exchange, agent):
    number = exchange.lab.fresh_number()
    text = "<html><h1>503 Service Unavailable</h1>Asterisk not booted</html>"
    with exchange.ari.saying(503, text, "text/html"):
        with pytest.raises(OdooError, match="cannot be reached"):
            agent.call("pbx.call", "dial", number)
    failed_call(exchange, number)


def test_no_answer_comes_and_the_phone_rings(exchange, agent):
    """The live channel says that it was dialled."""

    def behave(asked):
        answered = exchange.ari.give_on(asked)
        return None if is_dialled(asked) else answered

    number = exchange.lab.fresh_number()
    with exchange.ari.behaving(behave):
        call = agent.call("pbx.call", "dial", number)
    assert len([one for one in exchange.ari.seen if is_dialled(one)]) == 1
    ring = exchange.lab.phones["201"].ring(number)
    assert row_of(exchange, call)["state"] == "ringing"
    ring.refuse()
    assert wait_done(exchange, call)["outcome"] == "cancelled"


def test_no_answer_comes_and_nothing_was_dialled(exchange, agent):
    def behave(asked):
        return None if is_dialled(asked) else exchange.ari.give_on(asked)

    number = exchange.lab.fresh_number()
    with exchange.ari.behaving(behave), pytest.raises(OdooError):
        agent.call("pbx.call", "dial", number)
    failed_call(exchange, number)


def test_nothing_is_answered_and_it_is_dialled(exchange, agent):
    """In doubt until its events come."""

    def behave(asked):
        if is_dialled(asked):
            exchange.ari.give_on(asked)
        return None

    number = exchange.lab.fresh_number()
    with exchange.ari.behaving(behave):
        call = agent.call("pbx.call", "dial", number)
    own = exchange.lab.phones["201"].ring(number).answer()
    customer = exchange.lab.carrier.ring(number).answer()
    own.wait("lifted")
    time.sleep(1)
    customer.hang_up()
    own.wait("over")
    truth = stories.called(own, number, "answered", customer)
    wait_done(exchange, call)
    exchange.assert_is(exchange.call_of(truth), truth)


def test_nothing_is_answered_and_nothing_is_dialled(exchange, agent):
    """In doubt until the PBX is asked which channels live."""
    number = exchange.lab.fresh_number()
    with exchange.ari.behaving(lambda _asked: None):
        call = agent.call("pbx.call", "dial", number)
    assert row_of(exchange, call)["state"] == "ringing"
    exchange.fetch()
    assert row_of(exchange, call)["state"] == "ringing"
    exchange.odoo.sql(
        "update pbx_call set last_event_at = last_event_at - interval '%s seconds'"
        " where id = %s",
        [SILENT_SECONDS, call],
    )
    exchange.fetch()
    failed_call(exchange, number)


def test_nobody_is_asked_twice(exchange, agent):
    """Asterisk refuses with words that are no JSON: said, and not tried again."""
    number = exchange.lab.fresh_number()

    def behave(asked):
        if is_dialled(asked):
            return Answered(400, {"Content-Type": "text/html"}, b"<h1>Bad</h1>")
        return exchange.ari.give_on(asked)

    with exchange.ari.behaving(behave), pytest.raises(OdooError):
        agent.call("pbx.call", "dial", number)
    assert len([one for one in exchange.ari.seen if is_dialled(one)]) == 1
    failed_call(exchange, number)
