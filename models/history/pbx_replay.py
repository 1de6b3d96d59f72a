import json
import time
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL

from ...telephony import dialect as dialects
from ...telephony.dialect import REPLAY_REPORT
from ..tools.transactions import in_own_transaction
from .replay import Replay

# A PBX that says with each event that it held others back is asked so often at most.
PAUSE_SECONDS = 20
# A replay that brings more than so many events was after an outage.
OUTAGE_EVENTS = 20
# Other processes write, too: what this one knows of the reports holds for so long.
KNOWN_SECONDS = 60


class _Heard:
    """What this process wrote last of each PBX, so that it is not written each time."""

    reports = {}
    reports_until = {}
    asked_at = {}


class PbxReplay(models.Model):
    """What a PBX that keeps undelivered events says of that: one row for each.

    In a table of its own: it is written while events come in, and must not meet what
    people write in the settings.
    """

    _name = "pbx.replay"
    _description = "Replay of a cloud PBX"
    _rec_name = "provider_id"
    _log_access = False

    # Its own index is that of the constraint.
    provider_id = fields.Many2one("pbx.provider", required=True, ondelete="cascade")
    replayed_at = fields.Datetime(string="Last replay")
    replayed_count = fields.Integer(string="Events in the last replay")
    # Of the last replay that was after an outage: the next ones bring nothing.
    outage_at = fields.Datetime(string="Replay after an outage")
    outage_count = fields.Integer(string="Events after an outage")
    reports = fields.Json(
        groups=fields.NO_ACCESS, help="What it says of itself, in its own terms."
    )

    unproven_at = fields.Datetime(
        string="Refused", help="An event without the right signature came then."
    )

    _provider_uniq = models.Constraint(
        "UNIQUE(provider_id)", "A cloud PBX has one row for its replays."
    )

    @api.model
    def _take_note(self, provider_id, delivery):
        """Keep what a delivery says of the PBX itself. Commits.

        :param Delivery delivery: its ``reports`` and ``held_back``.
        """
        reports = dict(delivery.reports)
        count = reports.pop(REPLAY_REPORT, None)
        if count is not None:
            # To the microsecond: who waits for it looks whether it has changed.
            now = SQL("clock_timestamp() AT TIME ZONE 'UTC'")
            values = {"replayed_at": now, "replayed_count": count}
            if count > OUTAGE_EVENTS:
                values.update(outage_at=now, outage_count=count)
            self._store(provider_id, **values)
        known = self._known_reports(provider_id) if reports else {}
        changed = {
            name: value
            for name, value in reports.items()
            # The end of a replay is seldom, and what was known may be forgotten.
            if count is not None or name not in known or known[name] != value
        }
        if changed:
            known.update(changed)
            self._store(provider_id, reports=json.dumps(changed))
        # Set up anew, it may have kept what it could not send before.
        if count is None and (delivery.held_back or changed):
            self._wake(provider_id)

    @api.model
    def _known_reports(self, provider_id):
        """Return the reports as this process knows them, read anew now and then."""
        if _Heard.reports_until.get(provider_id, 0) < time.monotonic():
            self.env.cr.execute(
                "SELECT reports FROM pbx_replay WHERE provider_id = %s", [provider_id]
            )
            [reports] = self.env.cr.fetchone() or [None]
            _Heard.reports[provider_id] = reports or {}
            # Last: other threads rely on it at once.
            _Heard.reports_until[provider_id] = time.monotonic() + KNOWN_SECONDS
        return _Heard.reports[provider_id]

    @api.model
    def _note_unproven(self, provider_id):
        """An event came to the right address, and was refused. Commits."""
        self._store(provider_id, unproven_at=fields.Datetime.now())

    @api.model
    def _store(self, provider_id, **values):
        names = SQL(", ").join(map(SQL.identifier, values))
        changes = SQL(", ").join(
            # What others wrote of it meanwhile stays.
            SQL("reports = coalesce(pbx_replay.reports, '{}') || EXCLUDED.reports")
            if name == "reports"
            else SQL("%s = EXCLUDED.%s", SQL.identifier(name), SQL.identifier(name))
            for name in values
        )
        query = SQL(
            """INSERT INTO pbx_replay (provider_id, %s) VALUES (%s, %s)
               ON CONFLICT (provider_id) DO UPDATE SET %s""",
            names,
            provider_id,
            SQL(", ").join(
                value if isinstance(value, SQL) else SQL("%s", value)
                for value in values.values()
            ),
            changes,
        )
        in_own_transaction(
            self.env, lambda env: env.cr.execute(query), user=SUPERUSER_ID, context={}
        )
        self.invalidate_model()

    @api.model
    def _forget(self, provider_id, names):
        """Forget reports that are older than what is known now; they come again."""
        _Heard.reports_until.pop(provider_id, None)
        query = SQL(
            """UPDATE pbx_replay SET reports = reports - %s::text[]
                WHERE provider_id = %s""",
            list(names),
            provider_id,
        )
        in_own_transaction(
            self.env, lambda env: env.cr.execute(query), user=SUPERUSER_ID, context={}
        )
        self.invalidate_model()

    @api.model
    def _wake(self, provider_id):
        """Have the job ask for what was held back, soon and not too often.

        What is held back a moment after the job was woken is asked for once more.
        """
        now = time.monotonic()
        last = _Heard.asked_at.get(provider_id, -PAUSE_SECONDS)
        if last > now:
            return
        wait = max(last + PAUSE_SECONDS - now, 0)
        _Heard.asked_at[provider_id] = now + wait
        # Only what is for now wakes it: it looks at the clock once a minute.
        at = wait and fields.Datetime.now() + timedelta(seconds=wait)
        in_own_transaction(
            self.env,
            lambda env: env.ref("cloud_pbx.ir_cron_replay")._trigger(at=at or None),
            user=SUPERUSER_ID,
            context={},
        )

    @api.model
    def _of(self, provider):
        """Return the row of a provider, perhaps none."""
        # sudo: when the PBX was last asked is no secret of those who see its settings
        return self.sudo().search([("provider_id", "=", provider.id)], limit=1)

    # --------------------------------------------------------------------------- job

    @api.model
    def _cron_replay(self):
        """Ask each PBX that keeps undelivered events for them, and close dead calls."""
        # sudo: the job's own user; all companies
        providers = self.env["pbx.provider"].sudo().search([("user_id", "!=", False)])
        due = [
            one
            for one in providers._asked_by_jobs()
            if dialects.get(one.dialect).can_replay and not one._missing_fields()
        ]
        for place, provider in enumerate(due, 1):
            Replay(provider).run()
            if not self.env["ir.cron"]._commit_progress(1, remaining=len(due) - place):
                return
