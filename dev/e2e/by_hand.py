"""Posts as Asterisk's, made by hand: what a real one does not do when it is told to."""

import hashlib
import itertools
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlencode

from posting import session

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SERIAL = itertools.count(1)
THREADS = 4


def sign(body: bytes, secret: str) -> bytes:
    """The body with its signature, as the dialplan makes it."""
    inner = hashlib.sha1(secret.encode() + body).hexdigest().encode()
    return body + b"&sig=" + hashlib.sha1(secret.encode() + inner).hexdigest().encode()


def new_id() -> str:
    """An id of a call or a leg that no other has."""
    return f"{time.time():.0f}.9{next(SERIAL):06}"


class ByHand:
    """Signs and posts in the name of an exchange's Asterisk."""

    def __init__(self, exchange):
        names = ("webhook_url", "api_secret")
        url, self.secret = map(exchange.read(*names).get, names)
        # Nobody stands in between.
        self.url = url.replace(exchange.door.url, exchange.odoo.url)
        files = exchange.admin.call(
            "pbx.provider", "asterisk_files", [exchange.provider["id"]]
        )
        mapping = files["cloud_pbx_cel_custom.conf"]
        self.version = re.search("&v=([0-9a-f]+)&", mapping)[1]
        self.client = session()

    def body(self, event, leg, at, chan, call, **fields) -> bytes:
        fields = {
            "event": event,
            "v": self.version,
            "id": call,
            "leg": leg,
            "time": f"{at:.3f}",
            "chan": chan,
            **fields,
        }
        if isinstance(fields.get("extra"), dict):
            fields["extra"] = json.dumps(fields["extra"])
        return urlencode(fields, quote_via=quote).encode()

    def post(self, body: bytes, headers=FORM, secret=None, url=None, method="POST"):
        """Post a body, signed unless `secret` is ""; (status, text)."""
        secret = self.secret if secret is None else secret
        answer = self.client.request(
            method,
            url or self.url,
            data=sign(body, secret) if secret else body,
            headers=headers,
            timeout=60,
            allow_redirects=False,
        )
        return answer.status_code, answer.text

    def post_all(self, bodies) -> set:
        """Post them from several threads; the answers."""
        parts = [list(bodies)[number::THREADS] for number in range(THREADS)]

        def run(part):
            hand = object.__new__(ByHand)
            hand.__dict__ = {**self.__dict__, "client": session()}
            return {hand.post(body) for body in part}

        with ThreadPoolExecutor(THREADS) as pool:
            return set().union(*pool.map(run, parts))


class Inbound:
    """A customer's call, record by record: `.bodies` are what is posted of it."""

    def __init__(self, hand, number, line, start, **fields):
        self.hand, self.call, self.fields = hand, new_id(), fields
        self.bodies = []
        self.add("CHAN_START", self.call, start, "carrier", num=number, exten=line)

    def add(self, event, leg, at, endpoint, **fields):
        chan = f"PJSIP/{endpoint}-{int(leg.partition('.')[2]):08x}"
        fields = {**self.fields, **fields}
        self.bodies.append(self.hand.body(event, leg, at, chan, self.call, **fields))

    def ring(self, extension, start) -> str:
        """A telephone rings; its leg."""
        leg = new_id()
        self.add("CHAN_START", leg, start, extension, exten="s")
        return leg

    def hang_up(self, leg, endpoint, at, cause):
        extra = {"hangupcause": cause, "hangupsource": "", "dialstatus": ""}
        self.add("HANGUP", leg, at, endpoint, extra=extra)

    def talk(self, leg, extension, start, stop):
        """The phone lifts, and the customer hangs up."""
        bridge = {"bridge_id": f"b{leg}"}
        both = ((leg, extension), (self.call, "carrier"))
        for one, endpoint in both:
            self.add("ANSWER", one, start, endpoint)
            self.add("BRIDGE_ENTER", one, start, endpoint, extra=bridge)
        for one, endpoint in both:
            self.add("BRIDGE_EXIT", one, stop, endpoint, extra=bridge)
            self.hang_up(one, endpoint, stop, 16)
        self.add("LINKEDID_END", self.call, stop, "carrier")
