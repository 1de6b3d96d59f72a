"""The log is searched in parts, and what is found is the same as in one."""

from datetime import timedelta
from itertools import combinations
from random import Random
from unittest.mock import patch

from odoo.fields import Domain
from odoo.tests import tagged

from ..models.call import search
from .common import NOON, PbxCase

# Conditions as a domain, and as the SQL that it means; %(me)s is the reader.
LATER = NOON + timedelta(seconds=9)
RANG = (
    "EXISTS (SELECT FROM pbx_call_participant_rel "
    "WHERE call_id = call.id AND user_id = %(me)s)"
)
CONDITIONS = (
    ([("outcome", "=", "missed")], "outcome = 'missed'"),
    ([("outcome", "=", "failed")], "outcome = 'failed'"),
    ([("direction", "=", "inbound")], "direction = 'inbound'"),
    ([("direction", "!=", "internal")], "direction IS DISTINCT FROM 'internal'"),
    ([("partner_id", "=", False)], "partner_id IS NULL"),
    ([("lead_id", "=", False)], "lead_id IS NULL"),
    ([("start", ">=", f"{LATER}")], f"start >= '{LATER}'"),
    ([("start", "<", f"{LATER}")], f"start < '{LATER}'"),
    ([("number", "=like", "+442079460%")], "number LIKE '+442079460%%'"),
    (
        ["|", ("user_id", "=", "me"), ("participant_ids", "in", "me")],
        f"(user_id = %(me)s OR {RANG})",
    ),
)
CONCERNS_ME = f"""(
    user_id = %(me)s OR {RANG}
    OR partner_id IN (SELECT id FROM res_partner WHERE user_id = %(me)s)
    OR lead_id IN (SELECT id FROM crm_lead WHERE user_id = %(me)s)
    OR promise_id IN (SELECT id FROM pbx_promise WHERE user_id = %(me)s))"""
REASONS = ("spoke", "rang", "customer", "lead", "call-back")


