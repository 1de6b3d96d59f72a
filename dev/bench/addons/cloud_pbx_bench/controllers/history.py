import random
import time
from datetime import datetime, timedelta

from odoo import SUPERUSER_ID, api, http, models
from odoo.http import request

from odoo.addons.cloud_pbx.models.history.reader import HistoryReader
from odoo.addons.cloud_pbx.telephony.dialect import HistoryPage
from odoo.addons.cloud_pbx.telephony.zadarma import statistics

# One call in so many comes from somebody who is a contact.
REGULARS = 20
# What an import writes, by the column that names its calls.
WRITTEN = {"pbx.call": "id", "pbx.call.leg": "call_id", "pbx.recording": "call_id"}


class History(http.Controller):
    """A page of past calls, as the import writes it and as a bare ``create`` does."""

    @http.route("/bench/history/<int:rows>", type="http", auth="none", methods=["GET"])
    def measure(self, rows):
        """Return seconds: ``import`` and, of the same rows, ``again``; ``calls``: one
        ``create`` of the same calls, ``all`` of their legs and recordings too.
        """
        env = request.env(user=SUPERUSER_ID, su=True)
        told, taken = [self._row() for _ in range(rows)], {}
        for name in ("import", "again"):
            began = time.perf_counter()
            self._import(env, told)
            taken[name] = time.perf_counter() - began
        with env.registry.cursor() as cr:
            refs = [row["pbx_call_id"] for row in told]
            bare = self._bare(api.Environment(cr, SUPERUSER_ID, {}), refs)
        return request.make_json_response({**taken, **bare})

    def _import(self, env, told):
        """What happens to the rows of one answer of the PBX."""
        provider = env["pbx.provider"].search([], order="id", limit=1)
        events = statistics.read(told, datetime.now(), provider._zone())
        page = HistoryPage(events, rows=len(told))
        history = env["pbx.history"].create(
            {"provider_id": provider.id, "state": "waiting"}
        )
        env.cr.commit()  # pylint: disable=invalid-commit
        reader = HistoryReader(env, provider)
        place = reader._alone(lambda all_: all_.browse(history.id)._begin())
        reader._write_page(history.id, place, page)

    def _row(self):
        known = random.randrange(REGULARS) == 0
        number = "442079460201" if known else f"4420{random.randrange(10**7, 10**8)}"
        moment = datetime.now() - timedelta(seconds=random.randrange(86400))
        return {
            "call_id": f"{random.randrange(10**9)}.{random.randrange(10**6)}",
            "sip": random.choice(["100", "101"]),
            "callstart": moment.strftime("%Y-%m-%d %H:%M:%S"),
            "clid": f'"{number}" <{number}>',
            "destination": 442079460900,
            "disposition": "answered",
            "seconds": random.randrange(300),
            "is_recorded": "true",
            "pbx_call_id": f"in_{random.randbytes(20).hex()}",
        }

    def _bare(self, env, refs):
        """Create the same records once more, with nothing but a ``create`` each."""
        calls = env["pbx.call"].search([("ref", "in", refs)])
        taken, copies = {}, {}
        for model, column in WRITTEN.items():
            found = env[model].search([(column, "in", calls.ids)], order="id")
            values = [self._values(one) for one in found]
            for one in values:
                if model == "pbx.call":
                    one["ref"] += "x"
                else:
                    one["call_id"] = copies[one["call_id"]]
            began = time.perf_counter()
            created = env[model].with_context(tracking_disable=True).create(values)
            env.flush_all()
            env.cr.commit()  # pylint: disable=invalid-commit
            taken[model] = time.perf_counter() - began
            if model == "pbx.call":
                copies = dict(zip(found.ids, created.ids, strict=True))
        return {"calls": taken["pbx.call"], "all": sum(taken.values())}

    def _values(self, record):
        return {
            name: field.convert_to_write(record[name], record)
            for name, field in record._fields.items()
            if field.store and field.column_type and name not in models.MAGIC_COLUMNS
        }
