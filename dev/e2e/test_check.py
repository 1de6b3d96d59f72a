"""The buttons Check and New token, on a server with two workers.

With one worker only, nobody would be left to answer the test event.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest
import wrong_endpoints
from posting import post, render, session

from lib import pbx as introduction
from lib.rpc import OdooError

# Requests that surely reach both workers.
MANY, AT_ONCE = 40, 4


@pytest.fixture(scope="module")
def odoo(workers):
    return workers


class Form:
    """A provider's form, as an administrator has it open."""

    def __init__(self, odoo, admin):
        self.odoo, self.admin = odoo, admin
        self.id = introduction.find_provider(admin)
        self.write(external_url=odoo.url, port=0)
        user = admin.call("res.users", "search", [("login", "=", "admin")])
        self.write(user_id=user[0])

    def write(self, **values):
        self.admin.call("pbx.provider", "write", [self.id], values)

    def read(self):
        names = ["state", "last_error", "webhook_url", "url_changed", "api_secret"]
        return self.admin.call("pbx.provider", "read", [self.id], names)[0]

    def press(self, button):
        """Press a button; what is shown then: a kind and a sentence."""
        shown = self.admin.call("pbx.provider", button, [self.id])
        return shown["params"]["type"], shown["params"]["message"]

    def inbox(self):
        query = "select event_type, state, attempts from pbx_event where provider_id=%s"
        return self.odoo.sql(query, [self.id])


@pytest.fixture
def form(odoo, admin):
    return Form(odoo, admin)


def test_success_says_so(odoo, form):
    before = form.inbox()
    [[calls]] = odoo.sql("select count(*) from pbx_call")
    for count in (1, 2):  # the second is no repeat of the first
        kind, sentence = form.press("action_check")
        assert kind == "success"
        assert "arrived" in sentence and "inbox" in sentence
        events = form.inbox()[len(before) :]
        assert events == [("CLOUD_PBX_CHECK", "ignored", 1)] * count
    assert odoo.sql("select count(*) from pbx_call") == [(calls,)]
    now = form.read()
    assert (now["state"], now["last_error"]) == ("connected", False)


def fails(form, address, *words):
    """Check an address; the sentence and the form say what is wrong with it."""
    form.write(external_url=address)
    token = form.read()["webhook_url"].rpartition("/")[2]
    kind, sentence = form.press("action_check")
    assert kind == "danger"
    for word in words:
        assert word in sentence
    assert token not in sentence
    now = form.read()
    assert (now["state"], now["last_error"]) == ("error", sentence)
    form.write(external_url=form.odoo.url)
    assert form.press("action_check")[0] == "success"
    now = form.read()
    assert (now["state"], now["last_error"]) == ("connected", False)


def test_nobody_listens(form):
    with wrong_endpoints.closed() as address:
        fails(form, address, "cannot be reached", "port")


def test_a_name_that_is_none(form):
    fails(form, "http://pbx.invalid", "cannot be reached", "external address")


def test_another_path(odoo, form):
    fails(form, f"{odoo.url}/elsewhere", "does not know it", "dbfilter", "/pbx/")


def test_it_leads_on_to_https(form):
    with wrong_endpoints.answering(301, location="https://odoo.example.com") as address:
        fails(form, address, "leads on to https://odoo.example.com", "does not follow")


def test_a_certificate_nobody_vouches_for(form, tmp_path):
    tls = wrong_endpoints.self_signed(tmp_path)
    with wrong_endpoints.answering(200, tls=tls) as address:
        fails(form, address, "certificate")


def test_no_answer_in_time(form):
    with wrong_endpoints.silent() as address:
        fails(form, address, "in time", "forwarded")


def test_an_error_there(form):
    with wrong_endpoints.answering(500) as address:
        fails(form, address, "error 500")


def test_it_is_refused_there(form):
    with wrong_endpoints.answering(403) as address:
        fails(form, address, "refused", "other keys")


def test_somebody_else_answers(form):
    with wrong_endpoints.answering(200) as address:
        fails(form, address, "did not reach", "another")


def test_an_inactive_one_says_so(form):
    form.write(user_id=False)
    before = form.inbox()
    with pytest.raises(OdooError, match="inactive.*Run as"):
        form.press("action_check")
    assert form.inbox() == before


def test_without_the_key_it_says_so(form):
    secret = form.read()["api_secret"]
    form.write(api_secret=False)
    try:
        with pytest.raises(OdooError, match="Enter this first: Secret"):
            form.press("action_check")
    finally:
        form.write(api_secret=secret)


def test_a_new_token_counts_at_once_in_every_worker(form):
    old, secret = form.read()["webhook_url"], form.read()["api_secret"]
    assert echoes(old) == {200}  # every worker has seen the old one
    kind, sentence = form.press("action_rotate_token")
    assert kind == "warning" and "new address" in sentence
    now = form.read()
    assert now["webhook_url"] != old
    assert now["url_changed"]
    assert echoes(old) == {404}
    assert echoes(now["webhook_url"]) == {200}
    [start, *_rest] = render("missed", secret)
    before = form.inbox()
    assert post(old, start).status == 404
    assert form.inbox() == before
    assert post(now["webhook_url"], start).status == 200
    assert len(form.inbox()) == len(before) + 1
    assert old.rpartition("/")[2] not in form.odoo.log_text()


def echoes(url):
    """What the address answers to its verification, asked often."""

    def ask(_number):
        with session() as client:
            answer = client.get(url, params={"zd_echo": "hello"}, timeout=30)
            return answer.status_code

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return set(pool.map(ask, range(MANY)))


def test_the_log_holds_no_token(odoo, form):
    tokens = odoo.sql("select webhook_token, api_secret, api_key from pbx_provider")
    said = odoo.log_text()
    assert not [secret for secret in sum(tokens, ()) if secret and secret in said]
