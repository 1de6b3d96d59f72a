"""The demo's PBX: a real Asterisk, after a short day of real calls."""

import time

from . import asterisk_pbx, paths, setup
from . import pbx as look_alike
from .instance import Instance
from .rpc import Login
from .servers import AsteriskServer, OdooServer
from .terminal import Stop, say

CLICKED = "+441174960120"  # by the agent: a contact
RECORDINGS_JOB = "cloud_pbx.ir_cron_fetch_recordings"
SETTLED_SECONDS = 120  # until the last call is over, and its recording fetched


class Asterisk:
    """:var server: once it is introduced; ``played``: what a new database has."""

    name, database = "asterisk", "cloud_pbx_demo_asterisk"
    title = "Asterisk"
    # It posts nothing for half a minute to an Odoo that is slow to answer.
    in_real_time = True
    hints = (
        "Try                  at Asterisk's address: play a call, and see it in Odoo",
        "                     in Odoo: click a number; phone and customer lift by "
        "themselves",
    )

    def __init__(self, instance: Instance, database: str, port: int):
        setup.telephones()
        self.database = database
        self.log = paths.logs() / f"demo-{database}-pbx.log"
        self.provider, self.played = 0, ""
        self.server: AsteriskServer | None = AsteriskServer(
            instance.tools.venv.python,
            port,
            self.log,
            paths.state() / "asterisk" / database,
        )

    def introduce(self, odoo: OdooServer, admin: Login) -> None:
        """Start it, install its files, and press “Connect”: the ports are new ones."""
        self.server.start()
        addresses = asterisk_pbx.where(odoo, self.server)
        entered = {
            "name": "Asterisk",
            "login": asterisk_pbx.LOGIN,
            "api_key": asterisk_pbx.PASSWORD,
        }
        self.provider = look_alike.enter(admin, self.name, entered, addresses)
        asterisk_pbx.connect(admin, self.server, self.provider)
        assign(admin, self.provider, self.server.names)

    def prepare(self, odoo: OdooServer, admin: Login, new: bool) -> None:
        """A new database gets its calls."""
        if not new:
            return
        odoo.login("demo").call("pbx.call", "dial", CLICKED)
        day = self.server.post("/control/day")
        if "calls" not in day:
            raise Stop(f"The day went wrong ({day}): {self.server.log}")
        for sentence in day["failed"]:  # on a machine that has much else to do
            say(f"    one of the day's calls went wrong: {sentence}")
        count = day["calls"] - len(day["failed"]) + 1
        self.played = f"a short day with {count} calls"
        settle(admin, self.provider, count)
        # Odoo's jobs ran before the PBX was there: that is no news for a newcomer.
        failed = admin.call("pbx.request", "search", [("error_code", "!=", False)])
        admin.call("pbx.request", "unlink", failed)


def assign(admin: Login, provider: int, names: dict[str, str]) -> None:
    """Give each phone its name, and the user who has it in the demo data."""
    fields = ["number", "user_ids"]
    others = [("provider_id", "=", look_alike.find_provider(admin))]
    listed = admin.call("pbx.extension", "search_read", others, fields)
    users = {one["number"]: one["user_ids"] for one in listed}
    own = [("provider_id", "=", provider), ("user_ids", "=", False)]
    for phone in admin.call("pbx.extension", "search_read", own, fields):
        number = phone["number"]
        values = {"name": names[number], "user_ids": [(6, 0, users.get(number, []))]}
        admin.call("pbx.extension", "write", [phone["id"]], values)


def settle(admin: Login, provider: int, count: int) -> None:
    """Wait until the calls are there and over, and have the recordings fetched."""
    deadline = time.monotonic() + SETTLED_SECONDS
    over = [("state", "=", "done")]
    while admin.call("pbx.call", "search_count", over) < count:
        if time.monotonic() > deadline:
            say("    some calls are not there yet: they come within minutes")
            return
        # Asterisk keeps what Odoo was too slow to take.
        admin.call("pbx.provider", "action_fetch_history", [provider])
        time.sleep(0.5)
    module, name = RECORDINGS_JOB.split(".")
    _model, job = admin.call("ir.model.data", "check_object_reference", module, name)
    while admin.call("pbx.recording", "search_count", [("state", "=", "waiting")]):
        if time.monotonic() > deadline:
            return  # a person sees it come
        time.sleep(0.5)
        admin.run_job(job)
