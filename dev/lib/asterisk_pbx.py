"""Introduce Odoo and a real Asterisk to each other, as an administrator does."""

from asterisk.lab import Lab

from . import phones
from .rpc import Login
from .servers import AsteriskServer, OdooServer

LOGIN, PASSWORD = "odoo", "of-this-lab-alone"


def introduce(odoo: OdooServer, lab: Lab, admin: Login | None = None, **values) -> dict:
    """Enter the PBX, install its files, press “Connect”, give the phones to users.

    The lab is started. `values`: other ones of the provider. Returns the provider: id,
    webhook_url, users {number: id}.
    """
    admin = admin or odoo.login("admin")
    countries = admin.call("res.country", "search", [("code", "=", "GB")])
    entered = {
        "name": "Asterisk",
        "dialect": "asterisk",
        "login": LOGIN,
        "api_key": PASSWORD,
        "country_id": countries[0],
        **where(odoo, lab),
        **values,
    }
    provider = admin.call("pbx.provider", "create", entered)
    connected = connect(admin, lab, provider)
    return {**connected, "users": phones.assign_users(admin, provider, "agent")}


def where(odoo: OdooServer, lab: Lab | AsteriskServer) -> dict[str, str]:
    """What each has to know of the other, as the provider holds it."""
    return {
        "server_url": lab.ari_url,
        "external_url": odoo.url,
        "asterisk_recordings": str(lab.recordings),
    }


def connect(admin: Login, lab: Lab | AsteriskServer, provider: int) -> dict:
    """Install the files that connect a PBX with Odoo, and press “Connect”."""
    lab.install(admin.call("pbx.provider", "asterisk_files", [provider]))
    return phones.press_connect(admin, provider)
