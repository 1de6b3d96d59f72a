"""Internal numbers, who sits there, and whose call it was."""

import psycopg2

from odoo import Command
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import LINE, NOON, REF, PbxCase, scenarios


@tagged("post_install", "-at_install")
class TestExtension(PbxCase):
    # ----------------------------------------------------------------- the directory

    def test_newcomer(self):
        """A number is enough: the rest follows from it."""
        model = self.env["pbx.extension"].with_context(
            allowed_company_ids=self.company.ids
        )
        with Form(model) as form:
            form.number = "102"
        self.assertRecordValues(
            form.record,
            [
                {
                    "number": "102",
                    "name": "102",
                    "login": "102",
                    "provider_id": self.provider.id,
                    "company_id": self.company.id,
                    "status": "unknown",
                    "password": False,
                }
            ],
        )

    def test_own_login_and_name_stay(self):
        desk = self.new_extension("103", self.anna, login="0103", name="Reception")
        desk.number = "104"
        self.assertEqual((desk.login, desk.name), ("0103", "Reception"))
        self.assertEqual(desk.display_name, "104 Reception")

    def test_corrected_number(self):
        """What repeats the number follows it; what somebody changed stays."""
        follows = {"name": "104", "login": "104"}
        for what, values, expected in (
            ("both repeat it", {}, follows),
            ("own name", {"name": "Reception"}, {**follows, "name": "Reception"}),
            ("own login", {"login": "0103"}, {**follows, "login": "0103"}),
        ):
            for typed in ("104", " 104 ", "123456-104"):
                with self.fresh(what, typed=typed):
                    desk = self.new_extension("103", self.anna, **values)
                    desk.number = typed
                    self.assertRecordValues(desk, [{"number": "104", **expected}])
                with self.fresh(what, typed=typed, by="form"):
                    desk = self.new_extension("103", self.anna, **values)
                    with Form(desk) as form:
                        form.number = typed
                        self.assertEqual(form.name, expected["name"])
                    self.assertRecordValues(desk, [{"number": "104", **expected}])

    def test_corrected_number_adopts_its_earlier_calls(self):
        call = self.tell("answered", extension="777")
        self.assertEqual(call.unknown_extensions, "777")
        self.extension.number = "777"
        self.assertFalse(call.unknown_extensions)
        self.assertEqual(call.leg_ids.extension_id, self.extension)

    def test_long_login_is_understood(self):
        expected = [{"number": "105", "name": "105", "login": "105"}]
        with self.fresh("created"):
            self.assertRecordValues(
                self.new_extension("123456-105", self.anna), expected
            )
        with self.fresh("by form"):
            model = self.env["pbx.extension"].with_context(
                default_provider_id=self.provider.id
            )
            with Form(model) as form:
                form.number = "123456-105"
            self.assertRecordValues(form.record, expected)
        with self.fresh("imported, twice"):
            for number, name in (("123456-105", "105"), ("123456-106", "106")):
                result = self.env["pbx.extension"].load(
                    ["id", "number", "provider_id/.id"],
                    [["__import__.desk", number, str(self.provider.id)]],
                )
                self.assertFalse(result["messages"])
                desk = self.env["pbx.extension"].browse(result["ids"])
                self.assertRecordValues(
                    desk, [{"number": name, "name": name, "login": name}]
                )
        with self.fresh("what is none is refused"), self.assertRaises(ValidationError):
            self.extension.number = "123456-"

    # ------------------------------------------------------------- search and names

    def found(self, text, **more):
        names = self.env["pbx.extension"].name_search(
            text, [("provider_id.company_id", "=", self.company.id)], **more
        )
        return [name for _id, name in names]

    def test_found_by_number_and_name(self):
        self.new_extension("103", self.anna, name="Reception desk")
        desk = ["103 Reception desk"]
        for text, expected in (
            ("100", ["100"]),
            ("10", ["100", "101", *desk]),
            ("recep", desk),
            ("103 Reception desk", desk),
            ("desk 103", desk),
            ("desk 104", []),
        ):
            self.assertEqual(self.found(text), expected, text)
        for text in ("103", "Reception desk", "103 Reception desk"):
            self.assertEqual(self.found(text, operator="="), desk, text)
        self.assertEqual(self.found("desk 103", operator="="), [])

    def test_two_pbxs_are_told_apart(self):
        self.assertEqual(self.extension.display_name, "100")
        other = self.new_provider(self.company, self.robot, "second", name="Berlin")
        theirs = self.new_extension("100", self.boris, other, name="Reception")
        self.provider.name = "London"
        self.env.invalidate_all()
        clerk = self.new_user("clerk", "base.group_user")
        names = (self.extension | theirs).with_user(clerk).mapped("display_name")
        self.assertEqual(names, ["100 (London)", "100 Reception (Berlin)"])
        self.assertEqual(self.found("100 Reception (Berlin)"), [names[1]])
        self.assertEqual(self.found("100 (London)"), [names[0]])
        self.assertEqual(self.found("100 (London)", operator="="), [names[0]])
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        other.active = False
        robot = self.new_user("robot", "base.group_user", elsewhere)
        self.new_provider(elsewhere, robot, "third")
        self.env.invalidate_all()
        self.assertEqual(self.extension.display_name, "100")

    def test_what_is_no_internal_number(self):
        for number in ("+442079460201", "abc", "1234567", "0", ""):
            with self.subTest(number=number), self.assertRaises(ValidationError):
                self.new_extension(number, self.anna)

    def test_unique_per_provider(self):
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.IntegrityError),
            self.env.cr.savepoint(),
        ):
            self.new_extension("100", self.boris)
        other = self.new_provider(self.company, self.robot, "second")
        self.assertTrue(self.new_extension("100", self.boris, other))

    def test_provider_is_proposed_only_when_there_is_one(self):
        self.new_provider(self.company, self.robot, "second")
        model = self.env["pbx.extension"]
        self.assertFalse(model.default_get(["provider_id"]).get("provider_id"))

    def test_caller_id_in_any_style(self):
        for typed in (
            "+44 20 7946 0900", "442079460900", "+442079460900", "020 7946 0900",
            "(020) 7946-0900", "0044 20 7946 0900",
        ):  # fmt: skip
            self.extension.caller_id = False
            self.extension.caller_id = typed
            self.assertEqual(self.extension.caller_id, LINE, typed)
            created = self.new_extension("109", self.anna, caller_id=typed)
            self.assertEqual(created.caller_id, LINE, typed)
            created.unlink()

    def test_caller_id_is_read_in_the_pbx_s_country(self):
        for code, typed, number in (
            ("de", "030 901820", "+4930901820"),
            ("us", "(212) 555-0143", "+12125550143"),
            ("us", "+44 20 7946 0900", LINE),
            ("us", "442079460900", LINE),
            ("au", "0011 44 20 7946 0900", LINE),
        ):
            with self.fresh(code, typed):
                self.provider.country_id = self.env.ref(f"base.{code}")
                self.extension.caller_id = typed
                self.assertEqual(self.extension.caller_id, number)

    def test_own_number_typed_nationally_is_known_as_ours(self):
        self.new_partner("A contact with our number", "020 7946 0900")
        self.extension.caller_id = "020 7946 0900"
        call = self.tell("answered", caller=LINE, line="+442079460999")
        self.assertCall(call, partner_id=call.partner_id.browse())

    def test_both_sides_of_the_link(self):
        """A desk phone may be shared, a person may have two."""
        self.extension.user_ids |= self.boris
        self.assertEqual(
            self.boris.pbx_extension_ids, self.extension | self.extension_2
        )
        self.anna.pbx_extension_ids |= self.extension_2
        self.assertEqual(self.extension_2.user_ids, self.anna | self.boris)
        # Everybody may see who has which number, also a person without a phone.
        clerk = self.new_user("clerk", "base.group_user")
        own = self.boris.with_user(self.boris).read(["pbx_extension_ids"])
        self.assertEqual(
            own[0]["pbx_extension_ids"], (self.extension | self.extension_2).ids
        )
        self.assertEqual(
            self.extension.with_user(clerk).user_ids.ids, self.extension.user_ids.ids
        )

    def test_who_cannot_have_a_phone(self):
        """No guest, from either side."""
        portal = self.new_user("portal", "base.group_portal")
        links = [Command.link(portal.id)], [Command.link(self.extension.id)]
        for name, enter in {
            "new": lambda: self.new_extension("102", portal),
            "its users": lambda: self.extension.write({"user_ids": links[0]}),
            "the user's phones": lambda: portal.write({"pbx_extension_ids": links[1]}),
        }.items():
            with self.fresh(name), self.assertRaisesRegex(ValidationError, portal.name):
                self.env.invalidate_all()
                enter()
        # Who left keeps nobody from being entered, and stays.
        self.boris.active = False
        self.extension_2.write({"user_ids": [Command.link(self.anna.id)]})
        self.env.invalidate_all()
        users = self.extension_2.with_context(active_test=False).user_ids
        self.assertEqual(users, self.anna | self.boris)

    def test_agents_do_not_give_themselves_a_phone(self):
        """Whoever has a phone sees its calls."""
        for user in (self.boris, self.supervisor):
            with self.assertRaises(AccessError):
                user.with_user(user).pbx_extension_ids |= self.extension
            with self.assertRaises(AccessError):
                self.extension.with_user(user).user_ids |= user
        self.assertEqual(self.extension.user_ids, self.anna)

    # ------------------------------------------------------------------ whose call

    def test_assigned_at_once(self):
        """No new login, no restart: the next call knows; the present one stays."""
        steps = scenarios.scenario("answered", pbx_call_id=REF)
        self.put(steps[:2], NOON).action_replay()
        self.assertEqual(self.the_call().participant_ids, self.anna)
        self.boris.pbx_extension_ids = self.extension
        self.anna.pbx_extension_ids = False
        self.put(steps[2:], NOON).action_replay()
        self.assertEqual(self.the_call().user_id, self.anna)
        self.assertEqual(self.tell("answered")[-1].user_id, self.boris)

    def test_shared(self):
        self.extension.user_ids |= self.boris
        call = self.tell("answered")
        self.assertCall(
            call,
            user_id=self.env["res.users"],
            participant_ids=self.anna | self.boris,
            extension_id=self.extension,
        )
        self.assertFalse(call.leg_ids.user_id)

    def test_archived_colleague_does_not_count(self):
        self.extension.user_ids |= self.boris
        self.boris.active = False
        call = self.tell("answered")
        self.assertCall(call, user_id=self.anna, participant_ids=self.anna)

    def test_never_the_contact_s_salesperson(self):
        """Who spoke is who lifted, not whose customer it is."""
        self.new_partner(user_id=self.boris.id)
        self.assertEqual(self.tell("answered").user_id, self.anna)
        unknown = self.tell("answered", extension="777", pbx_call_id="in_7")[-1]
        self.assertFalse(unknown.user_id)

    def test_told_as_a_long_login(self):
        call = self.tell("answered", extension="123456-100")
        self.assertCall(call, user_id=self.anna, extension_id=self.extension)
        self.assertEqual(call.leg_ids.number, "100")

    def test_extension_nobody_entered(self):
        call = self.tell("ring_group", extensions=("100", "777"))
        leg = call.leg_ids.filtered(lambda leg: leg.number == "777")
        self.assertEqual((len(leg), leg.extension_id.id), (1, False))
        self.assertEqual(call.unknown_extensions, "777")
        action = call.action_create_extensions()
        model = self.env[action["res_model"]].with_context(**action["context"])
        with Form(model) as form:
            pass
        created = form.record
        self.assertEqual((created.number, created.provider_id), ("777", self.provider))
        # Earlier legs are its own now; who sat there then nobody knows.
        self.assertEqual(leg.extension_id, created)
        self.assertFalse(call.unknown_extensions)
        self.assertEqual(call.user_id, self.anna)

    def untouched(self, call):
        """Return what tells whether the call or its legs were written since."""
        self.env.flush_all()
        self.env.invalidate_all()
        self.env.cr.execute(
            """SELECT call.xmin::text, array_agg(leg.user_id ORDER BY leg.id)
                 FROM pbx_call call JOIN pbx_call_leg leg ON leg.call_id = call.id
                WHERE call.id = %s GROUP BY call.id""",
            [call.id],
        )
        return self.env.cr.fetchone()

    def test_deleting_an_extension_keeps_the_calls(self):
        call = self.tell("answered")
        before = self.untouched(call)
        self.extension.unlink()
        self.assertCall(call, user_id=self.anna, outcome="answered")
        self.assertEqual(call.leg_ids.number, "100")
        self.assertFalse(call.leg_ids.extension_id)
        self.assertEqual(self.untouched(call)[1], before[1])

    def test_changing_who_sits_there_writes_no_earlier_call(self):
        call = self.tell("answered")
        before = self.untouched(call)
        self.extension.user_ids = self.boris
        self.assertEqual(self.untouched(call), before)
        self.assertEqual(call.user_id, self.anna)

    def test_extension_of_another_provider_is_another_one(self):
        other = self.new_provider(self.company, self.robot, "second")
        self.new_extension("777", self.boris, other)
        self.assertFalse(self.tell("answered", extension="777").user_id)
