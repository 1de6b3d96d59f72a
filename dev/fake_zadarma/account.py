"""The account of the fake PBX: keys, numbers, addresses and how it behaves."""

import secrets
import threading
import time
from datetime import datetime
from zoneinfo import ZoneInfo

from fake_pbx.faults import Faults
from fake_pbx.journal import Journal

from .events import TIME_FORMAT
from .limits import Limiter
from .scenario import PBX_ID

NOTIFICATIONS = (
    "notify_start",
    "notify_internal",
    "notify_end",
    "notify_out_start",
    "notify_out_end",
    "notify_answer",
)
HOOKS = ("number_lookup", "call_tracking", "sms", "speech_recognition")

# Which switch an event hangs on. RECORD and IVR have none.
SWITCHES = {
    **{f"NOTIFY_{name[7:].upper()}": name for name in NOTIFICATIONS},
    **{name.upper(): name for name in HOOKS},
}


class Account:
    """State of one account. Everything here may be read and written by many threads;
    compound changes take :attr:`lock`."""

    def __init__(self, key, secret, mode="live", zone="Europe/London"):
        self.key, self.secret = key, secret
        # Tells a page that the server behind it was started anew.
        self.run = secrets.token_hex(4)
        self.mode = mode
        self.zone = zone
        self.clock_offset = 0.0
        self.pbx_id = PBX_ID
        self.balance, self.currency = 10.34, "USD"
        self.extensions = {
            number: {"name": name, "online": True, "caller_id": "442079460900"}
            for number, name in (("100", "Reception"), ("101", "Sales"))
        }
        self.lines = {"442079460900": "Main line", "442079460901": "Support"}
        self.sips = {"00001": "SIP 1", "00002": "SIP 2"}
        self.callinfo_url = self.webhooks_url = ""
        self.notifications = dict.fromkeys(NOTIFICATIONS, "true")
        self.hooks = dict.fromkeys(HOOKS, "true")
        self.webhook_timeout = 10.0
        # Seconds from NOTIFY_RECORD until the file is really there.
        self.record_ready_after = 0.0
        # What follows a click-to-call: see scenarios_outbound.py. "auto" off: a person
        # steers it.
        self.click = {
            "story": "calltype",
            "outcome": "answered",
            "duration": 20,
            "speed": 0.1,
            "auto": True,
        }
        # Factor for what the PBX waits for in a steered call; 0: it waits for a person.
        self.steered = {"speed": 1.0}
        self.rows, self.recordings, self.links = [], {}, {}
        self.limiter, self.faults, self.journal = Limiter(), Faults(), Journal()
        self.lock = threading.RLock()

    def now(self):
        """Unix time of the account's clock, which a test may set wrong."""
        return time.time() + self.clock_offset

    def local(self, unixtime=None):
        """Text of a time in the account's zone, as every answer and event gives it."""
        moment = self.now() if unixtime is None else unixtime
        return datetime.fromtimestamp(moment, ZoneInfo(self.zone)).strftime(TIME_FORMAT)

    def url_of(self, event):
        """Return the address an event goes to, or why it is not sent: (url, reason)."""
        switch = SWITCHES.get(event)
        if switch in self.hooks or event == "DOCUMENT":
            url, switches = self.webhooks_url, self.hooks
        else:
            url, switches = self.callinfo_url, self.notifications
        if switches.get(switch, "true") != "true":
            return None, f"{switch} is switched off"
        return (url, None) if url else (None, "no address is set for this event")

    def recorded(self, call_id):
        """Tell whether the recording of a leg can be fetched by now."""
        return self.recordings.get(call_id, float("inf")) <= time.monotonic()
