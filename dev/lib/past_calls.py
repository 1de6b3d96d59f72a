"""Run by `odoo shell`: a PBX's past events come in, at the moments of their time.

Their proof is checked and they are applied as those of any delivery; only the time of
receipt is not that of now. `DELIVERIES` in the environment is a file of JSON, as
`POST /control/past` of the fake PBX gives it; `PROVIDER` is the connection's id.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from odoo.addons.cloud_pbx.models.inbox.apply import Apply
from odoo.addons.cloud_pbx.telephony import dialect as dialects

settings = env["pbx.provider"]._settings(int(os.environ["PROVIDER"]))  # noqa: F821
vendor = dialects.get(settings.dialect)
rows = []
for posted in json.loads(Path(os.environ["DELIVERIES"]).read_text()):
    headers = {name.lower(): value for name, value in posted["headers"].items()}
    request = dialects.Request("POST", headers, {}, posted["body"].encode())
    delivery = vendor.check(request, settings.account)
    received_at = datetime.fromtimestamp(posted["at"], UTC).replace(tzinfo=None)
    rows.append(
        {
            "provider_id": settings.id,
            "event_type": delivery.event_type,
            "ref": delivery.ref,
            "payload": json.dumps(delivery.payload),
            "digest": delivery.digest,
            "received_at": received_at.replace(microsecond=0),
        }
    )
env["pbx.event"].create(rows)  # noqa: F821
env.cr.commit()  # noqa: F821
for ref in dict.fromkeys(row["ref"] for row in rows):
    Apply(env, settings.id, ref).run()  # noqa: F821
