"""Who may post, and what is kept of a notification."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from beeline_bodies import (
    ACCOUNT,
    ANNA,
    BEELINE,
    CALL,
    CURRENT,
    KEY,
    LATE,
    MEMORY,
    PREVIOUS,
    URL,
    Leg,
    Notice,
    post,
)

from telephony.beeline import notification, xml
from telephony.dialect import Refused, Reply, Request

NOW = datetime.now(UTC).replace(tzinfo=None)
LEG = Leg(ANNA, privacy="Private")
NOTICE = LEG.begun()
TERMINATED = notification.TERMINATED


def refusal(request, account=ACCOUNT):
    with pytest.raises(Refused) as caught:
        BEELINE.check(request, account)
    assert URL not in caught.value.reason
    return caught.value.status


def taken(notice, account=ACCOUNT, **more):
    return BEELINE.check(notice.post(**more), account)


class TestProof:
    @pytest.mark.parametrize("known", [CURRENT, PREVIOUS])
    def test_the_subscription_is_named(self, known):
        assert taken(NOTICE.told_again(subscriptionId=known)).ref == CALL

    @pytest.mark.parametrize("other", ["", " ", "7c0d2e00", CURRENT + "0", "ключ", "?"])
    def test_another_one_or_none(self, other):
        assert refusal(NOTICE.told_again(subscriptionId=other).post()) == 403

    def test_only_the_event_s_own_counts(self):
        text = NOTICE.told_again(subscriptionId="").text()
        named = f"<xsi:subscriptionId>{CURRENT}</xsi:subscriptionId>"
        text = text.replace("<xsi:call>", f"<xsi:call>{named}")
        assert refusal(post(text)) == 403

    def test_a_previous_one_is_forgotten_after_a_day(self):
        over = {"id": PREVIOUS, "until": (NOW - timedelta(minutes=1)).isoformat()}
        account = replace(ACCOUNT, memory={**MEMORY, "previous": [over]})
        assert (
            refusal(NOTICE.told_again(subscriptionId=PREVIOUS).post(), account) == 403
        )

    def test_nothing_is_taken_where_nothing_was_set_up(self):
        assert refusal(NOTICE.post(), replace(ACCOUNT, memory={})) == 403

    def test_an_event_may_overtake_the_answer(self):
        notice = NOTICE.told_again(subscriptionId="brand-new-id")
        soon = replace(ACCOUNT, expecting_until=NOW + timedelta(seconds=60), memory={})
        assert taken(notice, soon).ref == CALL
        assert refusal(NOTICE.told_again(subscriptionId="").post(), soon) == 403
        late = replace(ACCOUNT, expecting_until=NOW - timedelta(seconds=1))
        assert refusal(notice.post(), late) == 403

    @pytest.mark.parametrize(
        "source, address, status",
        [
            ("", "", 0),
            ("", "203.0.113.9", 0),
            ("192.0.2.7", "192.0.2.7", 0),
            ("192.0.2.7", "192.0.2.8", 403),
            ("192.0.2.7, 198.51.100.0/24", "198.51.100.200", 0),
            ("192.0.2.7\n2001:db8::/32", "2001:db8::5", 0),
            ("192.0.2.0/24", "::ffff:192.0.2.5", 0),
            ("192.0.2.0/24", "2001:db8::5", 403),
            ("192.0.2.0/24", "", 403),
            ("192.0.2.0/24", "unknown", 403),
            # What cannot be read lets nobody in, rather than everybody.
            ("beeline.ru", "192.0.2.7", 403),
        ],
    )
    def test_where_it_comes_from(self, source, address, status):
        account = replace(ACCOUNT, options={"beeline_sources": source})
        request = post(NOTICE.text(), remote_address=address)
        if status:
            assert refusal(request, account) == status
        else:
            assert BEELINE.check(request, account).ref == CALL

    def test_the_order_of_refusals(self):
        """What costs nothing is looked at first."""
        closed = replace(ACCOUNT, options={"beeline_sources": "192.0.2.7"})
        large = b"<" * 70_000
        for request, account, status in (
            (post(large, "text/plain"), closed, 415),
            (post(large), closed, 413),
            (post("<broken"), closed, 403),
            (post("<broken"), ACCOUNT, 400),
            (post("<Event/>"), ACCOUNT, 403),
        ):
            assert refusal(request, account) == status


class TestEnvelope:
    @pytest.mark.parametrize(
        "kind", ["application/xml", "text/xml", "Application/XML;charset=utf-8"]
    )
    def test_kinds(self, kind):
        assert BEELINE.check(post(NOTICE.text(), kind), ACCOUNT).ref == CALL

    @pytest.mark.parametrize(
        "kind", ["", "application/x-www-form-urlencoded", "application/json",
                 "application/soap+xml", "text/html", "application/xml2"],
    )  # fmt: skip
    def test_other_kinds(self, kind):
        assert refusal(post(NOTICE.text(), kind)) == 415

    def test_compressed(self):
        headers = {"content-type": "text/xml", "content-encoding": "gzip"}
        assert refusal(Request("POST", headers, {}, b"\x1f\x8b")) == 415

    def test_size(self):
        text = NOTICE.text()
        padding = " " * (xml.MAX_BODY_BYTES - len(text.encode()))
        assert BEELINE.check(post(text + padding), ACCOUNT).ref == CALL
        assert refusal(post(text + padding + " ")) == 413

    def test_a_get_is_nobody_s(self):
        with pytest.raises(Refused) as caught:
            BEELINE.handshake(Request("GET", {}, {"zd_echo": "x"}), ACCOUNT)
        assert caught.value.status == 404

    def test_the_answer_is_empty(self):
        assert BEELINE.reply(taken(NOTICE), None) == Reply(200, "")


class TestForms:
    """However the sender's library writes it."""

    @pytest.mark.parametrize("prefix", ["xsi", "", "ns2", "xs-i"])
    @pytest.mark.parametrize("type_prefix", ["xsi1", "i"])
    def test_prefixes(self, prefix, type_prefix):
        delivery = taken(NOTICE, prefix=prefix, type_prefix=type_prefix)
        assert delivery.payload == taken(NOTICE).payload

    def test_without_types(self):
        delivery = taken(NOTICE, types=False)
        assert (delivery.event_type, delivery.ref) == ("?", CALL)

    def test_without_a_namespace(self):
        text = NOTICE.text(prefix="", types=False).replace(f' xmlns="{NAMESPACE}"', "")
        assert NAMESPACE not in text
        assert BEELINE.check(post(text), ACCOUNT).ref == CALL

    def test_with_prefixes_that_nothing_declares(self):
        text = NOTICE.text().replace(f'xmlns:xsi="{NAMESPACE}"', "")
        text = text.replace(
            'xmlns:xsi1="http://www.w3.org/2001/XMLSchema-instance"', ""
        )
        assert "xmlns" not in text
        assert BEELINE.check(post(text), ACCOUNT).payload == taken(NOTICE).payload

    def test_another_namespace_is_not_read(self):
        text = NOTICE.text().replace(NAMESPACE, "http://schema.example.com/xsi")
        assert refusal(post(text)) == 400
        strange = '<o:subscriptionId xmlns:o="urn:other">x</o:subscriptionId>'
        text = NOTICE.text().replace("<xsi:eventID>", strange + "<xsi:eventID>")
        assert BEELINE.check(post(text), ACCOUNT).ref == CALL

    @pytest.mark.parametrize(
        "encoding, kind",
        [
            ("utf-8", "application/xml; charset=UTF-8"),
            ("utf-8-sig", "application/xml"),
            ("utf-16", "application/xml"),
            ("utf-16", "application/xml; charset=utf-16"),
            ("utf-16-le", "application/xml; charset=UTF-16"),
            ("utf-16-be", "text/xml"),
            ("windows-1251", "text/xml"),
            ("windows-1251", 'text/xml; charset="windows-1251"'),
            ("koi8-r", "text/xml"),
            ("iso-8859-5", "text/xml"),
        ],
    )
    @pytest.mark.parametrize("declares", [True, False])
    def test_encodings(self, encoding, kind, declares):
        name = encoding.removesuffix("-sig").removesuffix("-le").removesuffix("-be")
        text = NOTICE.text().replace("Main line", "Главная линия")
        declaration = f' encoding="{name}"' if declares else ""
        text = text.replace(' encoding="UTF-8"', declaration)
        told = declares or "charset" in kind or name.startswith("utf")
        request = post(text.encode(encoding), kind)
        if told:
            [call] = BEELINE.check(request, ACCOUNT).payload["calls"]
            assert call["redirections"][0]["name"] == "Главная линия"
        else:
            assert refusal(request) == 400

    def test_the_content_type_may_be_wrong(self):
        """It comes from a setting of the sender's server, the text from its program."""
        text = NOTICE.text().replace("Main line", "Главная линия")
        text = text.replace('"UTF-8"', '"windows-1251"')
        request = post(text.encode("cp1251"), "application/xml; charset=UTF-8")
        [call] = BEELINE.check(request, ACCOUNT).payload["calls"]
        assert call["redirections"][0]["name"] == "Главная линия"

    def test_empty_elements_say_nothing_but_that_they_are_there(self):
        text = LEG.released(9, answer=3).text()
        text = text.replace("<xsi:privacy>Private</xsi:privacy>", "<xsi:privacy/>")
        text = text.replace("</xsi:call>", "<xsi:recorded/></xsi:call>")
        [call] = BEELINE.check(post(text), ACCOUNT).payload["calls"]
        assert (call["recorded"], call["remoteParty"]["privacy"]) == ("true", "true")
        text = text.replace("<xsi:recorded/>", "<xsi:recorded>false</xsi:recorded>")
        assert "recorded" not in BEELINE.check(post(text), ACCOUNT).payload["calls"][0]

    @pytest.mark.parametrize(
        "name, most", [("extTrackingId", 200), ("callId", 200), ("state", 1000)]
    )
    def test_lengths(self, name, most):
        text = NOTICE.text()
        before, begin, rest = text.partition(f"<xsi:{name}>")
        _old, end, after = rest.partition(f"</xsi:{name}>")
        for length, fits in ((most, True), (most + 1, False)):
            body = post(before + begin + "x" * length + end + after)
            assert (refusal(body) == 400) if not fits else BEELINE.check(body, ACCOUNT)


