"""Introduce Odoo and the fake PBX to each other."""

import time
from pathlib import Path

from .rpc import Login
from .servers import FakePbxServer, OdooServer
from .terminal import Stop

PROVIDER = "cloud_pbx.demo_provider"
FIELDS = ["webhook_url", "api_key", "api_secret", "tz"]


def find_provider(admin: Login) -> int:
    """The id of the demo data's PBX."""
    module, xml_id = PROVIDER.split(".")
    domain = [("module", "=", module), ("name", "=", xml_id)]
    found = admin.call("ir.model.data", "search_read", domain, ["res_id"])
    if not found:
        raise Stop(f"The database has no {PROVIDER}: was it made with demo data?")
    return found[0]["res_id"]


def enter(admin: Login, dialect: str, values: dict, addresses: dict) -> int:
    """Enter a PBX of another kind in the place of the demo data's, which is archived.

    `addresses`: what each start changes. Returns the provider's id.
    """
    domain = [("dialect", "=", dialect)]
    found = admin.call("pbx.provider", "search", domain, limit=1)
    if found:
        admin.call("pbx.provider", "write", found, addresses)
        return found[0]
    other = find_provider(admin)
    fields = ["country_id", "user_id"]
    [taken] = admin.call("pbx.provider", "read", [other], fields)
    admin.call("pbx.provider", "write", [other], {"active": False})
    entered = {
        "dialect": dialect,
        **{field: taken[field][0] for field in fields},
        **values,
        **addresses,
    }
    return admin.call("pbx.provider", "create", entered)


def introduce(
    odoo: OdooServer,
    python: Path,
    log: Path,
    port: int = 0,
    mode: str = "live",
    admin: Login | None = None,
) -> tuple[FakePbxServer, dict]:
    """Start the PBX with the demo provider's keys, and tell both the addresses.

    Returns the running PBX and the provider: id, webhook_url, api_key, api_secret.
    """
    admin = admin or odoo.login("admin")
    provider = find_provider(admin)
    pbx = FakePbxServer(python, port, log)
    addresses = {"server_url": pbx.url, "external_url": odoo.url}
    admin.call("pbx.provider", "write", [provider], addresses)
    [values] = admin.call("pbx.provider", "read", [provider], FIELDS)
    pbx.options = {
        "key": values["api_key"],
        "secret": values["api_secret"],
        "mode": mode,
        "zone": values["tz"],
    }
    pbx.start()
    answer = pbx.post("/control/webhook", {"url": values["webhook_url"]})
    if answer.get("status") != "success":
        pbx.stop()
        raise Stop(
            f"The look-alike PBX does not accept Odoo's address "
            f"{values['webhook_url']}: {answer.get('message')}"
        )
    # The PBX took the address, as it does when somebody presses “Connect”.
    connected = {"connected_url": values["webhook_url"], "state": "connected"}
    connected["connected_at"] = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    admin.call("pbx.provider", "write", [provider], connected)
    return pbx, values
