"""The demo's PBX: the look-alike of Zadarma, after two weeks of calls."""

import json
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from . import paths, pbx
from .instance import Instance
from .rpc import Login
from .servers import FakePbxServer, OdooServer
from .terminal import Stop

# Besides reception and sales, whom the fake PBX knows from the start. Nobody is there
# to lift: what a person plays rings where a person can see it.
COLLEAGUES = {
    "102": {"name": "Support", "online": False},
    "103": {"name": "Service", "online": False},
}
APPLIED_SECONDS = 60
CALLS_NOW = [
    {
        "scenario": "extension_to_extension",
        "extension": "101",
        "to_extension": "100",
        "duration": 1,
        "speed": 0.2,
    },
    {
        "scenario": "missed",
        "caller": "+442079460202",
        "extension": "100",
        "speed": 0.1,
    },
    {
        "scenario": "voicemail",
        "caller": "+442079460201",
        "extension": "100",
        "speed": 0.04,
    },
]


class Zadarma:
    """:var server: once it is introduced; ``played``: what a new database has."""

    name, database = "zadarma", "cloud_pbx_demo"
    title = "the look-alike PBX"
    in_real_time = False
    hints = ()

    def __init__(self, instance: Instance, database: str, port: int):
        self.instance, self.database, self.port = instance, database, port
        self.log = paths.logs() / f"demo-{database}-pbx.log"
        self.server: FakePbxServer | None = None
        self.provider, self.played = 0, ""

    def introduce(self, odoo: OdooServer, admin: Login) -> None:
        """Start it, and tell both the addresses."""
        python = self.instance.tools.venv.python
        self.server, provider = pbx.introduce(
            odoo, python, self.log, self.port, admin=admin
        )
        self.provider = provider["id"]

    def prepare(self, odoo: OdooServer, admin: Login, new: bool) -> None:
        """Connect; a new database gets its calls."""
        self.server.post("/control/settings", {"extensions": COLLEAGUES})
        if new:
            self.add_past()
        # As an administrator does: it takes over lines and names, too.
        admin.call("pbx.provider", "action_connect", [self.provider])
        if new:
            self.play_now()
            self.forget_the_start(admin)
            self.played = f"two weeks with {self.count(admin)} calls"

    def count(self, admin: Login) -> int:
        """Once all of it is applied: how many calls the list has."""
        deadline = time.monotonic() + APPLIED_SECONDS
        waits = [("state", "=", "pending")]
        while admin.call("pbx.event", "search_count", waits):
            if time.monotonic() > deadline:
                raise Stop(f"Some events were not applied: {self.log}")
            time.sleep(0.5)
        return admin.call("pbx.call", "search_count", [])

    def add_past(self) -> None:
        """Two weeks of calls come in as if Odoo had been there.

        What Odoo reads from the PBX's statistics afterwards is the same calls.
        """
        past = self.server.post("/control/past")
        log = paths.logs() / f"demo-{self.database}-past.log"
        log.unlink(missing_ok=True)
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(past["deliveries"], file)
            file.flush()
            script = paths.DEV / "lib/past_calls.py"
            variables = {"DELIVERIES": file.name, "PROVIDER": str(self.provider)}
            self.instance.shell(self.database, script, log, **variables)

    def play_now(self) -> None:
        """A few calls of this moment, by webhooks, all at once."""

        def play(call):
            return self.server.post("/control/play", call)["events"]

        with ThreadPoolExecutor() as beside:
            for events in beside.map(play, CALLS_NOW):
                if any(event["status"] != 200 for event in events):
                    raise Stop(
                        f"A played call went wrong ({events}): {self.server.log}"
                    )

    def forget_the_start(self, admin: Login) -> None:
        """Odoo's jobs ran before the PBX was there: that is no news for a newcomer."""
        admin.call("pbx.provider", "action_fetch_history", [self.provider])
        failed = admin.call("pbx.request", "search", [("error_code", "!=", False)])
        admin.call("pbx.request", "unlink", failed)
