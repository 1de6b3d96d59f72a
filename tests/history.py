"""What the tests of past calls share."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from odoo import fields

from .common import PbxCase, scenarios
from .fake_pbx import FakePbxCase

# What lasts longer than any call of the fake PBX.
AN_HOUR = timedelta(hours=1)


class HistoryCase(FakePbxCase, PbxCase):
    """``happened`` makes calls at the PBX of which no event reaches Odoo."""

    def setUp(self):
        super().setUp()
        # Demo data bring a cloud PBX of their own.
        others = self.env["pbx.provider"].search([("id", "!=", self.provider.id)])
        others.active = False
        self.connected_long_ago()
        self.now = fields.Datetime.now()

    def local(self, moment):
        zone = ZoneInfo(self.provider.tz)
        moment = moment.replace(tzinfo=ZoneInfo("UTC")).astimezone(zone)
        return moment.strftime("%Y-%m-%d %H:%M:%S")

    def happened(self, name="answered", ago=AN_HOUR, **parameters):
        """Have the PBX remember a call that began so long ago; return its plan."""
        if "call_start" not in parameters:
            parameters["call_start"] = self.local(self.now - ago)
        plan = scenarios.plan(name, **parameters)
        self.pbx.fake.keep_rows(plan.rows)
        return plan

    @property
    def catch_up(self):
        self.env.invalidate_all()
        return self.env["pbx.history"].search(
            [("provider_id", "=", self.provider.id), ("kind", "=", "catch_up")]
        )

    def fetch(self):
        """Catch up as the button does; return what the person is told."""
        self.env.flush_all()
        told = self.provider.action_fetch_history()
        self.env.invalidate_all()
        return told["params"]["message"]

    def counts(self, history=None):
        """New, completed, unchanged, corrected, not written."""
        one = history or self.catch_up
        one.invalidate_recordset()
        return (
            one.new_count,
            one.completed_count,
            one.unchanged_count,
            one.corrected_count,
            one.failed_count,
        )

    def period(self, **values):
        history = self.env["pbx.history"].create(
            {"provider_id": self.provider.id, **values}
        )
        history.action_start()
        return history
