"""Past calls whose rows have no id: matched by extension, direction, number, start."""

from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

from odoo.tests import tagged

from ..models.call.log import CallLog
from ..models.call.match import is_made_up, made_up_groups
from ..telephony import dialect as dialects
from ..telephony.event import DIALLED, ENDED, LOGGED, OFFERED, RINGING, CallEvent
from .common import CALLER, LINE, NOON, PbxCase
from .test_dial import DialCase


class RowsCase(PbxCase):
    def setUp(self):
        super().setUp()
        without_ids = patch.object(
            type(dialects.get(self.provider.dialect)), "history_has_ids", False
        )
        without_ids.start()
        self.addCleanup(without_ids.stop)

    @property
    def log(self):
        self.env.invalidate_all()
        return CallLog(self.env, self.provider._settings(self.provider.id))

    def row(self, extension="100", after=0, number=CALLER, way="inbound", **values):
        """A row of the history: a leg that began so many seconds after noon."""
        parties = {"caller": number, "called": LINE}
        if way == "outbound":
            parties = {"called": number}
        return CallEvent(
            LOGGED,
            "",
            NOON + timedelta(hours=1),
            direction=way,
            extension=extension,
            started=(NOON + timedelta(seconds=after),),
            **parties,
            **{"talk": 30, "disposition": "answered", "said": "talk", **values},
        )

    def event(self, kind, after=0, ref="R1", **values):
        at = NOON + timedelta(seconds=after)
        return CallEvent(
            kind,
            ref,
            at,
            at=at,
            **{"direction": "inbound", "caller": CALLER, "called": LINE, **values},
        )

    def read(self, *rows):
        """Add a page of these rows; return what became of the calls."""
        verdicts = self.log.add_history(made_up_groups(rows))
        return sorted(word for words in verdicts.values() for word in words)


