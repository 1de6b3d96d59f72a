"""Words for tests against a running fake PBX."""

from telephony import dialect

ZADARMA = dialect.get("zadarma")
KEY, SECRET = "4f9ac67f67961b71ab48", "5fa0200ffca68e1517d4"
CLIENT = "+442079460201"


def asked(pbx):
    """What the fake PBX was asked, oldest first."""
    return pbx.control("GET", "/log?kind=api&limit=1000").json()[::-1]


def spoil(pbx, kind, path="*", **more):
    pbx.account.faults.set([{"kind": kind, "path": path, **more}])


def rows_at(pbx, *starts, **more):
    """Put rows into the history, one missed call each, at local times."""
    pbx.fake.keep_rows(
        {
            "call_id": f"{1779868800 + i}.123450",
            "sip": "100",
            "callstart": start,
            "clid": {"name": CLIENT, "number": CLIENT},
            "destination": "442079460900",
            "disposition": "cancel",
            "seconds": 0,
            "is_recorded": False,
            "pbx_call_id": f"in_{i:040x}",
            **more,
        }
        for i, start in enumerate(starts)
    )
