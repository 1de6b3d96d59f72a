"""What the webhook answers: the table of the contract, row by row, over real HTTP."""

import json
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from ..models.tools import seldom
from ..telephony.zadarma.signature import sign_event
from .common import CALLER, LINE, REF, SECRET, PbxHttpCase, log_lines

START = {
    "call_start": "2026-06-16 13:00:00",
    "pbx_call_id": REF,
    "caller_id": CALLER,
    "called_did": "442079460900",
}
MIB = 1024 * 1024


@tagged("post_install", "-at_install")
class TestWebhook(PbxHttpCase):
    """The PBX posts, and strangers do."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.before = cls.env["pbx.event"].search_count([])

    def assertNothing(self):
        """No row of any kind came of it."""
        self.assertFalse(self.events())
        self.assertFalse(self.calls())
        self.assertEqual(self.env["pbx.event"].search_count([]), self.before)

    def assertRefused(self, response, status, logged=None):
        self.assertEqual(response.status_code, status)
        self.assertNothing()
        self.assertNotIn("Set-Cookie", response.headers)
        for secret in (CALLER, "442079460900", REF, SECRET, "Traceback"):
            self.assertNotIn(secret, response.text)

    def send(self, body, content_type="application/x-www-form-urlencoded", sign=None):
        """Post raw bytes, signed as START."""
        signature = sign_event("NOTIFY_START", sign or START, SECRET)
        headers = {"Content-Type": content_type, "Signature": signature}
        return self.url_open(self.url_of(), data=body, headers=headers)

    # ------------------------------------------------------------------------ zd_echo

    def echo(self, text, provider=None):
        with log_lines():
            return self.url_open(self.url_of(provider), params={"zd_echo": text})

    def test_exactly_the_text(self):
        for text in ("a", "AZaz09_.-", "x" * 128, "1779868800.123456"):
            response = self.echo(text)
            self.assertEqual((response.status_code, response.text), (200, text))
            media_type = response.headers["Content-Type"].split(";")[0]
            self.assertEqual(media_type, "text/plain")
            self.assertNotIn("Set-Cookie", response.headers)
        self.assertNothing()

    def test_no_other_character_is_reflected(self):
        for text in (
            "",
            "x" * 129,
            "<b>",
            "a b",
            "é",
            "a\n",
            "a/b",
            "%41",
            "a\0b",
            "a&",
        ):
            with self.subTest(text=text):
                response = self.echo(text)
                self.assertEqual(response.status_code, 400)
                self.assertNotEqual(response.text, text)
                self.assertNotIn("<b>", response.text)
        with log_lines():
            self.assertEqual(self.url_open(self.url_of()).status_code, 400)

    def test_inactive_still_echoes(self):
        self.provider.user_id = False
        self.assertEqual(self.echo("set-up.1").text, "set-up.1")
        self.provider.user_id = self.robot
        self.robot.active = False
        self.assertEqual(self.echo("set-up.2").text, "set-up.2")

    def test_stranger_gets_no_echo(self):
        for url in ("/pbx/zadarma/none", "/pbx/nobody/" + self.provider.webhook_token):
            with log_lines():
                response = self.url_open(url, params={"zd_echo": "abc"})
            self.assertEqual(response.status_code, 404)
            self.assertNotIn("abc", response.text)

    # -------------------------------------------------------------------- 404 and 403

    def test_unknown_token(self):
        for token in (
            "x",
            "x" * 32,
            "0",
            "None",
            "False",
            "' or 1=1 --",
            "%00",
            "%ff",
            "é",
        ):
            with self.subTest(token=token), log_lines():
                response = self.post("NOTIFY_START", START, url=f"/pbx/zadarma/{token}")
                self.assertRefused(response, 404)

    def test_token_of_another_dialect(self):
        token = self.provider.webhook_token
        with log_lines():
            for dialect in ("asterisk", "Zadarma", "zadarma2"):
                response = self.post(
                    "NOTIFY_START", START, url=f"/pbx/{dialect}/{token}"
                )
                self.assertRefused(response, 404)

    def test_inactive(self):
        for name, switch_off in (
            ("nobody", lambda: self.provider.write({"user_id": False})),
            ("archived user", lambda: self.robot.write({"active": False})),
            ("archived", lambda: self.provider.write({"active": False})),
        ):
            with self.fresh(name):
                seldom.forget()
                url = self.url_of()
                switch_off()
                with log_lines() as lines:
                    response = self.post("NOTIFY_START", START, url=url, secret=SECRET)
                self.assertRefused(response, 403)
                self.assertIn("inactive", str(lines))

    def test_a_refused_event_is_said_on_the_form(self):
        seldom.forget()
        self.provider.connected_at = fields.Datetime.now() - timedelta(minutes=5)
        self.assertNotIn("signature", self.provider.hint or "")
        self.assertRefused(self.post("NOTIFY_START", START, secret="x"), 403)
        self.env.invalidate_all()
        self.assertIn("signature is not right", self.provider.hint)
        self.provider.connected_at = fields.Datetime.now() + timedelta(seconds=1)
        self.assertNotIn("signature", self.provider.hint or "", "connected since")

    def test_signature(self):
        other = self.new_provider(self.company, self.robot, "the-other-secret")
        good = sign_event("NOTIFY_START", START, SECRET)
        url, fields = self.url_of(), {"event": "NOTIFY_START", **START}
        for name, signature in (
            ("none", None),
            ("empty", ""),
            (
                "of another provider",
                sign_event("NOTIFY_START", START, "the-other-secret"),
            ),
            (
                "of other fields",
                sign_event("NOTIFY_START", {**START, "caller_id": "1"}, SECRET),
            ),
            ("cut", good[:-1]),
            ("longer", good + "="),
            ("other case", good.swapcase()),
            ("not ASCII", "é".encode("latin-1") * 56),
        ):
            with self.subTest(name), log_lines() as lines:
                seldom.forget()
                headers = {} if signature is None else {"Signature": signature}
                response = self.url_open(url, data=fields, headers=headers)
                self.assertRefused(response, 403)
                self.assertIn("refused (403)", str(lines))
        with log_lines():
            response = self.post("NOTIFY_START", START, other, secret=SECRET)
        self.assertRefused(response, 403)

    def test_no_secret_entered(self):
        self.provider.api_secret = False
        with log_lines():
            self.assertRefused(self.post("NOTIFY_START", START, secret="x"), 403)
            headers = {"Signature": sign_event("NOTIFY_START", START, "")}
            fields = {"event": "NOTIFY_START", **START}
            response = self.url_open(self.url_of(), data=fields, headers=headers)
            self.assertRefused(response, 403)

    def test_unknown_event_needs_proof_too(self):
        with log_lines():
            fields = {"event": "NOTIFY_FUTURE", "result": "{}", **START}
            for secret in ("wrong", False):
                response = self.post("NOTIFY_FUTURE", fields, secret=secret)
                self.assertRefused(response, 403)
            # Nothing that is signed: the signature of nothing proves nothing.
            self.assertRefused(self.post("NOTIFY_FUTURE", {"note": "x"}), 403)

    def test_refusals_are_logged_seldom_and_without_contents(self):
        with log_lines() as lines:
            for _attempt in range(3):
                self.post("NOTIFY_START", START, secret="wrong")
                self.post("NOTIFY_START", START, url="/pbx/zadarma/stranger-s-token")
        ours = [text for text in lines.texts if "refused (" in text]
        self.assertEqual(len(ours), 2, "one line a minute for each kind")
        self.assertTrue(any("wrong signature" in text for text in ours))
        everything = str(lines)
        self.assertIn("POST /pbx/zadarma/", everything, "the access log was read too")
        for secret in (CALLER, "442079460900", REF, SECRET, "stranger-s-token"):
            self.assertNotIn(secret, everything)
        self.assertNotIn(self.provider.webhook_token, everything)

    def test_comparison_takes_constant_time(self):
        """The one thing that can be seen of it: which function compares."""
        path = "odoo.addons.cloud_pbx.telephony.zadarma.signature.hmac.compare_digest"
        with patch(path, return_value=False) as compare, log_lines():
            self.assertRefused(self.post("NOTIFY_START", START), 403)
        self.assertTrue(compare.called)

    # --------------------------------------------------------------- 415, 413 and 400

    def test_other_content_types(self):
        body = json.dumps({"event": "NOTIFY_START", **START})
        with log_lines():
            for kind in ("application/json", "text/plain", "application/xml", "", "x"):
                with self.subTest(kind=kind):
                    self.assertRefused(self.send(body, kind), 415)

    def test_bad_fields(self):
        good = "event=NOTIFY_START&caller_id=%2B442079460201&called_did=442079460900"
        good += "&call_start=2026-06-16+13%3A00%3A00"
        for name, body in (
            ("no event", good.partition("&")[2]),
            ("empty event", good.replace("NOTIFY_START", "")),
            ("NUL in a value", good + "&pbx_call_id=in_%00"),
            ("NUL in a name", good + "&a%00b=1"),
            ("NUL as a byte", good + "&x=\0"),
            ("long id", good + "&pbx_call_id=" + "a" * 201),
            ("long recording id", good + "&call_id_with_rec=" + "a" * 201),
            ("long field", good + "&internal=" + "1" * 1001),
            ("long event", good.replace("NOTIFY_START", "N" * 1001)),
            ("not UTF-8, escaped", good + "&x=%ff"),
            ("not UTF-8, bytes", good.encode() + b"&x=\xff\xfe"),
            ("too many fields", good + "&a=1" * 1000),
            ("nothing", ""),
            ("garbage", b"\x00\x01\x02\xff" * 100),
        ):
            with self.subTest(name), log_lines():
                body = body if isinstance(body, bytes) else body.encode()
                self.assertRefused(self.send(body), 400)
        with log_lines():
            kind = "multipart/form-data; boundary=b"
            for body in (b"", b"--b", b"--b\r\n\r\nx\r\n--b--", b"\xff" * 50):
                with self.subTest(body=body):
                    self.assertRefused(self.send(body, kind), 400)
            self.assertRefused(self.send(b"x=1", "multipart/form-data"), 400)
            self.assertRefused(self.send(self._parts(b"n", b"\xff"), kind), 400)
            self.assertRefused(self.send(self._parts(b"n", b"\0"), kind), 400)

    def test_odd_name_of_a_part_is_no_server_error(self):
        response = self.send(
            self._parts(b"n\xff", b"1"), "multipart/form-data; boundary=b"
        )
        self.assertLess(response.status_code, 500)

    @staticmethod
    def _parts(name, value):
        """START as a multipart form with one part more."""
        fields = {"event": "NOTIFY_START", **START}.items()
        parts = [(key.encode(), text.encode()) for key, text in fields]
        parts.append((name, value))
        head = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        return b"".join(head % part for part in parts) + b"--b--\r\n"

    def test_size(self):
        with log_lines():
            for size in (MIB + 1, 3 * MIB):
                body = b"event=SMS&result=" + b"a" * (size - len(b"event=SMS&result="))
                self.assertRefused(self.send(body), 413)
        # At the limit it is read; "result" is as long as the body allows.
        self.assertEqual(self.post("SMS", result="a" * (MIB - 50)).status_code, 200)
        self.assertEqual(len(self.events("SMS")), 1)

    def test_limits_are_inclusive(self):
        fields = {**START, "pbx_call_id": "in_" + "a" * 197, "note": "x" * 1000}
        self.assertEqual(self.post("NOTIFY_START", fields).status_code, 200)
        self.assertEqual(self.the_call().ref, fields["pbx_call_id"])

    def test_multipart(self):
        """As SMS events are sent."""
        fields = {"event": "SMS", "result": '{"text": "Grüße, 1+1=2 & more"}'}
        headers = {"Signature": sign_event("SMS", fields, SECRET)}
        parts = {name: (None, value) for name, value in fields.items()}
        response = self.url_open(self.url_of(), files=parts, headers=headers)
        self.assertEqual(response.status_code, 200)
        self.assertEqual(json.loads(self.events("SMS").payload), fields)

    def test_form_with_charset_and_plus(self):
        body = "event=NOTIFY_START&" + "&".join(
            f"{name}={value.replace('+', '%2B').replace(' ', '+')}"
            for name, value in START.items()
        )
        kind = "application/x-www-form-urlencoded; charset=UTF-8"
        self.assertEqual(self.send(body.encode(), kind).status_code, 200)
        self.assertEqual(self.the_call().number, CALLER)
        self.assertEqual(self.the_call().line, LINE)

    def test_other_methods(self):
        for method in ("PUT", "DELETE", "PATCH"):
            with log_lines():
                response = self.url_open(self.url_of(), data=START, method=method)
            self.assertRefused(response, 405)
