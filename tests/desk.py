"""What the tests of the agent's desk share: calls that go on, messages to browsers."""

import json
from datetime import timedelta
from zoneinfo import ZoneInfo

from odoo import fields

from .common import CALLER, LINE, PbxCase
from .scenarios import Step


class FakeCall:
    """A call as its PBX sends it, event by event; each comes some seconds later.

    :param ago: how long ago the call began.
    """

    opening = "NOTIFY_START"
    pause = timedelta(seconds=5)

    def __init__(self, case, caller=CALLER, ago=timedelta(minutes=1), **more):
        FakeCall.count = getattr(FakeCall, "count", 0) + 1
        self.case, self.provider = case, more.pop("provider", case.provider)
        self.at = fields.Datetime.now() - ago
        zone = ZoneInfo(self.provider.tz)
        start = self.at.replace(tzinfo=ZoneInfo("UTC")).astimezone(zone)
        self.fields = {
            "call_start": start.strftime("%Y-%m-%d %H:%M:%S"),
            "pbx_call_id": f"{'in' if self.inbound else 'out'}_{FakeCall.count:040x}",
            **self.parties(caller, more.pop("line", LINE)),
            **more,
        }

    inbound = True

    @staticmethod
    def parties(caller, line):
        return {"caller_id": caller, "called_did": line}

    def send(self, event, **more):
        sent = {name: text for name, text in {**self.fields, **more}.items() if text}
        step = Step(event, {"event": event, **sent}, 0)
        self.case.put([step], self.at, provider=self.provider).action_replay()
        self.at += self.pause
        return self

    def start(self):
        return self.send(self.opening)

    def ring(self, *extensions, **more):
        for extension in extensions:
            self.send("NOTIFY_INTERNAL", internal=extension, **more)
        return self

    def lift(self, extension):
        phone = {"internal": extension, "destination": extension}
        return self.send("NOTIFY_ANSWER", called_did="", **phone)

    def end(self, extension="", how="answered", seconds=34):
        spoke = {"internal": extension, "last_internal": extension} if extension else {}
        return self.send(
            "NOTIFY_END",
            duration=duration(how, seconds),
            disposition=how,
            is_recorded="0",
            **spoke,
        )

    def give_up(self):
        return self.end(how="cancel")

    @property
    def call(self):
        self.case.env.invalidate_all()
        return self.case.env["pbx.call"]._find_by_ref(
            self.provider.id, self.fields["pbx_call_id"]
        )


class FakeOutboundCall(FakeCall):
    """The same, dialled by one of our own phones."""

    opening = "NOTIFY_OUT_START"
    inbound = False

    def __init__(self, case, number=CALLER, extension="100", **more):
        super().__init__(case, number, internal=extension, **more)

    @staticmethod
    def parties(number, line):
        return {"caller_id": line, "destination": number}

    def lift(self, extension=""):
        return self.send("NOTIFY_ANSWER")

    def end(self, how="answered", seconds=34):
        return self.send(
            "NOTIFY_OUT_END",
            duration=duration(how, seconds),
            disposition=how,
            is_recorded="0",
        )


def duration(how, seconds):
    """Return what an END says of how long they spoke; ``None``: it does not say."""
    if how != "answered":
        return "0"
    return "" if seconds is None else str(seconds)


class Bus:
    """Mix-in for a ``PbxCase``: which messages browsers got, and by which channel."""

    def messages(self, kind="cloud_pbx.call"):
        """Return the messages since the last time: ``[(user, payload)]``."""
        self.env.flush_all()
        self.env.cr.flush()
        rows = self.env["bus.bus"].search([], order="id")
        messages = []
        for row in rows:
            message = json.loads(row.message)
            if message["type"] == kind:
                _database, model, record_id = json.loads(row.channel)
                self.assertEqual(model, "res.partner", "a channel of one user")
                partner = self.env[model].browse(record_id)
                users = partner.with_context(active_test=False).user_ids
                messages.append((users, message["payload"]))
        rows.unlink()
        return messages

    def assertNotified(self, users, call=None, once=True):
        """Each of ``users`` got a message about ``call``, and nobody else got any."""
        messages = self.messages()
        everybody = self.env["res.users"].union(*(user for user, _payload in messages))
        self.assertEqual(everybody.sorted("id"), users.sorted("id"))
        if once:
            self.assertEqual(len(messages), len(users), "each of them once")
        for _user, payload in messages:
            self.assertEqual(payload, self.payload(call))

    def payload(self, call):
        return {"id": call.id}

    def assertLooks(self, users, kind="cloud_pbx.desk"):
        """The browsers of ``users``, and no others, look at the desk anew."""
        messages = self.messages(kind)
        everybody = self.env["res.users"].union(*(user for user, _payload in messages))
        self.assertEqual(everybody.sorted("id"), users.sorted("id"))
        self.assertEqual([payload for _user, payload in messages], [{}] * len(messages))

    def assertCounts(self, users):
        """They count anew how many missed calls there are; no more than that."""
        self.assertLooks(users, "cloud_pbx.missed")


class DeskCase(Bus, PbxCase):
    """An agent's desk, asked as the browser asks it."""

    def setUp(self):
        super().setUp()
        self.messages()  # those about the new people and phones

    def ask(self, user=None):
        """Return the desk of ``user``, with nothing read before."""
        self.env.flush_all()
        self.env.invalidate_all()
        return self.env["pbx.desk"].with_user(user or self.anna)

    def card(self, call, user=None):
        """Return the card of one call."""
        [card] = self.ask(user).cards(call.ids)["cards"]
        return card

    def loaded(self, user=None):
        """Return the calls whose cards a page gets that is opened now."""
        cards = self.ask(user).overview()["cards"]
        return self.env["pbx.call"].browse([card["id"] for card in cards])


class ThreeDesks(DeskCase):
    """And 102 is Clara."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clara = cls.new_agent("clara")
        cls.extension_3 = cls.new_extension("102", cls.clara)
        cls.nobody = cls.env["res.users"]
