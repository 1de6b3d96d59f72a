"""The call log and the inbox, as they stand in a started server."""

import contextlib
import json
import time
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

FORMAT = "%Y-%m-%d %H:%M:%S"
CALL_FIELDS = [
    *("ref", "direction", "state", "outcome", "disposition", "number", "line"),
    *("partner_id", "partner_source", "lead_id", "user_id", "participant_ids"),
    *("extension_id", "start", "answer", "stop", "wait_seconds", "talk_seconds"),
    *("leg_ids", "recording_ids", "provider_id", "company_id", "note"),
]
APPLIED_SECONDS = 120
LEG_FIELDS = ["number", "extension_id", "user_id", "start", "answer", "outcome"]


class Received(NamedTuple):
    """An event of the inbox; `received_at` is naive UTC, to the microsecond."""

    event: str
    fields: dict
    received_at: datetime
    state: str
    attempts: int


def local(moment: datetime, zone: str) -> str:
    """A naive UTC time as the PBX of an account in `zone` tells it."""
    aware = moment.replace(tzinfo=UTC)
    return aware.astimezone(ZoneInfo(zone)).strftime(FORMAT)


def minutes_ago(minutes: float) -> datetime:
    """Naive UTC, in whole seconds."""
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    return now - timedelta(minutes=minutes)


def text(moment: datetime | None):
    """A time as RPC tells it: UTC in whole seconds, or False."""
    return moment.strftime(FORMAT) if moment else False


def calls(admin, domain: list) -> list[dict]:
    """Calls by RPC, each with its `legs` (by number) and `recordings` (their ids)."""
    found = admin.call("pbx.call", "search_read", domain, CALL_FIELDS)
    legs = read(admin, "pbx.call.leg", found, "leg_ids", LEG_FIELDS)
    recordings = read(admin, "pbx.recording", found, "recording_ids", ["ref", "state"])
    for call in found:
        own = [legs[leg] for leg in call["leg_ids"]]
        call["legs"] = {leg["number"]: leg for leg in own}
        call["recordings"] = [recordings[id_]["ref"] for id_ in call["recording_ids"]]
    return found


def read(admin, model: str, records: list[dict], field: str, names: list) -> dict:
    """The records that `field` of other records names, by id."""
    ids = [id_ for record in records for id_ in record[field]]
    if not ids:
        return {}
    return {row["id"]: row for row in admin.call(model, "read", ids, names)}


def inbox(odoo, provider_id: int, refs: list[str]) -> list[Received]:
    """All that was received of these calls, oldest first."""
    rows = odoo.sql(
        "select event_type, payload, received_at, state, attempts from pbx_event"
        " where provider_id = %s and ref = any(%s) order by received_at, id",
        [provider_id, refs],
    )
    return [Received(row[0], json.loads(row[1]), *row[2:]) for row in rows]


def waiting(odoo) -> int:
    """How many events are not applied yet."""
    [[count]] = odoo.sql(
        "select count(*) from pbx_event where state in ('pending', 'failed')"
    )
    return count


def wait_applied(odoo) -> None:
    """Wait until every event is applied.

    Where a row was locked for longer than a request waits, as by a slow disk, the job
    applies them: it is due after 15 s, and Odoo looks once a minute for what is due.
    """
    until(lambda: not waiting(odoo), APPLIED_SECONDS, "all events applied")


def until(condition, seconds: float, what: str):
    """Wait until `condition()` is true and return it; fails saying `what` was not."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return found


@contextlib.contextmanager
def cron_off(odoo, xml_id: str):
    """Let no thread of Odoo's run a job of the addon for a while."""
    job = (
        "update ir_cron set active = %s where id = (select res_id from ir_model_data"
        " where module = 'cloud_pbx' and name = %s)"
    )
    odoo.sql(job, [False, xml_id])
    try:
        yield
    finally:
        odoo.sql(job, [True, xml_id])


def run_job(admin, xml_id: str):
    """Run a job of the addon now, as its form's button does.

    :return: ``True``, or what Odoo shows of the error with which it failed.
    """
    domain = [("module", "=", "cloud_pbx"), ("name", "=", xml_id)]
    [job] = admin.call("ir.model.data", "search_read", domain, ["res_id"])
    return admin.run_job(job["res_id"])


def connect_phones(odoo, pbx, numbers: tuple) -> None:
    """Have these phones be connected, whatever other tests left behind."""
    pbx.post(
        "/control/settings", {"extensions": {one: {"online": True} for one in numbers}}
    )
    odoo.sql(
        "update pbx_extension set status = 'unknown', checked_at = null"
        " where number = any(%s)",
        [list(numbers)],
    )