class TestPayload:
    def test_what_is_kept(self):
        answered = LEG.released(60, "Busy", "localRelease", answer=5, recorded=True)
        payload = taken(answered).payload
        assert payload == json.loads(json.dumps(payload))
        assert payload == {
            "type": "CallReleasedEvent",
            "eventID": "0f6b1c00-1111-4a00-8a00-000000000001",
            "sequenceNumber": "41",
            "userId": "MPBX_E_252000_12000000000_EventSubscription@ip.beeline.ru",
            "externalApplicationId": "12000000000_00112233445566778899aabbccddeeff",
            "subscriptionId": CURRENT,
            "targetId": ANNA,
            "calls": [
                {
                    "callId": LEG.call_id,
                    "extTrackingId": CALL,
                    "personality": "Terminator",
                    "state": "Released",
                    "startTime": "1790000000000",
                    "answerTime": "1790000005000",
                    "releaseTime": "1790000060000",
                    "releasingParty": "localRelease",
                    "remoteParty": {
                        "address": "tel:+79000000201",
                        "callType": "Network",
                        "privacy": "Private",
                    },
                    "redirections": [
                        {
                            "name": "Main line",
                            "address": "tel:+79000000100",
                            "callType": "Group",
                            "reason": "hunt-group",
                        }
                    ],
                    "addressOfRecord": ANNA,
                    "internalReleaseCause": "Busy",
                    "recorded": "true",
                }
            ],
        }

    @pytest.mark.parametrize("keep", [True, False])
    def test_no_address_and_no_token(self, keep):
        account = replace(ACCOUNT, options={"keep_log": keep})
        token = URL.rpartition("/")[2]
        hidden = [
            NOTICE.post(),
            NOTICE.post(prefix=""),
            # Written in other ways, and elsewhere.
            post(NOTICE.text(uri=f"<![CDATA[{URL}]]>").replace("&lt;", "<")
                 .replace("&gt;", ">")),
            post(NOTICE.text(uri="").replace("Main line", URL)),
            post(NOTICE.text().replace("Main line", token)),
            post(NOTICE.text().replace(
                "<xsi:sequenceNumber>", f"<xsi:strange a='{KEY}'>{token}</xsi:strange>"
                "<xsi:sequenceNumber>")),
            post(NOTICE.text().replace(
                "<xsi:eventID>", f"<!-- {URL} --><xsi:eventID>")),
            post(NOTICE.text(uri="".join(f"&#{ord(one)};" for one in URL))
                 .replace("&amp;", "&")),
        ]  # fmt: skip
        for request in hidden:
            payload = json.dumps(BEELINE.check(request, account).payload)
            if keep:
                assert json.loads(payload)["document"] is not None
            assert token not in payload
            assert URL not in payload and KEY not in payload

    def test_the_whole_document_where_the_log_is_kept(self):
        account = replace(ACCOUNT, options={"keep_log": True})
        document = taken(NOTICE, account).payload["document"]
        assert "<xsi:httpContact><xsi:uri>***</xsi:uri></xsi:httpContact>" in document
        assert document.replace("***", URL) == NOTICE.text()
        assert "document" not in taken(NOTICE).payload
        assert BEELINE.read(taken(NOTICE, account), LATE, account)

    @pytest.mark.parametrize("between", ["]]><![CDATA[", "]]><!-- x --><![CDATA["])
    def test_an_address_in_pieces_is_not_kept(self, between):
        account = replace(ACCOUNT, options={"keep_log": True})
        place = len(URL) - 4
        text = NOTICE.text(uri=f"<![CDATA[{URL[:place]}{between}{URL[place:]}]]>")
        document = BEELINE.check(post(text), account).payload["document"]
        assert "<xsi:uri>***</xsi:uri>" in document
        assert URL[:place] not in document

    def test_addresses_that_are_never_closed_are_no_addresses(self):
        """What they cost `B=beeline make bench` says."""
        account = replace(ACCOUNT, options={"keep_log": True})
        opened = "<uri>" * 3900
        rest = " " * (60_000 - len(opened))
        text = NOTICE.text().replace(
            "</xsi:Event>", f"<!--{opened}{rest}--></xsi:Event>"
        )
        document = BEELINE.check(post(text), account).payload["document"]
        assert opened in document and URL not in document
        assert "<xsi:uri>***</xsi:uri>" in document

    def test_several_addresses_and_what_is_between_them(self):
        a, b = "<uri>x<uri>y</uri>", '<a.b:uri c="d">\nz</a.b:uri >'
        kept = xml.without_addresses(f"1{a}2{b}3</uri>4<uri>5", ())
        hidden = '1<uri>***</uri>2<a.b:uri c="d">***</a.b:uri >3</uri>4<uri>5'
        assert kept == hidden

    def test_a_document_is_kept_once(self):
        account = replace(ACCOUNT, options={"keep_log": True})
        calls = [(Leg(call=f"call-{n}"), "Active", {}) for n in range(3)]
        delivery = taken(Notice("CallUpdatedEvent", calls), account)
        kept = [delivery.payload, *(one.payload for one in delivery.further)]
        assert ["document" in one for one in kept] == [True, False, False]
        assert [len(one["calls"]) for one in kept] == [1, 1, 1]

    def test_a_repeat_is_known_and_another_event_is_not(self):
        assert taken(NOTICE).digest == taken(NOTICE).digest
        other = NOTICE.told_again(eventID="another")
        assert taken(NOTICE).digest != taken(other).digest


class TestTerminated:
    def test_of_the_current_subscription(self):
        delivery = taken(Notice(TERMINATED))
        assert (delivery.needs_renewal, delivery.ref) == (True, "")

    def test_of_an_older_one(self):
        delivery = taken(Notice(TERMINATED, subscriptionId=PREVIOUS))
        assert not delivery.needs_renewal

    def test_of_a_stranger_s(self):
        assert refusal(Notice(TERMINATED, subscriptionId="x").post()) == 403

    def test_the_type_may_stand_at_the_top(self):
        text = Notice("").text().replace("xsi:SubscriptionEvent", f"xsi:{TERMINATED}")
        assert BEELINE.check(post(text), ACCOUNT).needs_renewal

    def test_an_ordinary_event_ends_nothing(self):
        assert not taken(NOTICE).needs_renewal


NAMESPACE = notification.NAMESPACE
