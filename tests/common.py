"""What the tests share: a company with its cloud PBX and people, and a PBX that talks.

Tests speak of events and calls. How an event is signed and posted is here, and how one
is put into the inbox with a given time of receipt, where times are what is tested.
"""

import json
import logging
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import datetime, timedelta

from odoo import SUPERUSER_ID
from odoo.tests import HttpCase, TransactionCase, new_test_user

from ..hooks import post_load
from ..models.inbox import pbx_event
from ..models.tools import seldom
from ..telephony.zadarma.signature import sign_event

try:
    from ..dev.fake_zadarma import scenarios
except ImportError:  # a release comes without its developers' tools
    from . import scenarios

CALLER, LINE = "+442079460201", "+442079460900"
TYPED = "020 7946 0201"
SECRET = "s3cr3t-of-the-first"
# A day without a change of any clock; London is at UTC+1.
NOON = datetime(2026, 6, 16, 12, 0, 0)
LOCAL_NOON = "2026-06-16 13:00:00"
REF = "in_" + "a1" * 20
# In which a PBX that asks where a call goes is answered, however busy the machine is.
DECIDED_SECONDS = 60

# pytest imports the addon before Odoo loads it, and Odoo then leaves the hook out.
post_load()

OUR_MODELS = (
    "pbx.provider",
    "pbx.extension",
    "pbx.call",
    "pbx.call.leg",
    "pbx.recording",
    "pbx.event",
    "pbx.event.proof",
    "pbx.call.ref",
    "pbx.rematch",
    "pbx.phone.number",
    "pbx.phone.scan",
    "pbx.rate",
    "pbx.assignment",
    "pbx.backfill",
    "pbx.request",
    "pbx.check",
    "pbx.former.url",
    "pbx.line",
    "pbx.subscription",
    "pbx.replay",
    "pbx.history",
    "pbx.promise",
    "pbx.route",
    "pbx.menu",
    "pbx.menu.choice",
    "pbx.blocked",
    "pbx.call.tag",
    "pbx.route.sent",
    "pbx.erased",
    "pbx.chatter",
)


class _Lines(logging.Handler):
    def __init__(self):
        super().__init__()
        self.texts = []

    def emit(self, record):
        self.texts.append(self.format(record))

    def __str__(self):
        return "\n".join(self.texts)


@contextmanager
def log_lines(*names, level=logging.INFO):
    """Collect what is logged, tracebacks included, and keep it out of the run's log.

    ``str()`` of what is given is all of it.
    """
    handler = _Lines()
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    loggers = [logging.getLogger(name) for name in names or ("odoo", "werkzeug")]
    before = [(one, one.level, one.propagate, one.handlers) for one in loggers]
    children = [
        (one, one.level)
        for name, one in logging.Logger.manager.loggerDict.items()
        if isinstance(one, logging.Logger) and one.level
        if name.startswith(tuple(f"{logger.name}." for logger in loggers))
    ]
    try:
        for logger in loggers:
            logger.handlers, logger.propagate = [handler], False
            logger.setLevel(level)
        for child, _level in children:
            child.setLevel(level)
        yield handler
    finally:
        for logger, old_level, propagate, handlers in before:
            logger.handlers, logger.propagate = handlers, propagate
            logger.setLevel(old_level)
        for child, old_level in children:
            child.setLevel(old_level)


