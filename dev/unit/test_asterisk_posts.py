"""What Asterisk posts: proven, read, and answered."""

import hashlib
import json
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony import dialect
from telephony.asterisk.dialect import MAX_BODY_BYTES
from telephony.dialect import Account, Ask, Decision, Refused, Request

ASTERISK = dialect.get("asterisk")
SECRET, FORMER = "Abc-123_secret", "the-one-before"
ACCOUNT = Account(secret=SECRET)
FORM = {"content-type": "application/x-www-form-urlencoded"}


def sha1(text):
    return hashlib.sha1(text).hexdigest().encode()


def signed(body, secret=SECRET):
    """As the dialplan does it: ``${SHA1(secret${SHA1(secret${b})})}``."""
    key = secret.encode()
    return body + b"&sig=" + sha1(key + sha1(key + body))


def post(body, account=ACCOUNT, headers=FORM):
    return ASTERISK.check(Request("POST", headers, {}, body), account)


def refusal(*args, **how):
    with pytest.raises(Refused) as caught:
        post(*args, **how)
    return caught.value


RECORD = (
    b"event=CHAN_START&v=0a1b2c3d&down=&id=1790000000.12&leg=1790000000.13"
    b"&time=1790000000.250&chan=PJSIP%2F201-0000000b&num=201&name=Anna%20%22A%22"
    b"&dnid=&exten=s&ctx=from-internal&app=&peer=&extra="
)


def test_a_record_is_taken():
    delivery = post(signed(RECORD))
    assert delivery.event_type == "CHAN_START"
    assert delivery.ref == "1790000000.12"
    assert delivery.payload["chan"] == "PJSIP/201-0000000b"
    assert delivery.payload["name"] == 'Anna "A"'
    assert delivery.payload["down"] == ""
    assert "sig" not in delivery.payload
    assert not delivery.asks_routing and not delivery.by_former_secret
    assert not delivery.held_back
    reply = ASTERISK.reply(delivery, None)
    assert (reply.status, reply.body) == (200, "ok")
    assert reply.content_type.startswith("text/plain")


def test_a_known_signature():
    """Made by Asterisk's own functions, and typed here."""
    body = b"event=replayed&v=1&id=&leg=&time=1790000000.000&told=0"
    inner = hashlib.sha1(b"s" + body).hexdigest()
    outer = hashlib.sha1(b"s" + inner.encode()).hexdigest()
    assert post(body + b"&sig=" + outer.encode(), Account(secret="s"))


def test_the_former_secret_is_good_for_a_while():
    account = Account(secret=SECRET, former_secret=FORMER)
    assert post(signed(RECORD, FORMER), account).by_former_secret
    assert not post(signed(RECORD), account).by_former_secret
    assert refusal(signed(RECORD, FORMER)).status == 403


@pytest.mark.parametrize(
    "body",
    [
        RECORD,
        RECORD + b"&sig=",
        signed(RECORD, "another"),
        signed(RECORD, ""),
        signed(RECORD)[:-1],
        signed(RECORD) + b"0",
        signed(RECORD) + b"\n",
        signed(RECORD) + b"&x=1",
        signed(RECORD).replace(b"201", b"202", 1),
        # Not the last field.
        signed(RECORD).rpartition(b"&")[2] + b"&" + RECORD,
        RECORD + b"&sig=" + signed(RECORD).rpartition(b"=")[2].upper(),
        RECORD + b"&sig=%30" + signed(RECORD).rpartition(b"=")[2][1:],
        b"",
        b"sig=" + b"0" * 40,
    ],
)
def test_without_proof_nothing_is_taken(body):
    assert refusal(body).status == 403


def test_an_account_without_a_secret_takes_nothing():
    for account in (Account(), Account(former_secret="")):
        assert refusal(signed(RECORD, ""), account).status == 403


def test_what_is_no_form_is_refused_before_it_is_read():
    json_type = {"content-type": "application/json"}
    assert refusal(signed(RECORD), headers=json_type).status == 415
    packed = {**FORM, "content-encoding": "gzip"}
    assert refusal(signed(RECORD), headers=packed).status == 415
    long = signed(b"event=X&extra=" + b"a" * MAX_BODY_BYTES)
    assert refusal(long).status == 413
    just = signed(b"event=X&extra=" + b"a" * (MAX_BODY_BYTES - 59))
    assert len(just) == MAX_BODY_BYTES and post(just)


def test_a_refusal_gives_nothing_away():
    reason = refusal(signed(RECORD, "another")).reason
    assert "201" not in reason and SECRET not in reason


def test_addresses_are_not_verified():
    with pytest.raises(Refused) as caught:
        ASTERISK.handshake(Request("GET", {}, {}), ACCOUNT)
    assert caught.value.status == 404


@given(st.binary(max_size=300))
def test_every_signed_body_is_taken(body):
    delivery = post(signed(body))
    assert delivery.event_type
    # What is kept is a text that every database holds.
    kept = json.dumps(delivery.payload)
    assert "\\u0000" not in kept
    kept.encode("utf-8")
    assert ASTERISK.reply(delivery, None).body in ("ok",) or delivery.asks_routing


@given(st.binary(min_size=1, max_size=200), st.data())
def test_one_changed_byte_is_refused(body, data):
    whole = bytearray(signed(body))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    assert refusal(bytes(whole)).status == 403


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,8}", fullmatch=True),
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
        max_size=8,
    )
)
def test_texts_come_as_they_were(fields):
    body = "&".join(f"{name}={quote(text, safe='')}" for name, text in fields.items())
    assert post(signed(body.encode())).payload == fields


