"""Calls whose recordings lie at a fake PBX."""

from datetime import timedelta

from odoo import fields

from .fake_pbx import FakePbxCase

LINK = "/v1/pbx/record/request*"
FILE = "/v1/pbx/record/download/*"


class RecordingCase(FakePbxCase):
    """Mix-in before a ``PbxCase``."""

    def setUp(self):
        super().setUp()
        self.connected_long_ago()

    def recorded(self, name="answered", events=(), ended=0, **parameters):
        """Have a call at the PBX, and its events in Odoo; return it.

        :param events: these alone; all by default.
        :param int ended: so many seconds ago its events were received.
        """
        ready = self.pbx.fake.plan(name, parameters)
        self.pbx.fake.play(ready)
        steps = [step for step in ready.steps if not events or step.event in events]
        received = fields.Datetime.now() - timedelta(seconds=ended)
        self.put(steps, received, gap=0)
        self.run_job("apply_events")
        self.env.invalidate_all()
        return self.env["pbx.call"].search([("ref", "=", ready.pbx_call_id)])

    def fetch(self):
        """Run the job, as if the next attempts were due now."""
        self.env.cr.execute(
            """UPDATE pbx_recording
                  SET next_attempt_at = now() at time zone 'UTC' - interval '1 min'
                WHERE state = 'waiting'"""
        )
        self.run_job("fetch_recordings")

    def seconds_until_next(self, recording):
        return (recording.next_attempt_at - fields.Datetime.now()).total_seconds()

    def age(self, recording, days):
        """Make a recording's call so old."""
        start = fields.Datetime.now() - timedelta(days=days)
        recording.call_id.start = start
        self.env.flush_all()
        self.assertEqual(recording.start, start)
