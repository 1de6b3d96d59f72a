"""Who may do what: every role, every model of ours, every operation."""

import inspect
import itertools

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.models import BaseModel
from odoo.tests import tagged

from .common import CALLER, OUR_MODELS, REF, PbxCase, log_lines

ROLES = ("public", "portal", "internal", "agent", "supervisor", "administrator")
# What each role may: r(ead), w(rite), c(reate), u(nlink). A call's own people, and
# nobody else among the agents: the record rules are tested below.
MATRIX = {
    # model: public, portal, internal, agent, supervisor, administrator
    "pbx.provider": ("", "", "", "r", "r", "rwcu"),
    "pbx.extension": ("", "", "r", "r", "r", "rwcu"),
    "pbx.call": ("", "", "", "rw", "rwu", ""),
    "pbx.call.leg": ("", "", "", "r", "r", ""),
    "pbx.recording": ("", "", "", "r", "ru", ""),
    "pbx.event": ("", "", "", "", "", "rwu"),
    "pbx.event.proof": ("", "", "", "", "", ""),
    "pbx.call.ref": ("", "", "", "", "", "r"),
    "pbx.rematch": ("", "", "", "", "", ""),
    "pbx.chatter": ("", "", "", "", "", ""),
    "pbx.phone.number": ("", "", "", "", "", ""),
    "pbx.phone.scan": ("", "", "", "", "", ""),
    "pbx.rate": ("", "", "", "", "", ""),
    "pbx.assignment": ("", "", "", "", "", ""),
    "pbx.backfill": ("", "", "", "", "", ""),
    "pbx.request": ("", "", "", "", "", "ru"),
    "pbx.check": ("", "", "", "", "", "r"),
    "pbx.former.url": ("", "", "", "", "", "r"),
    "pbx.line": ("", "", "", "r", "rw", "rwu"),
    "pbx.subscription": ("", "", "", "", "", ""),
    "pbx.replay": ("", "", "", "", "", ""),
    "pbx.history": ("", "", "", "", "", "rwcu"),
    "pbx.promise": ("", "", "", "r", "rw", "rw"),
    "pbx.route": ("", "", "", "", "rwcu", "rwcu"),
    "pbx.menu": ("", "", "", "", "rwcu", "rwcu"),
    "pbx.menu.choice": ("", "", "", "", "rwcu", "rwcu"),
    "pbx.blocked": ("", "", "", "", "rwcu", "rwcu"),
    "pbx.call.tag": ("", "", "", "r", "rwcu", "rwcu"),
    "pbx.route.sent": ("", "", "", "", "", ""),
    "pbx.erased": ("", "", "", "", "", ""),
}
OPERATIONS = {"r": "read", "w": "write", "c": "create", "u": "unlink"}
NEEDED = {
    "pbx.provider": {"name": "x"},
    "pbx.extension": {"number": "777"},
    "pbx.call": {"state": "done"},
    "pbx.call.leg": {"number": "777"},
    "pbx.recording": {"ref": "1.1"},
    "pbx.event": {"event_type": "X"},
    "pbx.event.proof": {
        **{"digest": "x", "part": "own_leg", "ref": "x"},
        "at": "2026-06-16 12:00:00",
    },
    "pbx.call.ref": {"ref": "x"},
    "pbx.rematch": {"res_model": "res.partner", "res_id": 1},
    "pbx.chatter": {},
    "pbx.phone.number": {"kind": "certain", "number": "+442079460777"},
    "pbx.phone.scan": {"res_model": "x", "phone_fields": "phone", "last_id": 0},
    "pbx.rate": {"bucket": "x"},
    "pbx.assignment": {"name": "777"},
    "pbx.backfill": {"kind": "zone"},
    "pbx.request": {"at": "2026-06-16 12:00:00"},
    "pbx.check": {"step": "keys", "state": "ok"},
    "pbx.former.url": {
        "url": "https://crm.example.com/x",
        "at": "2026-06-16 12:00:00",
    },
    "pbx.line": {"number": "+442079460999"},
    "pbx.subscription": {"renew_at": "2026-06-16 12:00:00"},
    "pbx.replay": {"replayed_at": "2026-06-16 12:00:00"},
    "pbx.history": {"start": "2026-06-01", "stop": "2026-06-16"},
    "pbx.promise": {
        "number": "+442079460777",
        "opened_at": "2026-06-16 12:00:00",
        "deadline": "2026-06-16 13:00:00",
    },
    "pbx.route": {"name": "x", "target": "hangup"},
    "pbx.menu": {"name": "x", "sound": "1"},
    "pbx.menu.choice": {"digits": "1", "target": "hangup"},
    "pbx.blocked": {"number": "+442079460777"},
    "pbx.call.tag": {"name": "Delivery"},
    "pbx.erased": {"digest": "x", "erased_at": "2026-06-16 12:00:00"},
    "pbx.route.sent": {
        "number": "100",
        "ref": "x",
        "sent_at": "2026-06-16 12:00:00",
    },
}