@pytest.mark.parametrize(
    "name",
    ['Иванов, "Пётр"', "$(rm) `x`", "50% & more", "a+b", "😀", "O'Neil; DROP", "\r\n"],
)
def test_odd_names(name):
    body = f"event=X&id=1.1&name={quote(name, safe='')}"
    assert post(signed(body.encode())).payload["name"] == name


def test_repeats_are_known_again_and_others_are_not():
    one, other = post(signed(RECORD)), post(signed(RECORD.replace(b".13", b".14")))
    assert one.digest == post(signed(RECORD)).digest != other.digest


def test_an_id_that_no_index_could_hold_is_none():
    body = b"event=" + b"E" * 500 + b"&id=" + b"1" * 5000
    delivery = post(signed(body))
    assert delivery.ref == "" and len(delivery.event_type) == 64


def test_what_was_held_back_is_said():
    for down, held in ((b"", False), (b"0", False), (b"1790000030", True)):
        body = RECORD.replace(b"down=", b"down=" + down)
        assert post(signed(body)).held_back is held


# --------------------------------------------------------------- what it says of itself


def reports(event, at, **more):
    fields = {"event": event, "v": "0a1b2c3d", "id": "1.1", "time": f"{at:.3f}", **more}
    body = "&".join(f"{name}={value}" for name, value in fields.items())
    return post(signed(body.encode())).reports


def test_a_live_record_says_which_files_are_in_use():
    now = time.time()
    assert reports("ANSWER", now) == {"log_version": "0a1b2c3d"}
    assert reports("ANSWER", now - 3600) == {}, "of what was in use then"
    assert reports("ANSWER", now, down="1790000030") == {}, "perhaps one that was kept"


def test_the_dialplan_tells_its_version_and_its_clock():
    now = time.time()
    assert reports("start", now) == {"dialplan_version": "0a1b2c3d", "clock": 0}
    assert reports("start", now + 310)["clock"] == 300
    assert reports("start", now - 310)["clock"] == -300


def test_the_end_of_a_replay():
    found = reports("replayed", time.time(), id="", told="240")
    assert found[dialect.REPLAY_REPORT] == 240
    assert reports("replayed", time.time(), told="x")[dialect.REPLAY_REPORT] == 0
    assert post(signed(b"event=replayed&id=&told=1")).ref == ""


# --------------------------------------------------------------------------- answers


def answered(decision):
    delivery = post(signed(b"event=start&id=1.1&num=442079460201&line=1000"))
    assert delivery.asks_routing
    reply = ASTERISK.reply(delivery, decision)
    assert reply.content_type == "application/json" and reply.body.startswith("{")
    return json.loads(reply.body)


@pytest.mark.parametrize(
    "decision, name, target",
    [
        (None, "", ""),
        (Decision(), "", ""),
        (Decision(caller_name='Петрова, "Ольга"'), 'Петрова, "Ольга"', ""),
        (Decision(caller_name=" Olga\r\n\tP.\0 "), "Olga P.", ""),
        (Decision(caller_name="x" * 999), "x" * 64, ""),
        # What a real dialplan shows whole, and what it would cut off.
        (Decision(caller_name="Acme (UK): sales :)"), "Acme (UK): sales :)", ""),
        (Decision(caller_name="Acme) UK: sales"), "Acme UK: sales", ""),
        (Decision(caller_name='${X} $(y) `z` "'), '${X} $(y) `z` "', ""),
        (Decision(redirect="201"), "", "201"),
        (Decision(redirect="*98"), "", "*98"),
        (Decision(redirect="201,1)"), "", ""),
        (Decision(redirect="${X}"), "", ""),
        (Decision("Olga", "s"), "Olga", ""),
        (Decision(redirect="-1"), "", ""),
        (Decision("Olga", "201", 20), "Olga", "201"),
        # It has no words for these: nobody decides so, and the dialplan goes on.
        (Decision(refuse=True), "", ""),
        (Decision(hangup=True), "", ""),
        (Decision(play="sound", ask=Ask("m1")), "", ""),
    ],
)
def test_start_is_answered(decision, name, target):
    assert answered(decision) == {"caller_name": name, "redirect": target}


def test_it_can_be_told_to_go_to_an_extension_of_the_dialplan():
    assert ASTERISK.decisions == {"redirect"} and ASTERISK.can_answer_routing
    for text in ("201", "*98", "sales_queue", ASTERISK.target_example):
        assert ASTERISK.is_target(text)
    for text in ("", None, "hangup", "201,1", "${X}", "a b", "+44", "*98\n"):
        assert not ASTERISK.is_target(text)


def test_it_is_told_to_go_nowhere_that_asterisk_keeps_for_itself():
    for text in ("s", "i", "t", "T", "h", "o", "a", "e", "-1", "_X"):
        assert not ASTERISK.is_target(text)
    for text in ("S", "1", "#1", "sales", "i2"):
        assert ASTERISK.is_target(text)


# ------------------------------------------------------------------------- the sample


def test_our_own_test_event_is_proven_and_about_no_call():
    one, other = (ASTERISK.check(ASTERISK.sample(ACCOUNT), ACCOUNT) for _ in range(2))
    assert one.event_type == ASTERISK.sample_event and one.ref == ""
    assert one.digest != other.digest
    assert one.reports == {}
    assert ASTERISK.read(one, None, ACCOUNT) == []
