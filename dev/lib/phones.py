"""What is done alike for each PBX: “Connect”, and a user for each internal number."""

from .rpc import Login
from .terminal import Stop

FIELDS = ["webhook_url", "state", "last_error"]


def press_connect(admin: Login, provider: int) -> dict:
    """Press “Connect”; return id, webhook_url, state and last_error."""
    admin.call("pbx.provider", "action_connect", [provider])
    [values] = admin.call("pbx.provider", "read", [provider], FIELDS)
    if values["state"] != "connected":
        raise Stop(f"Odoo is not connected with the PBX: {values['last_error']}")
    return values


def assign_users(admin: Login, provider: int, kind: str) -> dict[str, int]:
    """Give each internal number a user of its own; {number: id of the user}.

    `kind`: such as agent: Agent 101, who logs in with agent101 as name and password.
    """
    domain = [("provider_id", "=", provider)]
    found = admin.call("pbx.extension", "search_read", domain, ["number"])
    group = admin.call("ir.model.data", "check_object_reference", "cloud_pbx",
                       "group_pbx_user")[1]  # fmt: skip
    users = {}
    for extension in found:
        number = extension["number"]
        login = f"{kind}{number}"
        users[number] = admin.call(
            "res.users",
            "create",
            {
                "name": f"{kind.capitalize()} {number}",
                "login": login,
                "password": login,
                "group_ids": [(4, group)],
            },
        )
        values = {"user_ids": [(6, 0, [users[number]])]}
        admin.call("pbx.extension", "write", [extension["id"]], values)
    return users