@tagged("post_install", "-at_install")
class TestAccess(PbxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.roles = {
            "public": cls.env.ref("base.public_user"),
            "portal": cls.new_user("portal", "base.group_portal"),
            "internal": cls.new_user("internal", "base.group_user"),
            "agent": cls.anna,
            "supervisor": cls.supervisor,
            # An administrator who has no phone.
            "administrator": cls.new_user("administrator", "base.group_system"),
        }
        cls.partner = cls.new_partner()

    def setUp(self):
        super().setUp()
        self.call = self.tell("answered", pbx_call_id=REF)
        self.env["pbx.call.ref"].create(
            {"provider_id": self.provider.id, "ref": "r", "call_id": self.call.id}
        )
        self.env["pbx.rematch"].create({"res_model": "res.partner", "res_id": 1})
        of_provider = {"provider_id": self.provider.id}
        rate = self.env["pbx.rate"].create({**of_provider, **NEEDED["pbx.rate"]})
        request = self.env["pbx.request"].create(
            {**of_provider, **NEEDED["pbx.request"]}
        )
        menu = self.env["pbx.menu"].create({**of_provider, **NEEDED["pbx.menu"]})
        self.records = {
            # One with calls is kept by them.
            "pbx.provider": self.new_provider(self.company, self.robot, "another"),
            "pbx.extension": self.extension,
            "pbx.call": self.call,
            "pbx.call.leg": self.call.leg_ids,
            "pbx.recording": self.call.recording_ids,
            "pbx.event": self.events()[0],
            "pbx.call.ref": self.env["pbx.call.ref"].search([], limit=1),
            "pbx.rematch": self.env["pbx.rematch"].search([], limit=1),
            "pbx.chatter": self.env["pbx.chatter"].create({"call_id": self.call.id}),
            **{
                name: self.env[name].create(NEEDED[name])
                for name in ("pbx.phone.number", "pbx.phone.scan")
            },
            "pbx.rate": rate,
            "pbx.assignment": self.env["pbx.assignment"].search([], limit=1),
            "pbx.backfill": self.env["pbx.backfill"].create(
                {**of_provider, **NEEDED["pbx.backfill"]}
            ),
            "pbx.request": request,
            **{
                name: self.env[name].create({**of_provider, **NEEDED[name]})
                for name in (
                    *("pbx.check", "pbx.former.url"),
                    "pbx.event.proof",
                )
            },
            # The call made it.
            "pbx.line": self.call.line_id,
            "pbx.subscription": self.env["pbx.subscription"].create(
                {**of_provider, **NEEDED["pbx.subscription"]}
            ),
            "pbx.replay": self.env["pbx.replay"].create(
                {**of_provider, **NEEDED["pbx.replay"]}
            ),
            "pbx.history": self.env["pbx.history"].create(
                {**of_provider, **NEEDED["pbx.history"]}
            ),
            "pbx.promise": self.env["pbx.promise"].create(
                {
                    **of_provider,
                    "company_id": self.company.id,
                    "user_id": self.anna.id,
                    **NEEDED["pbx.promise"],
                }
            ),
            "pbx.route": self.env["pbx.route"].create(NEEDED["pbx.route"]),
            "pbx.blocked": self.env["pbx.blocked"].create(NEEDED["pbx.blocked"]),
            "pbx.call.tag": self.env["pbx.call.tag"].create(
                {"company_id": self.company.id, **NEEDED["pbx.call.tag"]}
            ),
            "pbx.erased": self.env["pbx.erased"].create(
                {"company_id": self.company.id, **NEEDED["pbx.erased"]}
            ),
            "pbx.route.sent": self.env["pbx.route.sent"].create(
                {**of_provider, **NEEDED["pbx.route.sent"]}
            ),
            "pbx.menu": menu,
            # No rule and no other choice leads to it: it can be removed.
            "pbx.menu.choice": self.env["pbx.menu.choice"].create(
                {"parent_id": menu.id, **NEEDED["pbx.menu.choice"]}
            ),
        }

    def operate(self, record, operation):
        if operation == "read":
            record.read(["display_name"])
            record.search([("id", "=", record.id)]).ensure_one()
        elif operation == "write":
            is_written = "note" in record and record._name != "pbx.promise"
            record.write({"note": "x"} if is_written else {})
            record.check_access("write")
        elif operation == "create":
            record.check_access("create")
            values = dict(NEEDED[record._name])
            if "provider_id" in record:
                values["provider_id"] = self.provider.id
            if "parent_id" in record:
                values.update(parent_id=record.parent_id.id, digits="2")
            if record._name == "pbx.blocked":
                values["number"] += "1"
            if record._name == "pbx.call.tag":
                values["name"] += " 2"
            record.create(values)
        else:
            record.unlink()

    # ----------------------------------------------------------------------- matrix

    def test_matrix_is_complete(self):
        ours = {
            name
            for name, model in self.env.registry.items()
            if name.startswith("pbx.") and not model._abstract and not model._transient
        }
        self.assertEqual(ours, set(MATRIX))
        self.assertEqual(ours, set(OUR_MODELS))

    def test_matrix(self):
        for model, row in MATRIX.items():
            self.assertTrue(self.records[model].ensure_one())
            for role, allowed in zip(ROLES, row, strict=True):
                for letter, operation in OPERATIONS.items():
                    with self.fresh(model, role, operation):
                        record = self.records[model].with_user(self.roles[role])
                        # In the company of the record, whoever asks.
                        record = record.with_context(allowed_company_ids=None)
                        if letter in allowed:
                            self.operate(record, operation)
                        else:
                            with self.assertRaises(AccessError):
                                self.operate(record, operation)

    def test_no_method_serves_whoever_may_not_read_the_record(self):
        """Whoever guesses an id gets nothing by what can be called over the wire."""
        strangers = ("public", "portal", "internal")
        users = [self.roles[role] for role in strangers] + [self.new_agent("clara")]
        tried = 0
        for user, (model, record) in itertools.product(users, self.records.items()):
            mine = record.with_user(user).with_context(allowed_company_ids=None)
            if mine.has_access("read"):
                continue
            for name, needed in self.methods(model):
                with self.fresh(user.login, model, name), log_lines():
                    tried += 1
                    self.env.invalidate_all()
                    with self.assertRaises(UserError):
                        getattr(mine, name)(*needed)
                        self.env.flush_all()
        self.assertGreater(tried, 100)

    def methods(self, model):
        """Yield what may be called of a record of ours, with what it needs to be."""
        others = (BaseModel, *map(self.env.registry.get, ("mail.thread", "base")))
        others = {name for one in others for name in dir(one)}
        others.update(dir(self.env.registry["mail.activity.mixin"]))
        for name in set(dir(type(self.env[model]))) - others:
            method = getattr(type(self.env[model]), name)
            if name.startswith("_") or not inspect.isfunction(method):
                continue
            if getattr(method, "_api_model", False):
                continue  # of no record
            parameters = list(inspect.signature(method).parameters.values())[1:]
            yield name, [1 for one in parameters if one.default is one.empty]

    def test_directory_is_not_callable(self):
        """The directory reads all contacts of the company: not by RPC."""
        public = [
            name
            for name in dir(type(self.env["pbx.directory"]))
            if not name.startswith("_") and name not in dir(type(self.env["base"]))
        ]
        self.assertFalse(public)

    # ----------------------------------------------------------------- which records

    def assertSeen(self, user, seen):
        for record in (self.call, self.call.leg_ids):
            mine = record.with_user(user)
            found = mine.search([("id", "in", record.ids)])
            self.assertEqual(bool(found), seen)
            count = mine._read_group([("id", "in", record.ids)], [], ["__count"])[0][0]
            self.assertEqual(bool(count), seen)
            if not seen:
                with self.assertRaises(AccessError):
                    mine.read(["display_name"])
        if not seen:
            with self.assertRaises(AccessError):
                self.call.with_user(user).note = "not mine"

    def test_agents_see_the_calls_they_took_part_in(self):
        clara = self.new_agent("clara")
        self.assertSeen(self.anna, True)
        self.assertSeen(self.boris, False)
        self.assertSeen(clara, False)
        # Rang, but did not speak.
        self.call = self.tell("ring_group", pbx_call_id="in_group")[-1]
        self.assertSeen(self.boris, True)
        self.assertSeen(clara, False)
        self.assertSeen(self.supervisor, True)

    def test_agents_export_what_their_list_shows(self):
        """The name of a colleague's lead, too, and nothing else of it."""
        lead = self.env["crm.lead"].create(
            {"name": "Boris's deal", "user_id": self.boris.id, "email_from": "a@b.test"}
        )
        self.call.lead_id = lead
        self.anna.group_ids += self.env.ref("base.group_allow_export")
        calls = self.env["pbx.call"].with_user(self.anna)
        self.assertFalse(lead.with_user(self.anna).has_access("read"))
        self.assertIn(self.call, calls.search([]))
        names = ["lead_id", "leg_ids/number", "user_id", "number", "partner_id"]
        [row, *_rest] = calls.browse(self.call.id).export_data(names)["datas"]
        exported = self.env["pbx.call"].browse(self.call.id)
        self.assertEqual(
            row,
            [
                lead.display_name,
                exported.leg_ids[0].number,
                exported.user_id.display_name,
                exported.number,
                exported.partner_id.display_name,
            ],
        )
        with self.assertRaises(AccessError):
            calls.browse(self.call.id).export_data(["lead_id/email_from"])

    def test_agents_see_their_customers_calls(self):
        self.assertSeen(self.boris, False)
        self.partner.user_id = self.boris
        self.assertSeen(self.boris, True)

    def test_agents_see_calls_of_their_customers_contacts(self):
        company = self.new_partner("Baltic", False, is_company=True)
        company.user_id = self.boris
        contact = self.new_partner("Clerk", "020 7946 0303", parent_id=company.id)
        self.call = self.tell("missed", caller="+442079460303", extension="777")[-1]
        self.assertEqual(self.call.partner_id, contact)
        self.assertSeen(self.boris, True)
        self.assertSeen(self.anna, False)

    def test_agents_see_their_leads_calls(self):
        self.env["crm.lead"].create(
            {
                "name": "Rope",
                "phone": "020 7946 0304",
                "country_id": self.gb.id,
                "user_id": self.boris.id,
                "company_id": self.company.id,
            }
        )
        self.call = self.tell("missed", caller="+442079460304", extension="777")[-1]
        self.assertSeen(self.boris, True)
        self.assertSeen(self.anna, False)

    def test_recordings_are_heard_by_supervisors_and_the_people_of_the_call(self):
        recording = self.call.recording_ids
        recording.write({"audio": "YXVkaW8=", "state": "stored"})
        audio = self.env["ir.attachment"].search(
            [("res_model", "=", "pbx.recording"), ("res_field", "=", "audio"),
             ("res_id", "=", recording.id)]
        )  # fmt: skip
        self.partner.user_id = self.boris
        self.assertSeen(self.boris, True)
        administrator = self.roles["administrator"]
        for user, heard in (
            (self.anna, True),
            (self.supervisor, True),
            (self.boris, False),
            (administrator, False),
            (self.roles["internal"], False),
        ):
            with self.subTest(user=user.name):
                mine = recording.with_user(user)
                file = audio.with_user(user)
                if heard:
                    self.assertEqual(mine.audio, b"YXVkaW8=")
                    self.assertEqual(file.read(["datas"])[0]["datas"], b"YXVkaW8=")
                    continue
                for look in (
                    lambda one=mine: one.audio,
                    lambda one=file: one.datas,
                    lambda one=file: one.read(["datas"]),
                ):
                    with self.assertRaises(AccessError):
                        look()
                if user == self.boris:
                    self.assertFalse(self.call.with_user(user).recording_ids)
                    self.assertFalse(mine.search([("id", "=", recording.id)]))

    def test_a_voicemail_is_heard_by_whoever_calls_back(self):
        """A missed call of one's own customer; never a talk with it."""
        self.partner.user_id = self.boris
        told = {"extension": "777", "pbx_call_id": "in_v"}
        # Lately: for what was lost long ago nobody calls back.
        missed = self.tell("voicemail", fields.Datetime.now(), **told)[-1]
        voicemail = missed.recording_ids
        self.assertEqual((missed.outcome, len(voicemail)), ("missed", 1))
        self.assertEqual(missed.partner_id, self.partner)
        talk = self.call.recording_ids
        recordings = voicemail | talk
        self.assertTrue(talk)

        def heard(user):
            self.env.flush_all()
            self.env.invalidate_all()
            mine = self.env["pbx.recording"].with_user(user)
            found = mine.search([("id", "in", recordings.ids)])
            for one in recordings:
                self.assertEqual(bool(mine._find_readable(one.id)), one in found)
            return found.with_env(self.env)

        self.assertEqual(heard(self.boris), voicemail)
        self.assertEqual(missed.with_user(self.boris).voicemail_id, voicemail)
        self.assertEqual(heard(self.anna), talk, "no customer of hers")
        self.partner.user_id = self.anna
        self.assertEqual(heard(self.anna), recordings)
        self.assertEqual(heard(self.boris), voicemail, "he calls back")
        missed.promise_id.with_user(self.supervisor).user_id = self.anna
        self.assertFalse(heard(self.boris))
        lead = self.env["crm.lead"].create(
            {"name": "Rope", "user_id": self.boris.id, "company_id": self.company.id}
        )
        (missed | self.call).lead_id = lead
        self.assertEqual(heard(self.boris), voicemail, "the lead is his")
        # Somebody answered after all, says the history.
        missed.outcome = "answered"
        self.assertFalse(heard(self.boris))

    def test_contacts_tell_no_more_than_the_calls(self):
        """Neither counts nor searches through a contact reveal foreign calls."""
        self.call.note = "secret of the two"
        mine = self.partner.with_user(self.boris)
        self.assertEqual(mine.pbx_call_count, 0)
        self.assertFalse(mine.pbx_call_ids)
        self.assertFalse(mine.pbx_last_call_ids)
        domain = [("id", "=", mine.id), ("pbx_call_ids.note", "ilike", "secret")]
        self.assertFalse(mine.search(domain))
        self.assertTrue(mine.with_user(self.anna).search(domain))
        for user in (self.roles["internal"], self.roles["portal"]):
            with self.assertRaises(AccessError):
                self.env["res.partner"].with_user(user).search(domain)
            with self.assertRaises(AccessError):
                self.partner.with_user(user).read(["pbx_call_count"])
        # Without a phone group, contacts open as ever.
        fields = self.partner.with_user(self.roles["internal"]).fields_get()
        self.assertFalse([name for name in fields if name.startswith("pbx_")])

    def test_nobody_links_what_they_may_not_see(self):
        """A link shows the name of what it leads to, to whoever reads the call."""
        colleague_s = self.env["crm.lead"].create(
            {"name": "Secret merger", "user_id": self.boris.id, "type": "opportunity"}
        )
        hidden = self.new_partner("Hidden person", "020 7946 0999", company_id=False)
        self.env["ir.rule"].create(
            {
                "name": "Nobody sees it",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "domain_force": f"[('id', '!=', {hidden.id})]",
                "groups": [(4, self.env.ref("cloud_pbx.group_pbx_user").id)],
            }
        )
        mine = self.call.with_user(self.anna)
        for name, record in (("lead_id", colleague_s), ("partner_id", hidden)):
            self.assertFalse(record.with_user(self.anna).has_access("read"))
            for link in (
                lambda n, r: mine.write({n: r.id}),
                lambda n, r: mine.web_save(
                    {n: r.id}, {n: {"fields": {"display_name": {}}}}
                ),
                lambda n, r: mine.update({n: r.id}),
                lambda n, r: (
                    self.env["pbx.desk"]
                    .with_user(self.anna)
                    .pick_contact(mine.id, hidden.id)
                ),
                lambda n, r: mine.onchange(
                    {n: r.id}, [n], {n: {"fields": {"display_name": {}}}}
                )["value"],
                lambda n, r: mine.search([(f"{n}.name", "ilike", r.name)]).ensure_one(),
                lambda n, r: mine.search([(n, "ilike", r.name)]).ensure_one(),
                lambda n, r: (
                    mine.load(["id", f"{n}/.id"], [[str(mine.id), str(r.id)]])["ids"]
                    or self.fail("refused")
                ),
            ):
                with self.fresh(name):
                    told = ""
                    try:
                        told = link(name, record)
                    except (AccessError, ValueError, AssertionError) as refused:
                        told = refused
                    self.assertNotIn(record.name, str(told))
                    self.env.invalidate_all()
                    self.assertNotEqual(self.call[name], record)
        lead = colleague_s.copy({"user_id": self.anna.id, "name": "Own"})
        mine.lead_id = lead
        self.assertEqual(self.call.lead_id, lead)

    # --------------------------------------------------------------------- companies

    def test_companies_do_not_see_each_other(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        groups = "cloud_pbx.group_pbx_manager,base.group_system"
        theirs = self.new_user("their_admin", groups, other)
        for model, record in self.records.items():
            if not any(MATRIX[model]) or model == "pbx.call.ref":
                continue  # for nobody, or for no company
            with self.subTest(model):
                mine = record.with_user(theirs).with_context(
                    allowed_company_ids=other.ids
                )
                self.assertFalse(mine.search([("id", "in", record.ids)]))
                with self.assertRaises(AccessError):
                    mine.read(["display_name"])
        # Who is in both sees what the company switcher says.
        self.supervisor.company_ids |= other
        call = self.call.with_user(self.supervisor)
        here = call.with_context(allowed_company_ids=self.company.ids)
        there = call.with_context(allowed_company_ids=other.ids)
        domain = [("number", "=", CALLER), ("id", "=", call.id)]
        self.assertTrue(here.search(domain))
        self.assertFalse(there.search(domain))
