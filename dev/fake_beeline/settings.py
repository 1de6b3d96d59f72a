"""What may be changed while the PBX runs: read, checked, applied."""

from dataclasses import replace

from fake_pbx.control import Refused, check, closed

from .abonents import DOMAIN, Abonent
from .account import LONGEST_SECONDS
from .document import FORMS

_COUNT = {"type": "integer", "minimum": 0}
_SECONDS = {"type": "number", "minimum": 0}
_TEXT = {"type": "string", "maxLength": 200}
_ABONENT = closed(
    dict.fromkeys(
        ("user_id", "phone", "first_name", "last_name", "email", "department"), _TEXT
    )
)
PLAIN = {
    "wrong_token_status": {"enum": [401, 403]},
    "errors_with_200": {"type": "boolean"},
    "granted_seconds": {"type": "integer", "minimum": 1, "maximum": LONGEST_SECONDS},
    "second_put": {"enum": ["double", "replace"]},
    "first_event": {"enum": ["none", "before", "after"]},
    "click_reply": {"enum": ["text", "json", "nothing"]},
    "statistics_unit": {"enum": ["ms", "s"]},
    "answered_word": _TEXT,
    "internal_rows": {"enum": ["both", "caller"]},
    "record_refusals": _COUNT,
    "record_ready_after": _SECONDS,
    "requests_per_second": _COUNT,
    "form": {"enum": ["", *FORMS]},
    "webhook_timeout": {"type": "number", "exclusiveMinimum": 0},
    "retry_pauses": {"type": "array", "items": _SECONDS},
}
SCHEMA = closed(
    {
        **PLAIN,
        "click": closed(
            {
                "outcome": _TEXT,
                "ring": _SECONDS,
                "duration": _SECONDS,
                "speed": _SECONDS,
                "auto": {"type": "boolean"},
            }
        ),
        # By extension; null removes one.
        "abonents": {
            "type": "object",
            "propertyNames": {"pattern": "^[0-9]{2,5}$"},
            "additionalProperties": {"oneOf": [{"type": "null"}, _ABONENT]},
        },
        "numbers": {
            "type": "array",
            "items": {"type": "string", "pattern": r"^\+[0-9]{7,15}$"},
        },
    }
)


def read(account):
    """Return all settings; abonents by extension."""
    return {
        **{name: getattr(account, name) for name in PLAIN},
        "click": dict(account.click),
        "abonents": {
            extension: {
                "user_id": one.user_id,
                "phone": one.phone,
                "first_name": one.first_name,
                "last_name": one.last_name,
                "email": one.email,
                "department": one.department,
            }
            for extension, one in account.abonents.items()
        },
        "numbers": list(account.numbers),
    }


def change(account, wanted):
    """Apply the settings that were given; the others stay.

    :raises Refused: with a sentence, and then nothing was changed.
    """
    check(SCHEMA, wanted, "settings")
    merged = dict(account.abonents)
    for extension, values in wanted.get("abonents", {}).items():
        if values is None:
            merged.pop(extension, None)
            continue
        phone = values.get("phone", f"9000000{extension:0>3}")
        fresh = Abonent(f"{phone or extension}@{DOMAIN}", phone, extension)
        merged[extension] = replace(merged.get(extension, fresh), **values)
    if not merged:
        raise Refused("At least one abonent must be left.")
    with account.lock:
        for name in PLAIN:
            if name in wanted:
                setattr(account, name, wanted[name])
        account.click = {**account.click, **wanted.get("click", {})}
        # A new dict, so that who reads the old one at this moment is not disturbed.
        account.abonents = dict(sorted(merged.items()))
        account.numbers = wanted.get("numbers", account.numbers)