@tagged("post_install", "-at_install")
class TestRows(RowsCase):
    def test_a_row_of_no_known_call_is_a_call(self):
        self.assertEqual(self.read(self.row()), ["new"])
        call = self.the_call()
        self.assertTrue(is_made_up(call.ref))
        self.assertCall(
            call,
            direction="inbound",
            number=CALLER,
            state="done",
            outcome="answered",
            talk_seconds=30,
            start=NOON,
            user_id=self.anna,
            from_history=True,
        )

    def test_the_same_row_again_is_the_same_call(self):
        self.read(self.row())
        before = self.the_call().read()
        self.assertEqual(self.read(self.row()), ["unchanged"])
        self.assertEqual(self.the_call().read(), before)

    def test_a_row_of_a_known_call(self):
        """Within five seconds; the PBX's id stays."""
        for after, count in ((0, 1), (5, 1), (-5, 1), (6, 2), (-6, 2)):
            with self.fresh(after):
                self.log.add_events(
                    [
                        self.event(OFFERED),
                        self.event(RINGING, 2, extension="100"),
                        self.event(ENDED, 40, disposition="cancelled"),
                    ]
                )
                self.read(self.row(after=after))
                self.assertEqual(len(self.calls()), count)
                self.assertEqual(self.calls()[0].ref, "R1")
                # Twice is not more.
                self.assertEqual(self.read(self.row(after=after)), ["unchanged"])
                self.assertEqual(len(self.calls()), count)

    def test_what_differs_is_another_call(self):
        for what, other in (
            ("extension", self.row("101")),
            ("number", self.row(number="+442079460202")),
            ("direction", self.row(way="outbound")),
        ):
            with self.fresh(what):
                self.log.add_events(
                    [
                        self.event(OFFERED),
                        self.event(RINGING, 2, extension="100"),
                        self.event(ENDED, 40, disposition="cancelled"),
                    ]
                )
                self.assertEqual(self.read(other), ["new"])
                self.assertEqual(len(self.calls()), 2)

    def test_one_number_that_rang_at_several_extensions_is_one_call(self):
        missed = {"talk": 0, "disposition": "no_answer", "said": "silence"}
        rows = self.row("100", **missed), self.row("101", after=3)
        for pages in ([rows], [rows[:1], rows[1:]], [rows[1:], rows[:1]]):
            with self.fresh(len(pages)):
                for page in pages:
                    self.read(*page)
                call = self.the_call()
                self.assertEqual(set(self.legs(call)), {"100", "101"})
                self.assertCall(call, outcome="answered", user_id=self.boris)
                self.assertEqual(self.read(*rows), ["unchanged"])

    def test_two_calls_of_one_number(self):
        self.assertEqual(self.read(self.row(), self.row(after=60)), ["new", "new"])
        self.assertEqual(len(self.calls()), 2)

    def test_withheld_numbers_are_not_one_call(self):
        self.read(self.row(number=""), self.row("101", after=1, number=""))
        self.assertEqual(len(self.calls()), 2)

    def test_the_order_of_rows_decides_nothing(self):
        rows = [self.row("100"), self.row("101", 3), self.row("100", 60)]
        groups = made_up_groups(rows)
        self.assertEqual(len(groups), 2)
        self.assertEqual(made_up_groups(reversed(rows)), groups)
        later = [replace(one, received_at=NOON + timedelta(days=1)) for one in rows]
        self.assertEqual(set(made_up_groups(later)), set(groups))

    # ------------------------------------------------------- events that come later

    def test_a_made_up_id_gives_way_to_the_pbx_s_own(self):
        self.read(self.row())
        known = self.the_call()
        known.note = "rope"
        self.log.add_events([self.event(OFFERED, 1)])
        self.log.add_events([self.event(RINGING, 2, extension="100")])
        call = self.the_call()
        self.assertEqual((call, call.ref, call.note), (known, "R1", "rope"))
        self.assertFalse(call.from_history)
        self.log.add_events([self.event(ENDED, 33, disposition="answered", talk=30)])
        self.assertEqual(self.the_call(), known)
        self.assertEqual(self.read(self.row()), ["unchanged"])
        self.assertEqual(self.the_call(), known)

    def test_what_a_person_picked_stays(self):
        """In either record, whichever is left."""
        partner = self.new_partner("Olga", "+442079460999")
        for picked_in in ("rows", "events"):
            with self.fresh(picked_in):
                if picked_in == "rows":
                    self.read(self.row())
                    self.the_call().partner_id = partner
                    self.log.add_events([self.event(OFFERED)])
                else:
                    self.log.add_events([self.event(OFFERED)])
                    self.the_call().partner_id = partner
                    self.read(self.row())
                self.assertEqual(len(self.calls()), 2)
                self.log.add_events([self.event(RINGING, 2, extension="100")])
                self.assertCall(
                    self.the_call(),
                    ref="R1",
                    partner_id=partner,
                    partner_source="picked",
                    outcome="answered",
                )

    def test_events_of_another_call_leave_it_alone(self):
        for what, values in (
            ("extension", {"extension": "101"}),
            ("number", {"extension": "100", "caller": "+442079460202"}),
            ("later", {"extension": "100", "after": 20}),
        ):
            with self.fresh(what):
                self.read(self.row())
                self.log.add_events(
                    [
                        self.event(OFFERED, values.get("after", 0), **{
                            "caller": values.get("caller", CALLER)}),
                        self.event(RINGING, **{"after": 0, **values}),
                    ]
                )  # fmt: skip
                calls = self.calls()
                self.assertEqual(len(calls), 2)
                self.assertTrue(is_made_up(calls[0].ref))

    def test_outgoing(self):
        row = self.row(way="outbound")
        self.read(row)
        dialled = {"direction": "outbound", "caller": "", "called": CALLER}
        self.log.add_events([self.event(DIALLED, 1, extension="100", **dialled)])
        self.assertCall(self.the_call(), ref="R1", direction="outbound")

    def test_a_page_with_rows_of_calls_that_have_ids(self):
        """A dialect whose rows have ids loses nothing by it."""
        self.log.add_history({"R1": [replace(self.row(), ref="R1")]})
        self.assertEqual(self.the_call().ref, "R1")
        self.assertEqual(self.read(self.row()), ["completed"])
        self.assertCall(self.the_call(), ref="R1", talk_seconds=30)


@tagged("post_install", "-at_install")
class TestRowOfAClick(RowsCase, DialCase):
    def test_a_click_of_which_only_a_row_is_known(self):
        """Events that come later find it all the same, and its record stays."""
        click = self.dial()
        row = replace(self.row(way="outbound"), started=(click.start,))
        self.read(row)
        self.assertEqual(self.calls(), click)
        self.assertCall(click, state="done", outcome="answered", user_id=self.anna)
        dialled = self.event(
            DIALLED,
            extension="100",
            direction="outbound",
            caller="",
            called=CALLER,
        )
        self.log.add_events([replace(dialled, at=click.start)])
        self.assertEqual(self.calls(), click)
        self.assertEqual(click.ref, "R1")
