"""The demo: a database with played calls, Odoo and a PBX serving.

`PBX` in the environment says which: a class here for each.
"""

import json
import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor

from . import addon, paths, servers, setup
from .demo_asterisk import Asterisk
from .demo_beeline import Beeline
from .demo_zadarma import Zadarma
from .instance import Instance
from .lock_file import LockFile
from .rpc import Login
from .servers import OdooServer
from .terminal import Stop, say, step

DATABASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,50}")
KINDS = {kind.name: kind for kind in (Zadarma, Asterisk, Beeline)}
Kind = Zadarma | Asterisk | Beeline
BUNDLE = re.compile(r'(?:src|href)="(/web/assets/[^"]+)"')


def command() -> None:
    kind, database, odoo_port, pbx_port = wishes()
    lock = LockFile(
        paths.state() / "run" / f"demo-{database}",
        f"A demo of this checkout already serves the database {database}: "
        "make stop ends it, or choose another with DB=<name>.",
    )
    # Both signals end the demo in order; a second one does not interrupt that.
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGINT, interrupt)
    try:
        serve(kind, database, odoo_port, pbx_port)
    except KeyboardInterrupt:
        say("Stopped. The database stays for the next start; make clean deletes it.")
    finally:
        lock.release()


def interrupt(_signal, _frame):
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def wishes() -> tuple[type[Kind], str, int, int]:
    """The PBX, the database and the two ports from the environment, checked."""
    name = os.environ.get("PBX") or Zadarma.name
    if name not in KINDS:
        names = " or ".join(f"PBX={known}" for known in KINDS)
        raise Stop(f"PBX={name} is no PBX that the demo has: {names}.")
    kind = KINDS[name]
    database = os.environ.get("DB") or kind.database
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
    return kind, database, *ports


def serve(kind: type[Kind], database: str, odoo_port: int, pbx_port: int) -> None:
    tools = setup.everything()
    instance = setup.home(tools)
    pbx = kind(instance, database, pbx_port)
    code = addon.fingerprint()
    new = prepare(instance, database, kind.name, code)
    log = paths.logs() / f"demo-{database}.log"
    log.unlink(missing_ok=True)
    pbx.log.unlink(missing_ok=True)
    odoo = OdooServer(instance, database, odoo_port, log)
    try:
        with step(f"starting Odoo and {kind.title}"):
            odoo.start()
            admin = odoo.login("admin")
            fix_address(admin, odoo.url)
            pbx.introduce(odoo, admin)
        with step("preparing the first page"), ThreadPoolExecutor(1) as beside:
            warmed = beside.submit(warm, admin.again())
            if kind.in_real_time:
                warmed.result()
            pbx.prepare(odoo, admin, new)
            if new:
                remember(instance, database, kind.name, code, day=True)
            warmed.result()
        if new:
            say(f"    {pbx.played}")
        announce(odoo, pbx)
        while odoo.running() and pbx.server.running():
            time.sleep(0.5)
        dead = pbx.server if odoo.running() else odoo
        raise Stop(f"{dead.title} ended. Its log ({dead.log}):\n{dead.tail()}")
    finally:
        if pbx.server:
            pbx.server.stop()
        odoo.stop()


def prepare(instance: Instance, database: str, pbx: str, code: str) -> bool:
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
        if (made_with := state.get("pbx", Zadarma.name)) != pbx:
            raise Stop(
                f"The database {database} is that of a demo with PBX={made_with}: "
                "choose another with DB=<name>."
            )
    if state.get("day"):
        if state["code"] != code:
            with step(f"updating the addon in the database {database}"):
                instance.install(database, log, update=True)
            remember(instance, database, pbx, code, day=True)
        return False
    with step(f"creating the database {database} with the addon"):
        instance.drop(database)  # of a start that did not get to the day's end
        instance.clone(database)
        remember(instance, database, pbx, code, day=False)
        instance.install(database, log)
    return True


def remember(instance: Instance, database: str, pbx: str, code: str, day: bool) -> None:
    """Note in the database how it was made, and if its day is over."""
    state = {"pbx": pbx, "code": code, "day": day}
    instance.comment(database, json.dumps(state))


def fix_address(admin: Login, url: str) -> None:
    """Keep Odoo from taking the address of the next login for its own."""
    for name, value in (("web.base.url", url), ("web.base.url.freeze", "True")):
        admin.call("ir.config_parameter", "set_param", name, value)


def warm(admin: Login) -> None:
    """Let Odoo build the scripts of the first page: seconds the person needn't wait."""
    for page in ("/web/login", "/odoo"):
        html = admin.get(page).decode()
        for path in dict.fromkeys(BUNDLE.findall(html)):
            admin.get(path)


def announce(odoo: OdooServer, pbx: Kind) -> None:
    say()
    say(f"Odoo                 {odoo.url}")
    say(f"{pbx.server.title:<20} {pbx.server.url}")
    say("Logins               admin/admin (supervisor), demo/demo (agent)")
    say(f"Odoo's log           {odoo.log}")
    for line in pbx.hints:
        say(line)
    say("Ctrl-C stops both; the database server goes on until make stop.")
    say("ready")
