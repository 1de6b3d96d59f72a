"""Introduce Odoo and the look-alike of Beeline to each other, as a person does."""

from pathlib import Path

from . import phones
from .rpc import Login
from .servers import BeelineServer, OdooServer

TOKEN = "00000000-1111-4222-8333-444444444444"


def introduce(
    odoo: OdooServer, python: Path, log: Path, admin: Login | None = None, **values
) -> tuple[BeelineServer, dict]:
    """Start the PBX, enter it, press “Connect”, give each abonent a user.

    `values`: other ones of the provider. Returns the running PBX and the provider: id,
    webhook_url, users {number: id}.
    """
    admin = admin or odoo.login("admin")
    pbx = BeelineServer(python, 0, log, token=TOKEN).start()
    provider = enter(odoo, pbx, admin, **values)
    connected = phones.press_connect(admin, provider)
    users = phones.assign_users(admin, provider, "abonent")
    return pbx, {**connected, "users": users}


def enter(odoo: OdooServer, pbx: BeelineServer, admin: Login, **values) -> int:
    """Enter the PBX, not connected yet; the provider's id."""
    countries = admin.call("res.country", "search", [("code", "=", "RU")])
    entered = {
        "name": "Beeline",
        "dialect": "beeline",
        "api_key": TOKEN,
        "country_id": countries[0],
        **where(odoo, pbx),
        **values,
    }
    return admin.call("pbx.provider", "create", entered)


def where(odoo: OdooServer, pbx: BeelineServer) -> dict[str, str]:
    """The addresses of both, as the provider holds them."""
    return {"server_url": pbx.server_url, "external_url": odoo.url}