class PbxCase(TransactionCase):
    """A company in London with a running cloud PBX: 100 is Anna, 101 is Boris.

    It is apart from all demo data: what is there besides does not matter.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # A machine that does other work decides in time, too.
        cls.classPatch(pbx_event, "DEADLINE_SECONDS", DECIDED_SECONDS)
        # Nobody but a test's own people has a number.
        for table in ("res_partner", "crm_lead"):
            cls.env.cr.execute(
                f"UPDATE {table} SET phone = NULL, phone_sanitized = NULL"
            )
        cls.env.cr.execute("DELETE FROM pbx_phone_number")
        cls.env.invalidate_all()
        cls.gb = cls.env.ref("base.uk")
        cls.company = cls.env["res.company"].create(
            {"name": "Harbour Ltd", "country_id": cls.gb.id}
        )
        cls.env = cls.env(
            context={**cls.env.context, "allowed_company_ids": cls.company.ids}
        )
        cls.anna = cls.new_agent("anna")
        cls.boris = cls.new_agent("boris")
        cls.supervisor = cls.new_user(
            "supervisor", "cloud_pbx.group_pbx_manager,base.group_partner_manager"
        )
        cls.robot = cls.supervisor  # “run as”
        cls.provider = cls.new_provider(cls.company, cls.robot, SECRET)
        cls.extension = cls.new_extension("100", cls.anna)
        cls.extension_2 = cls.new_extension("101", cls.boris)

    @classmethod
    def _request_handler(cls, s, r, /, **kw):
        # Odoo's own compares the time-out with a number; ours may be a pair.
        if isinstance(kw.get("timeout"), tuple):
            kw["timeout"] = max(kw["timeout"])
        return super()._request_handler(s, r, **kw)

    @classmethod
    def new_user(cls, name, groups, company=None):
        company = company or cls.company
        return new_test_user(
            cls.env,
            login=f"pbx_{name}_{company.id}",
            name=name.capitalize(),
            groups=groups,
            company_id=company.id,
            company_ids=[(6, 0, company.ids)],
        )

    @classmethod
    def new_agent(cls, name, company=None):
        """An agent as most are: a salesperson with a phone."""
        return cls.new_user(
            name,
            "cloud_pbx.group_pbx_user,sales_team.group_sale_salesman,"
            "base.group_partner_manager",
            company,
        )

    @classmethod
    def new_provider(cls, company, user, secret, **values):
        return cls.env["pbx.provider"].create(
            {
                "name": f"PBX of {company.name}",
                "company_id": company.id,
                "user_id": user.id,
                "api_key": f"key-{secret}",
                "api_secret": secret,
                "country_id": cls.gb.id,
                "tz": "Europe/London",
                **values,
            }
        )

    @contextmanager
    def in_two_transactions(self):
        """Yield one cloud PBX as two transactions see it, besides the test's own: who
        commits is seen by the other from its next transaction on."""
        with ExitStack() as stack:
            # One that both see: that of this test's transaction is its own.
            one, two = (
                self.env(
                    cr=stack.enter_context(self.registry.cursor()),
                    user=SUPERUSER_ID,
                    context={},
                )["pbx.provider"]
                for _each in range(2)
            )
            company = one.env["res.company"].search([], limit=1)
            provider = one.create(
                {"name": "Two at once", "company_id": company.id, "active": False}
            )
            one.env.cr.commit()
            try:
                yield provider, two.browse(provider.id)
            finally:
                two.env.cr.rollback()
                provider.unlink()
                one.env.cr.commit()

    @classmethod
    def new_extension(cls, number, users, provider=None, **values):
        return cls.env["pbx.extension"].create(
            {
                "number": number,
                "provider_id": (provider or cls.provider).id,
                "user_ids": [(6, 0, users.ids)],
                **values,
            }
        )

    @classmethod
    def new_partner(cls, name="Olga Petrova", phone=TYPED, **values):
        return cls.env["res.partner"].create(
            {"name": name, "phone": phone, "country_id": cls.gb.id, **values}
        )

    @contextmanager
    def fresh(self, *words, **parameters):
        """A case of a table: a subtest of which nothing is left for the next one."""
        with self.subTest(" ".join(map(str, words)), **parameters):
            savepoint = self.env.cr.savepoint()
            try:
                yield
            finally:
                savepoint.rollback()
                self.env.registry.clear_cache()

    # ---------------------------------------------------------------- looking

    def calls(self, provider=None):
        self.env.invalidate_all()
        return self.env["pbx.call"].search(
            [("provider_id", "=", (provider or self.provider).id)], order="id"
        )

    def the_call(self, provider=None):
        call = self.calls(provider)
        self.assertEqual(len(call), 1, "one call, however many events")
        return call

    def events(self, *types, provider=None):
        self.env.invalidate_all()
        domain = [("provider_id", "=", (provider or self.provider).id)]
        if types:
            domain.append(("event_type", "in", types))
        return self.env["pbx.event"].search(domain, order="id")

    # -------------------------------------------------------------- happening

    def put(self, steps, received=NOON, gap=None, provider=None):
        """Put events into the inbox as if they had been received; apply nothing.

        :param steps: of a scenario; each comes its ``delay`` (or ``gap`` seconds) after
            the one before, the first at ``received``.
        """
        provider = provider or self.provider
        at, events = received, self.env["pbx.event"]
        for place, step in enumerate(steps):
            if place:
                at += timedelta(seconds=step.delay if gap is None else gap)
            events += events.create(
                {
                    "provider_id": provider.id,
                    "event_type": step.event,
                    "ref": step.fields.get("pbx_call_id", ""),
                    "payload": json.dumps(step.fields),
                    "received_at": at,
                }
            )
        return events

    def tell(self, name, received=NOON, gap=None, provider=None, **parameters):
        """Have a scenario received at ``received`` and after, and applied.

        :return: the provider's calls.
        """
        parameters.setdefault("call_start", LOCAL_NOON)
        steps = scenarios.scenario(name, **parameters)
        self.put(steps, received, gap, provider)
        self.run_job("apply_events")
        return self.calls(provider)

    def run_job(self, name):
        """Run one of our jobs as the scheduler does."""
        self.env.flush_all()
        self.env.cr.flush()  # what waits for the commit, such as queueing
        running = type(self)._registry_patched
        with nullcontext() if running else self.enter_registry_test_mode():
            job = self.env.ref(f"cloud_pbx.ir_cron_{name}")
            self.assertIs(job.with_user(1).method_direct_trigger(), True, "it failed")
        self.env.invalidate_all()

    def legs(self, call):
        """What each extension did: ``{"100": "answered", "101": False}``."""
        return {leg.number: leg.outcome for leg in call.leg_ids}

    def assertCall(self, call, **expected):
        """Compare fields of a call; records are given as records."""
        self.assertEqual(len(call), 1, "one call, however many events")
        self.assertEqual({name: call[name] for name in expected}, expected)


class PbxHttpCase(PbxCase, HttpCase):
    """The same, and the PBX posts to the real webhook."""

    def setUp(self):
        super().setUp()
        seldom.forget()

    def url_of(self, provider=None):
        provider = provider or self.provider
        return f"/pbx/zadarma/{provider.webhook_token}"

    def post(self, event, fields=None, provider=None, secret=None, url=None, **more):
        """Sign and post an event as Zadarma does; return the response.

        ``secret=False`` leaves the signature out.
        """
        fields = {"event": event, **(fields or {}), **more}
        provider = provider or self.provider
        headers = {}
        if secret is not False:
            secret = secret or provider.api_secret
            headers["Signature"] = sign_event(event, fields, secret)
        response = self.url_open(
            url or self.url_of(provider), data=fields, headers=headers
        )
        self.env.invalidate_all()
        return response

    def play(self, name, provider=None, **parameters):
        """Post all events of a scenario; return the provider's calls."""
        for step in scenarios.scenario(name, **parameters):
            response = self.post(step.event, step.fields, provider)
            self.assertEqual(response.status_code, 200, step.event)
        return self.calls(provider)
