"""The demo's PBX: the look-alike of Beeline, of a Russian company."""

import json
import time

from . import beeline_pbx, paths, pbx, phones
from .instance import Instance
from .rpc import Login
from .servers import BeelineServer, OdooServer
from .terminal import Stop, say

COMPANY = paths.DEV / "fake_beeline/data/company.json"
# Who sits where: users of the demo data, as {extension: login}.
DESKS = {"101": "admin", "102": "demo", "103": "sofia.keller", "104": "daniel.reyes"}
OPPORTUNITIES = {"Кофейня «Утро»": ("Кофемашина для второй кофейни", 480000)}
ZONE = "Europe/Moscow"
SETTLED_SECONDS = 60  # until the past is fetched, and the day's events are applied


class Beeline:
    """:var server: once it is introduced; ``played``: what a new database has."""

    name, database = "beeline", "cloud_pbx_demo_beeline"
    title = "the look-alike of Beeline"
    in_real_time = False
    hints = (
        "Try                  at Beeline's address: play a call, and see it in Odoo",
        "                     in Odoo: click a number of a Russian contact",
    )

    def __init__(self, instance: Instance, database: str, port: int):
        self.database = database
        self.log = paths.logs() / f"demo-{database}-pbx.log"
        self.server: BeelineServer | None = BeelineServer(
            instance.tools.venv.python, port, self.log, token=beeline_pbx.TOKEN
        )
        self.provider, self.played = 0, ""

    def introduce(self, odoo: OdooServer, admin: Login) -> None:
        """Start it, and enter it: the ports are new ones."""
        self.server.start()
        [russia] = admin.call("res.country", "search", [("code", "=", "RU")])
        entered = {
            "name": "Билайн",
            "api_key": beeline_pbx.TOKEN,
            "country_id": russia,
        }
        make_company(admin)
        addresses = beeline_pbx.where(odoo, self.server)
        self.provider = pbx.enter(admin, self.name, entered, addresses)

    def prepare(self, odoo: OdooServer, admin: Login, new: bool) -> None:
        """Connect, as an administrator does; a new database gets its calls."""
        if new:
            past = self.server.post("/control/past")["calls"]
        phones.press_connect(admin, self.provider)
        if not new:
            return
        move_in(admin, self.provider)
        fetch_past(admin, self.provider)
        day = self.server.post("/control/day")
        if day["failed"]:
            raise Stop(f"The day went wrong ({day}): {self.server.log}")
        self.played = (
            f"two weeks with {past} calls, and a day with {day['calls']} of them"
        )
        settle(admin)


def make_company(admin: Login) -> None:
    """The company's name, its customers, and a chance to sell something; only once."""
    data = json.loads(COMPANY.read_text())
    [russia] = admin.call("res.country", "search", [("code", "=", "RU")])
    if admin.call("res.company", "search", [("name", "=", data["company"])]):
        return
    [company] = admin.call("res.company", "search", [], limit=1, order="id")
    own = {"name": data["company"], "country_id": russia}
    admin.call("res.company", "write", [company], own)
    known = {}
    for person in data["people"]:
        if "name" not in person:
            continue
        values = {
            "name": person["name"],
            "is_company": person.get("is_company", False),
            "parent_id": known.get(person.get("parent"), False),
            "function": person.get("function", False),
            "city": person["city"],
            "country_id": russia,
            "phone": person["typed"],
        }
        known[person["name"]] = admin.call("res.partner", "create", values)
    for name, (title, revenue) in OPPORTUNITIES.items():
        lead = {
            "name": title,
            "type": "opportunity",
            "partner_id": known[name],
            "expected_revenue": revenue,
            # No service of odoo.com is asked about a company of the demo.
            "iap_enrich_done": True,
        }
        admin.call("crm.lead", "create", lead)


def move_in(admin: Login, provider: int) -> None:
    """Each abonent is one of the demo's users, who gets the abonent's name."""
    domain = [("provider_id", "=", provider)]
    for found in admin.call("pbx.extension", "search_read", domain, ["number", "name"]):
        login = DESKS.get(found["number"])
        if not login:
            continue
        [user] = admin.call("res.users", "search", [("login", "=", login)])
        named = {"name": found["name"], "tz": ZONE}
        admin.call("res.users", "write", [user], named)
        values = {"user_ids": [(6, 0, [user])]}
        admin.call("pbx.extension", "write", [found["id"]], values)


def fetch_past(admin: Login, provider: int) -> None:
    """Read all that the PBX lists of the time before."""
    deadline = time.monotonic() + SETTLED_SECONDS
    before = None
    while before != (now := admin.call("pbx.call", "search_count", [])):
        if time.monotonic() > deadline:
            say("    some past calls are not there yet: they come within minutes")
            return
        before = now
        admin.call("pbx.provider", "action_fetch_history", [provider])


def settle(admin: Login) -> None:
    """Have the recordings fetched; what went wrong before is no news."""
    deadline = time.monotonic() + SETTLED_SECONDS
    waiting = [("state", "=", "waiting")]
    # Half a minute after a call they are ready, and those calls are over for long.
    ids = admin.call("pbx.recording", "search", waiting)
    admin.call("pbx.recording", "action_fetch", ids)
    while admin.call("pbx.recording", "search_count", waiting):
        if time.monotonic() > deadline:
            break  # a person sees the rest of them come
        time.sleep(0.5)
    failed = admin.call("pbx.request", "search", [("error_code", "!=", False)])
    admin.call("pbx.request", "unlink", failed)
