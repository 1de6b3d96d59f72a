"""API methods about the PBX: extensions, recordings, webhook settings."""

from .answers import Refused, answers
from .recordings import make_link


def _extension(call):
    number = call.arguments["pbxsip"]
    if number not in call.account.extensions:
        raise Refused()
    return number, call.account.extensions[number]


@answers("GET /v1/pbx/internal")
def extensions(call):
    numbers = [int(number) for number in call.account.extensions]
    return {"pbx_id": call.account.pbx_id, "numbers": numbers}


@answers("GET /v1/pbx/internal/{pbxsip}/status")
def extension_status(call):
    number, extension = _extension(call)
    return {
        "pbx_id": call.account.pbx_id,
        "number": int(number),
        "is_online": "true" if extension["online"] else "false",
    }


@answers("GET /v1/pbx/internal/{pbxsip}/info")
def extension_info(call):
    number, extension = _extension(call)
    return {
        "pbx_id": call.account.pbx_id,
        "number": int(number),
        "name": extension["name"],
        "caller_id": extension["caller_id"],
        "caller_id_app_change": "true",
        "caller_id_by_direction": "false",
        "lines": "3",
        "ip_restriction": "false",
        "record_store": "Without recognition",
        "record_email": "false",
        "supervisor_status": 0,
    }


@answers("GET /v1/pbx/record/request")
def record_request(call):
    """By ``call_id`` one link, by ``pbx_call_id`` all links of the call.

    Live answers hold ``links`` in both cases.
    """
    account, values = call.account, call.values
    with account.lock:
        rows = list(account.rows)
    if "call_id" in values:
        # The document shows the stem of the file's name, in practice it is the middle.
        wanted = [r for r in rows if r["call_id"] in str(values["call_id"]).split("-")]
    else:
        wanted = [r for r in rows if r["pbx_call_id"] == values["pbx_call_id"]]
    ready = [row for row in wanted if account.recorded(row["call_id"])]
    if not ready:
        raise Refused("Requested file not found")
    lifetime = values.get("lifetime", 1800)
    links = [f"{call.base}{make_link(account, row, lifetime)}" for row in ready]
    till = {"lifetime_till": account.local(account.now() + lifetime)}
    if "call_id" in values and account.mode == "spec":
        return {"link": links[0], **till}
    return {"links": links, **till}


# -- addresses and switches ------------------------------------------------------------


@answers("GET /v1/pbx/callinfo")
def callinfo(call):
    account = call.account
    return {"url": account.callinfo_url, "notifications": dict(account.notifications)}


@answers("GET /v1/pbx/webhooks")
def webhooks(call):
    account = call.account
    live = {"document": "false"} if account.mode == "live" else {}
    return {"url": account.webhooks_url, "hooks": {**account.hooks, **live}}


def _set_url(call, **which):
    reason = call.pbx.set_url(call.values["url"], **which)
    if reason:
        raise Refused(reason)
    return {"url": call.values["url"]}


@answers("POST /v1/pbx/callinfo/url")
def set_callinfo_url(call):
    return _set_url(call, webhooks=False)


@answers("POST /v1/pbx/webhooks/url")
def set_webhooks_url(call):
    return _set_url(call, callinfo=False)


@answers("DELETE /v1/pbx/callinfo/url")
def delete_callinfo_url(call):
    call.account.callinfo_url = ""
    return {"url": ""}


@answers("DELETE /v1/pbx/webhooks/url")
def delete_webhooks_url(call):
    call.account.webhooks_url = ""
    return {"url": ""}


def _switch(call, switches):
    """Set the switches that were sent; the others stay, the answer repeats them."""
    sent = {name: call.values[name] for name in switches if name in call.values}
    if not sent:
        raise Refused()
    with call.account.lock:
        switches.update(sent)
    return sent


@answers("POST /v1/pbx/callinfo/notifications")
def set_notifications(call):
    return {"notifications": _switch(call, call.account.notifications)}


@answers("POST /v1/pbx/webhooks/hooks")
def set_hooks(call):
    return {"hooks": _switch(call, call.account.hooks)}
