"""What may be changed while the fake PBX runs: read, checked, applied."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fake_pbx.control import check, closed

from .account import HOOKS, NOTIFICATIONS
from .answers import Refused
from .contract import MODES
from .limits import FORMS

STORIES = ("calltype", "swapped", "plain", "two_ids")
_FLAG = {"enum": ["true", "false"]}
_POSITIVE = {"type": "number", "exclusiveMinimum": 0}
_COUNT = {"type": "integer", "minimum": 0}


SCHEMA = closed(
    {
        "mode": {"enum": list(MODES)},
        "zone": {"type": "string"},
        "clock_offset": {"type": "number"},
        "balance": {"type": "number"},
        "webhook_timeout": _POSITIVE,
        "record_ready_after": {"type": "number", "minimum": 0},
        "limits": closed(
            {
                "enabled": {"type": "boolean"},
                "general": _COUNT,
                "statistics": _COUNT,
                "window": _POSITIVE,
                "form": {"enum": list(FORMS)},
            }
        ),
        "extensions": {
            "type": "object",
            "propertyNames": {"pattern": "^[1-9][0-9]{2}$"},
            "additionalProperties": {
                "oneOf": [
                    {"type": "null"},
                    closed(
                        {
                            "name": {"type": "string"},
                            "online": {"type": "boolean"},
                            "caller_id": {
                                "type": "string",
                                "pattern": r"^\+?[0-9]{7,15}$",
                            },
                        }
                    ),
                ]
            },
        },
        "lines": {
            "type": "object",
            "propertyNames": {"pattern": "^[0-9]{7,15}$"},
            "additionalProperties": {"type": ["string", "null"]},
        },
        "click": closed(
            {
                "story": {"enum": list(STORIES)},
                "outcome": {"type": "string"},
                "duration": _COUNT,
                "speed": {"type": "number", "minimum": 0},
                "auto": {"type": "boolean"},
            }
        ),
        "steered": closed({"speed": {"type": "number", "minimum": 0}}),
        "notifications": closed(dict.fromkeys(NOTIFICATIONS, _FLAG)),
        "hooks": closed(dict.fromkeys(HOOKS, _FLAG)),
    }
)
PLAIN = (
    "mode",
    "zone",
    "clock_offset",
    "balance",
    "webhook_timeout",
    "record_ready_after",
)
SWITCHES = ("click", "steered", "notifications", "hooks")


def read(account):
    return {
        **{name: getattr(account, name) for name in PLAIN},
        **{name: dict(getattr(account, name)) for name in SWITCHES},
        "limits": account.limiter.as_json(),
        "extensions": {n: dict(e) for n, e in account.extensions.items()},
        "lines": dict(account.lines),
        "callinfo_url": account.callinfo_url,
        "webhooks_url": account.webhooks_url,
    }


def change(account, wanted):
    """Apply the settings that were given; the others stay.

    An extension or a line set to ``null`` is removed. Giving ``limits`` starts their
    count anew. :raises Refused: with a sentence, and then nothing was changed.
    """
    check(SCHEMA, wanted, "settings")
    if "zone" in wanted:
        try:
            ZoneInfo(wanted["zone"])
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise Refused(
                f"{wanted['zone']!r} is no time zone, e.g. Europe/London."
            ) from error
    with account.lock:
        for name in PLAIN:
            if name in wanted:
                setattr(account, name, wanted[name])
        for name in SWITCHES:
            getattr(account, name).update(wanted.get(name, {}))
        if "limits" in wanted:
            account.limiter.configure(**wanted["limits"])
        # New dicts, so that who reads the old ones at this moment is not disturbed.
        account.extensions = _merged(account.extensions, wanted.get("extensions", {}))
        account.lines = {
            number: name
            for number, name in {**account.lines, **wanted.get("lines", {})}.items()
            if name is not None
        }


def _merged(extensions, wanted):
    merged = dict(extensions)
    for number, values in wanted.items():
        if values is None:
            merged.pop(number, None)
            continue
        fresh = {
            "name": f"Extension {number}",
            "online": True,
            "caller_id": "442079460900",
        }
        merged[number] = {**merged.get(number, fresh), **values}
    return dict(sorted(merged.items()))
