"""Past calls whose rows have no id: matched by extension, direction, number, start."""

from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

from odoo.tests import tagged

from ..models.call.log import CallLog
from ..telephony import dialect as dialects
from ..telephony.event import (
    ANSWERED,
    DIALLED,
    ENDED,
    LOGGED,
    OFFERED,
    RELEASED,
    RINGING,
    CallEvent,
)
from ..telephony.rows import group_rows, is_made_up
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
        groups = {one.ref: one.rows for one in group_rows(rows)}
        verdicts = self.log.add_history(groups)
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
                        self.event(RINGING, extension="100"),
                        self.event(ENDED, 40, disposition="cancelled"),
                    ]
                )
                self.read(self.row(after=after))
                self.assertEqual(len(self.calls()), count)
                self.assertEqual(self.calls()[0].ref, "R1")
                # Twice is not more.
                self.assertEqual(self.read(self.row(after=after)), ["unchanged"])
                self.assertEqual(len(self.calls()), count)

    def test_a_row_of_a_leg_that_began_later(self):
        """In a queue one phone rings after the other; one of them twice."""
        silent = {"talk": 0, "disposition": "no_answer", "said": "silence"}
        rows = [
            self.row("100", **silent),
            self.row("101", 23, **silent),
            self.row("100", 46),
        ]
        for order in (rows, rows[::-1], [rows[1]], [rows[2], rows[0]]):
            with self.fresh(order):
                self.log.add_events(
                    [
                        self.event(RINGING, extension="100", leg="a"),
                        self.event(RELEASED, 18, extension="100", leg="a"),
                        self.event(RINGING, 23, extension="101", leg="b"),
                        self.event(RELEASED, 41, extension="101", leg="b"),
                        self.event(RINGING, 46, extension="100", leg="c"),
                        self.event(ANSWERED, 50, extension="100", leg="c"),
                        self.event(RELEASED, 80, extension="100", leg="c"),
                    ]
                )
                self.read(*order)
                self.assertCall(self.the_call(), outcome="answered", talk_seconds=30)
        # Rows first: what belongs together the events say.
        with self.fresh("rows first"):
            self.read(*rows)
            self.assertEqual(len(self.calls()), 3)
            self.log.add_events(
                [
                    self.event(RINGING, extension="100", leg="a"),
                    self.event(RELEASED, 18, extension="100", leg="a"),
                    self.event(RINGING, 23, extension="101", leg="b"),
                    self.event(RELEASED, 41, extension="101", leg="b"),
                    self.event(RINGING, 46, extension="100", leg="c"),
                    self.event(RELEASED, 80, extension="100", leg="c"),
                ]
            )
            self.assertCall(self.the_call(), ref="R1", outcome="answered")

    def test_two_calls_within_five_seconds(self):
        """The nearer one has the row; each has its own."""
        for rows in (
            [self.row(), self.row(after=4, disposition="cancelled", talk=0)],
            [self.row(after=4, disposition="cancelled", talk=0), self.row()],
        ):
            with self.fresh(rows[0].talk):
                self.read(*rows)
                self.assertEqual(len(self.calls()), 2)
                self.assertEqual(self.read(*rows), ["unchanged", "unchanged"])
                self.log.add_events(
                    [
                        self.event(RINGING, 4, "R2", extension="100", leg="b"),
                        self.event(RELEASED, 9, "R2", extension="100", leg="b"),
                    ]
                )
                self.log.add_events([self.event(RINGING, extension="100", leg="a")])
                found = {call.ref: call.outcome for call in self.calls()}
                self.assertEqual(found, {"R1": "answered", "R2": "missed"})
                self.read(*rows)
                self.assertEqual(len(self.calls()), 2)

    def test_a_number_that_one_side_lacks(self):
        for row, caller in ((self.row(number=""), CALLER), (self.row(), "")):
            with self.fresh(caller):
                self.log.add_events(
                    [
                        self.event(RINGING, 1, extension="100", leg="a", caller=caller),
                        self.event(
                            RELEASED, 31, extension="100", leg="a", caller=caller
                        ),
                    ]
                )
                self.read(row)
                self.assertCall(self.the_call(), ref="R1", number=CALLER)

    def test_a_row_that_names_no_extension(self):
        self.log.add_events([self.event(RINGING, 1, extension="100", leg="a")])
        self.read(self.row(""))
        self.the_call()

    def test_a_call_between_extensions_has_a_row_of_each(self):
        rows = [
            replace(self.row(one, after, way="internal"), caller="100", called="101")
            for one, after in (("100", 0), ("101", 1))
        ]
        for pages in ([rows], [rows[:1], rows[1:]], [rows[1:], rows[:1]]):
            with self.fresh(pages):
                for page in pages:
                    self.read(*page)
                self.assertCall(self.the_call(), direction="internal", number="101")
                self.read(*rows)
                self.the_call()

    def test_a_row_with_an_id_after_one_without(self):
        """A list of recordings may name the call later than the list of calls did."""
        self.read(self.row())
        known = self.the_call()
        named = replace(self.row(after=2), ref="R1", recording="r-1")
        self.log.add_history({"R1": [named]})
        self.assertCall(self.the_call(), id=known.id, ref="R1")

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

    def test_a_recorded_call_that_rang_at_further_extensions_is_one_call(self):
        """The row of a recording names the call, and who spoke; no other phone."""
        recorded = replace(self.row("101", after=3), ref="R1", recording="R1/101")
        missed = {"talk": 0, "disposition": "missed", "said": "silence"}
        self.log.add_history({"R1": [recorded]})
        self.read(self.row("100", **missed))
        call = self.the_call()
        self.assertEqual(set(self.legs(call)), {"100", "101"})
        self.assertCall(call, ref="R1", outcome="answered", user_id=self.boris)

    def test_both_sides_of_a_call_inside_are_one_call(self):
        """Each has a row, with the same two parties."""
        rows = [
            replace(self.row(extension, way="internal"), caller="100", called="101")
            for extension in ("100", "101")
        ]
        for pages in ([rows], [rows[:1], rows[1:]], [rows[1:], rows[:1]]):
            with self.fresh(len(pages)):
                for page in pages:
                    self.read(*page)
                call = self.the_call()
                self.assertEqual(set(self.legs(call)), {"100", "101"})
                self.assertCall(
                    call, direction="internal", number="101", user_id=self.anna
                )
                self.assertEqual(self.read(*rows), ["unchanged"])
        with self.fresh("the other way"):
            back = replace(rows[0], caller="101", called="100")
            self.read(rows[0], back)
            self.assertEqual(len(self.calls()), 2)

    def test_two_calls_of_one_number(self):
        self.assertEqual(self.read(self.row(), self.row(after=60)), ["new", "new"])
        self.assertEqual(len(self.calls()), 2)

    def test_withheld_numbers_are_not_one_call(self):
        self.read(self.row(number=""), self.row("101", after=1, number=""))
        self.assertEqual(len(self.calls()), 2)

    def test_the_order_of_rows_decides_nothing(self):
        rows = [self.row("100"), self.row("101", 3), self.row("100", 60)]
        refs = [one.ref for one in group_rows(rows)]
        self.assertEqual(len(refs), 2)
        self.assertEqual([one.ref for one in group_rows(reversed(rows))], refs)
        later = [replace(one, received_at=NOON + timedelta(days=1)) for one in rows]
        self.assertEqual([one.ref for one in group_rows(later)], refs)

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

    def test_somebody_outside_has_the_number_of_a_colleague(self):
        """The row says a colleague; the leg that dialled says somebody outside."""
        told = {"direction": "outbound", "caller": "", "called": "101", "leg": "a"}
        events = [
            self.event(DIALLED, extension="100", **told),
            self.event(ANSWERED, 5, extension="100", **told),
            self.event(RELEASED, 35, extension="100", disposition="answered", **told),
        ]
        row = replace(self.row("100", way="internal"), caller="100", called="101")
        for before in (True, False):
            with self.fresh(before):
                if before:
                    self.read(row)
                self.log.add_events(events)
                self.read(row)
                self.assertCall(
                    self.the_call(),
                    ref="R1",
                    direction="outbound",
                    number="101",
                    talk_seconds=30,
                )

    def test_a_row_that_does_not_say_which_way(self):
        for number in (CALLER, ""):
            with self.fresh(number):
                row = self.row(number=number, way="")
                self.assertEqual(self.read(row), ["new"])
                before = self.the_call().read()
                self.assertEqual(self.read(row), ["unchanged"])
                self.assertEqual(self.the_call().read(), before)

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