@tagged("post_install", "-at_install")
class TestCallSearch(PbxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.boris = cls.new_agent("Boris")
        # Every combination of reasons, twice: of one who calls in, of one whom we call.
        every = [
            set(chosen)
            for count in range(len(REASONS) + 1)
            for chosen in combinations(REASONS, count)
        ]
        owners = {True: cls.anna, False: cls.boris}
        partners = {
            mine: cls.new_partner(f"Of {owner.name}", False, user_id=owner.id)
            for mine, owner in owners.items()
        }
        leads = {
            mine: cls.env["crm.lead"].create(
                {"name": f"{owner.name}'s deal", "user_id": owner.id}
            )
            for mine, owner in owners.items()
        }
        promises = {
            mine: cls.env["pbx.promise"].create(
                {
                    "company_id": cls.company.id,
                    "provider_id": cls.provider.id,
                    "number": f"+44207946099{place}",
                    "user_id": owner.id,
                    "opened_at": NOON,
                    "deadline": NOON,
                }
            )
            for place, (mine, owner) in enumerate(owners.items())
        }
        cls.all = cls.env["pbx.call"].create(
            [
                {
                    "provider_id": cls.provider.id,
                    "company_id": cls.company.id,
                    "direction": direction,
                    "state": "done",
                    "outcome": ("answered", "missed", "busy")[place % 3],
                    "number": f"+44207946{place:04}",
                    # Some begin in the same second.
                    "start": NOON + timedelta(seconds=place // 3),
                    "user_id": owners["spoke" in reasons].id,
                    "participant_ids": [owners["rang" in reasons].id],
                    "partner_id": partners["customer" in reasons].id,
                    "lead_id": leads["lead" in reasons].id,
                    "promise_id": promises["call-back" in reasons].id,
                }
                for place, (reasons, direction) in enumerate(
                    (reasons, direction)
                    for reasons in every
                    for direction in ("inbound", "outbound")
                )
            ]
        )
        for call in cls.all[::5]:
            cls.all += call.copy({"partner_id": False, "lead_id": False})
        # Nobody's, with nothing that is known of it.
        cls.all += cls.all[0].copy(
            {
                **dict.fromkeys(
                    ("user_id", "partner_id", "lead_id", "promise_id"), False
                ),
                "participant_ids": False,
            }
        )
        cls.env.flush_all()

    def concerned(self, user):
        """Return the calls that a user may see, by what was made above."""
        return {
            call
            for call in self.all
            if user
            in call.user_id
            | call.participant_ids
            | call.partner_id.user_id
            | call.lead_id.user_id
            | call.promise_id.user_id
        }

    def searches(self, user):
        """Yield domains, and which calls of all they are about."""
        own = ["|", ("user_id", "=", user.id), ("participant_ids", "in", [user.id])]
        spoken = {
            call for call in self.all if user in call.user_id | call.participant_ids
        }
        inbound = {call for call in self.all if call.direction == "inbound"}
        named = {call for call in self.all if call.partner_id.name == "Of Anna"}
        deal = {call for call in self.all if call.lead_id.name == "Boris's deal"}
        digits = {call for call in self.all if "460001" in (call.number or "")}
        yield [], set(self.all)
        yield [("direction", "=", "inbound")], inbound
        yield (
            [("start", ">=", "2026-06-16 12:00:04")],
            {call for call in self.all if call.start >= NOON + timedelta(seconds=4)},
        )
        yield own, spoken
        yield [*own, ("direction", "=", "inbound")], spoken & inbound
        yield ["!", *own], set(self.all) - spoken
        yield [("display_name", "ilike", "Of Anna")], named
        yield [("display_name", "ilike", "Boris's deal")], deal
        yield [("display_name", "ilike", "7946 0001")], digits
        yield [("concerns_me", "=", True)], self.concerned(user)
        yield [("concerns_me", "=", False)], set(self.all) - self.concerned(user)
        yield [("partner_id.name", "=", "Of Anna")], named
        yield (
            [("partner_id", "=", self.all[0].partner_id.id)],
            {call for call in self.all if call.partner_id == self.all[0].partner_id},
        )

    def test_the_parts_are_the_whole(self):
        stranger = self.new_agent("Clara")
        for user in (self.anna, self.boris, self.supervisor, stranger):
            seen = set(self.all)
            if user != self.supervisor:
                seen = self.concerned(user)
            calls = self.env["pbx.call"].with_user(user)
            for domain, about in self.searches(user):
                expected = sorted(
                    seen & about, key=lambda call: (call.start, call.id), reverse=True
                )
                ids = [call.id for call in expected]
                with self.subTest(user=user.name, domain=domain):
                    self.assertEqual(calls.search(domain).ids, ids)
                    for offset, limit in ((0, 1), (0, 10), (7, 10), (30, 80)):
                        found = calls.search(domain, offset=offset, limit=limit)
                        self.assertEqual(found.ids, ids[offset : offset + limit])
                        count = calls.search_count(domain, limit=limit)
                        self.assertEqual(count, min(limit, len(ids)))
                    self.assertEqual(calls.search_count(domain), len(ids))
                    [[groups]] = calls._read_group(domain, [], ["__count"])
                    self.assertEqual(groups, len(ids))
                    by_number = calls.search(domain, order="number", limit=9)
                    numbers = sorted(call.number for call in expected)
                    self.assertEqual(by_number.mapped("number"), numbers[:9])

    def test_the_same_as_plain_sql(self):
        """Whatever is asked for, and however far the newest calls go."""
        random = Random(16)
        stranger = self.new_agent("Clara")
        readers = (self.anna, self.boris, self.supervisor, stranger)
        for _ in range(150):
            user = random.choice(readers)
            chosen = random.sample(CONDITIONS, random.randrange(4))
            asked = random.choice((1, 4, 15, 1000))
            page = (random.choice((0, 0, 3, 20)), random.choice((1, 5, 12, 80)))
            domain = Domain.AND(
                [
                    tuple(user.id if part == "me" else part for part in leaf)
                    if isinstance(leaf, tuple)
                    else leaf
                    for leaf in part_of
                ]
                for part_of, _sql in chosen
            )
            ids = self.ids_by_sql(user, [sql for _domain, sql in chosen])
            calls = self.env["pbx.call"].with_user(user)
            offset, limit = page
            with (
                self.subTest(user=user.name, domain=domain, asked=asked, page=page),
                patch.object(search, "FIRST_ASKED", asked),
                patch.object(search, "MOST_ASKED", 40),
            ):
                found = calls.search(domain, offset=offset, limit=limit)
                self.assertEqual(found.ids, ids[offset : offset + limit])
                count = calls.search_count(domain, limit=limit)
                self.assertEqual(count, min(limit, len(ids)))

    def ids_by_sql(self, user, conditions):
        conditions = [*conditions, "company_id = %(company)s"]
        if user != self.supervisor:
            conditions.append(CONCERNS_ME)
        self.env.cr.execute(
            f"SELECT id FROM pbx_call call WHERE {' AND '.join(conditions)} "
            "ORDER BY start DESC, id DESC",
            {"me": user.id, "company": self.company.id},
        )
        return [call_id for [call_id] in self.env.cr.fetchall()]

    def test_no_part_is_looked_through_for_the_newest_calls(self):
        calls = self.env["pbx.call"].with_user(self.anna)
        calls.search([], limit=5)
        for domain in ([], [("outcome", "=", "missed")]):
            for asked in (10, 1000):
                with (
                    self.subTest(domain=domain, asked=asked),
                    patch.object(search, "FIRST_ASKED", asked),
                    patch.object(search, "first_of", side_effect=AssertionError),
                ):
                    # How far back, and which ones; twice at most.
                    self.env.invalidate_all()
                    with self.assertQueryCount(5):
                        self.assertEqual(
                            len(calls._search(domain, 0, 5, calls._order)), 5
                        )

    def test_nobody_reads_what_does_not_concern_them(self):
        for user in (self.anna, self.boris):
            seen = self.concerned(user)
            for call in self.all.with_user(user):
                with self.subTest(user=user.name, number=call.sudo().number):
                    self.assertEqual(call.has_access("read"), call.sudo() in seen)
                    self.assertEqual(call.sudo().concerns_me, call.sudo() in seen)

    def test_a_change_counts_at_once(self):
        """Who gets a customer sees the calls, in the same transaction."""
        stranger = self.new_agent("Clara")
        calls = self.env["pbx.call"].with_user(stranger)
        self.assertFalse(calls.search([], limit=80))
        partner = self.all[0].partner_id
        theirs = self.all.filtered(lambda call: call.partner_id == partner)
        partner.user_id = stranger
        self.assertEqual(set(calls.search([], limit=80).ids), set(theirs.ids))
        self.assertEqual(calls.search_count([], limit=80), len(theirs))
        partner.user_id = False
        self.assertFalse(calls.search([], limit=80))

    def test_another_rule_of_ones_own(self):
        """Who lets agents see more by a rule of their own gets all of that."""
        self.env["ir.rule"].create(
            {
                "name": "Outgoing calls are for all",
                "model_id": self.env.ref("cloud_pbx.model_pbx_call").id,
                "groups": [self.env.ref("cloud_pbx.group_pbx_user").id],
                "domain_force": "[('direction', '=', 'outbound')]",
            }
        )
        outbound = {call for call in self.all if call.direction == "outbound"}
        calls = self.env["pbx.call"].with_user(self.anna)
        expected = {call.id for call in outbound | self.concerned(self.anna)}
        self.assertEqual(set(calls.search([], limit=100).ids), expected)
        self.assertEqual(calls.search_count([], limit=100), len(expected))
