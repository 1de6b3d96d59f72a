"""The demo: a database with two played weeks, Odoo and the fake PBX serving."""

import json
import os
import re
import signal
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from . import addon, paths, pbx, servers, setup
from .instance import Instance
from .lock_file import LockFile
from .rpc import Login
from .servers import FakePbxServer, OdooServer
from .terminal import Stop, say, step

DATABASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,50}")
# Besides reception and sales, whom the fake PBX knows from the start. Nobody is there
# to lift: what a person plays rings where a person can see it.
COLLEAGUES = {
    "102": {"name": "Support", "online": False},
    "103": {"name": "Service", "online": False},
}
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
BUNDLE = re.compile(r'(?:src|href)="(/web/assets/[^"]+)"')


def command() -> None:
    database, odoo_port, pbx_port = wishes()
    lock = LockFile(
        paths.state() / "run" / f"demo-{database}",
        f"A demo of this checkout already serves the database {database}: "
        "make stop ends it, or choose another with DB=<name>.",
    )
    # Both signals end the demo in order; a second one does not interrupt that.
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGINT, interrupt)
    try:
        serve(database, odoo_port, pbx_port)
    except KeyboardInterrupt:
        say("Stopped. The database stays for the next start; make clean deletes it.")
    finally:
        lock.release()


def interrupt(_signal, _frame):
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def wishes() -> tuple[str, int, int]:
    """The database and the two ports from the environment, checked."""
    database = os.environ.get("DB") or "cloud_pbx_demo"
    if not DATABASE.fullmatch(database):
        raise Stop(f"DB={database} is no name for a database: letters, digits, _ . -")
    ports = []
    for variable, default in (("ODOO_PORT", "8069"), ("SANDBOX_PORT", "8070")):
        text = os.environ.get(variable) or default
        if not text.isdecimal() or not 0 < int(text) < 65536:
            raise Stop(f"{variable}={text} is no port: give a number up to 65535.")
        if int(text) in ports:
            raise Stop("ODOO_PORT and SANDBOX_PORT are the same: give two ports.")
        if not servers.is_free(int(text)):
            raise Stop(
                f"Port {text} is busy: stop what listens there, "
                f"or choose another with {variable}=<port>."
            )
        ports.append(int(text))
    return database, *ports


def serve(database: str, odoo_port: int, pbx_port: int) -> None:
    tools = setup.everything()
    instance = setup.home(tools)
    code = addon.fingerprint()
    new = prepare(instance, database, code)
    log = paths.logs() / f"demo-{database}.log"
    log.unlink(missing_ok=True)
    pbx_log = paths.logs() / f"demo-{database}-pbx.log"
    pbx_log.unlink(missing_ok=True)
    odoo, fake_pbx = OdooServer(instance, database, odoo_port, log), None
    try:
        with step("starting Odoo and the look-alike PBX"):
            odoo.start()
            admin = odoo.login("admin")
            fix_address(admin, odoo.url)
            fake_pbx, provider = pbx.introduce(
                odoo, tools.venv.python, pbx_log, pbx_port, admin=admin
            )
        with step("preparing the first page"), ThreadPoolExecutor(1) as beside:
            warmed = beside.submit(warm, admin.again())
            fake_pbx.post("/control/settings", {"extensions": COLLEAGUES})
            if new:
                past = add_past(instance, database, fake_pbx, provider["id"])
            # As an administrator does: it takes over lines and names, too.
            admin.call("pbx.provider", "action_connect", [provider["id"]])
            if new:
                play_now(fake_pbx)
                forget_the_start(admin, provider["id"])
                remember(instance, database, code, day=True)
            warmed.result()
        if new:
            say(f"    two weeks with {past} calls")
        announce(odoo, fake_pbx)
        while odoo.running() and fake_pbx.running():
            time.sleep(0.5)
        dead = fake_pbx if odoo.running() else odoo
        raise Stop(f"{dead.title} ended. Its log ({dead.log}):\n{dead.tail()}")
    finally:
        if fake_pbx:
            fake_pbx.stop()
        odoo.stop()


def prepare(instance: Instance, database: str, code: str) -> bool:
    """Create the database or bring it up to date; True when it is a new one."""
    log = paths.logs() / f"demo-{database}-install.log"
    log.unlink(missing_ok=True)
    state = {}
    if instance.exists(database):
        try:
            state = json.loads(instance.comment(database))
        except ValueError as error:
            raise Stop(
                f"The database {database} is there and not a demo's: choose another "
                f"with DB=<name>, or delete it: dev/run drop {database}"
            ) from error
    if state.get("day"):
        if state["code"] != code:
            with step(f"updating the addon in the database {database}"):
                instance.install(database, log, update=True)
            remember(instance, database, code, day=True)
        return False
    with step(f"creating the database {database} with the addon"):
        instance.drop(database)  # of a start that did not get to the day's end
        instance.clone(database)
        remember(instance, database, code, day=False)
        instance.install(database, log)
    return True


def remember(instance: Instance, database: str, code: str, day: bool) -> None:
    """Note in the database with which code it was made, and if its day is over."""
    state = {"code": code, "day": day}
    instance.comment(database, json.dumps(state))


def fix_address(admin: Login, url: str) -> None:
    """Keep Odoo from taking the address of the next login for its own."""
    for name, value in (("web.base.url", url), ("web.base.url.freeze", "True")):
        admin.call("ir.config_parameter", "set_param", name, value)


def add_past(
    instance: Instance, database: str, fake_pbx: FakePbxServer, provider: int
) -> int:
    """Two weeks of calls come in as if Odoo had been there; return how many.

    What Odoo reads from the PBX's statistics afterwards is the same calls.
    """
    past = fake_pbx.post("/control/past")
    log = paths.logs() / f"demo-{database}-past.log"
    log.unlink(missing_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(past["deliveries"], file)
        file.flush()
        script = paths.DEV / "lib/past_calls.py"
        variables = {"DELIVERIES": file.name, "PROVIDER": str(provider)}
        instance.shell(database, script, log, **variables)
    return past["calls"]


def play_now(fake_pbx: FakePbxServer) -> None:
    """A few calls of this moment, by webhooks, all at once."""

    def play(call):
        return fake_pbx.post("/control/play", call)["events"]

    with ThreadPoolExecutor() as beside:
        for events in beside.map(play, CALLS_NOW):
            if any(event["status"] != 200 for event in events):
                raise Stop(f"A played call went wrong ({events}): {fake_pbx.log}")


def forget_the_start(admin: Login, provider: int) -> None:
    """Odoo's jobs ran before the PBX was there: that is no news for a newcomer."""
    admin.call("pbx.provider", "action_fetch_history", [provider])
    failed = admin.call("pbx.request", "search", [("error_code", "!=", False)])
    admin.call("pbx.request", "unlink", failed)


def warm(admin: Login) -> None:
    """Let Odoo build the scripts of the first page: seconds the person needn't wait."""
    for page in ("/web/login", "/odoo"):
        html = admin.get(page).decode()
        for path in dict.fromkeys(BUNDLE.findall(html)):
            admin.get(path)


def announce(odoo: OdooServer, fake_pbx: FakePbxServer) -> None:
    say()
    say(f"Odoo                 {odoo.url}")
    say(f"The look-alike PBX   {fake_pbx.url}")
    say("Logins               admin/admin (supervisor), demo/demo (agent)")
    say(f"Odoo's log           {odoo.log}")
    say("Ctrl-C stops both; the database server goes on until make stop.")
    say("ready")
