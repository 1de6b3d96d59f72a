"""“Connect” and “Disconnect”: setting a PBX up to send its events here, and back.

Each step can be taken again at any time: it changes what differs, and says what that
was. Which steps a PBX has, its dialect declares.
"""

import dataclasses
import logging
import time
from contextlib import nullcontext
from dataclasses import dataclass
from urllib.parse import urlsplit

from odoo import fields
from odoo.exceptions import UserError
from odoo.tools import format_list

from ...telephony import dialect as dialects
from ...telephony import errors
from ..history.replay import WAIT_SECONDS, Outcome, Replay
from ..tools.notification import notification
from ..tools.transactions import in_own_transaction, try_lock

_logger = logging.getLogger(__name__)

# Without these nothing works; the others are a loss, no stop.
ESSENTIAL_STEPS = ("keys", "address", "notifications", "events")
# What came of a step that needs nobody.
FINE_STATES = ("ok", "warning")
# Those that show that the PBX sends its events here.
REACHING_STEPS = ("address", "events")
# After so long no other step is begun while a person waits; a job has more time.
PERSON_SECONDS, JOB_SECONDS = 25, 120
# Extensions whose details are asked for while a person waits; the job does the rest.
MAX_DETAILS_FOR_A_PERSON = 20
# Numbers that are named in one sentence.
MAX_NAMED = 20
# Until what could not be subscribed to is tried again.
SUBSCRIBE_PAUSE_MINUTES = (1, 2, 5, 10)
# No PBX needs so many questions for what it is to send.
MAX_SUBSCRIBE_QUESTIONS = 100
# For so long a person who switches a PBX off waits for its answer.
END_SECONDS = 10


@dataclass(frozen=True)
class StepResult:
    """What came of a step; ``state`` as in ``pbx.check``, ``changes`` are sentences."""

    state: str
    message: str
    changes: tuple = ()


class Connect:
    """One run of all steps for one provider.

    :param provider: the record, with the rights to write what is found.
    :param bool urgent: a person waits.
    """

    def __init__(self, provider, urgent=False):
        self.provider, self.env = provider, provider.env
        self.urgent = urgent
        self.dialect, self.account = provider._open_api(urgent)
        self.ends_at = time.monotonic() + (PERSON_SECONDS if urgent else JOB_SECONDS)
        self._setup = None
        # What the PBX listed already in this run; ``None``: it was not asked.
        self._listed = None

    @property
    def is_late(self):
        return time.monotonic() > self.ends_at

    def setup(self):
        """Return what the PBX is set to, asked for once."""
        if self._setup is None:
            self._setup = self.dialect.fetch_setup(self.account)
        return self._setup

    # --------------------------------------------------------------------- the run

    def run_for_a_person(self):
        """Take all steps; return the notification that says what came of them."""
        checks = self.run()
        if not checks:
            return notification(self.env._("It is being connected at this moment."))
        failed = checks.filtered(lambda check: check.state == "failed")
        troubles = failed | checks.filtered(lambda check: check.state == "warning")
        waiting = checks.filtered(lambda check: check.state == "waiting")
        # The list stands on the page: what is said here is where to look.
        labels = ", ".join(one._label() for one in troubles or waiting)
        if any(one.step in ESSENTIAL_STEPS for one in failed):
            sentence = self.env._("Connecting failed. Please look at: %s", labels)
            return notification(sentence, "danger", sticky=True)
        if any(one.step in ESSENTIAL_STEPS for one in waiting):
            labels = ", ".join(one._label() for one in waiting)
            return notification(self.env._("Continues automatically: %s", labels))
        if troubles:
            sentence = self.env._("Connected. Please look at: %s", labels)
            return notification(sentence, "danger" if failed else "warning")
        if waiting:
            return notification(self.env._("Continues automatically: %s", labels))
        return notification(
            self.env._("Connected. The list says what was changed.")
            if any(checks.mapped("detail"))
            else self.env._("Connected. Nothing had to be changed."),
            "success",
        )

    def run(self):
        """Take all steps and write the check list; return its rows.

        None, if somebody else takes them at this moment.
        """
        checks, provider = self.env["pbx.check"], self.provider
        # No lock of the row: events that come in meanwhile would wait for it.
        if not self.try_lock():
            return checks
        rest, results = None, {}
        for step in self.dialect.connect_steps:
            if rest is None and self.is_late:
                self.provider._wake_refresh(5)
                rest = StepResult(
                    "waiting", self.env._("The PBX is slow; this goes on.")
                )
            if rest:
                results[step] = rest
            else:
                results[step], rest = self.take_step(step)
        # A step that waits has given the lock back.
        if not self.try_lock():
            return checks
        phones = results.get("extensions", rest)
        results["users"] = phones if phones is rest and rest else users_step(provider)
        checks = checks._write_results(self.provider, results)
        self.provider._update_state()
        return checks

    def try_keys_again(self):
        """Take the first step alone, and write its row of the check list."""
        # Whoever takes all steps at this moment takes this one as well.
        if self.try_lock():
            result, _rest = self.take_step("keys")
            self.env["pbx.check"]._write_results(self.provider, {"keys": result})

    def try_lock(self):
        """Let nobody else change what is set up, until this transaction ends.

        :return: whether nobody does at this moment.
        """
        return _try_lock(self.provider)

    def take_step(self, step):
        """Return a step's :class:`StepResult`, and that of the rest if it ends here."""
        try:
            # One that waits commits, to hold nothing meanwhile.
            whole = step not in WAITING_STEPS
            with self.env.cr.savepoint() if whole else nullcontext():
                result = STEPS[step](self)
        except dialects.NotOffered as error:
            return StepResult("skipped", self.provider._explain(error)), None
        except errors.RateLimited as error:
            self.provider._wake_refresh(error.retry_after)
            waiting = StepResult(
                "waiting",
                self.env._(
                    "The PBX was asked as often as it allows. This continues "
                    "automatically in %s seconds.",
                    error.retry_after,
                ),
            )
            return waiting, waiting
        except errors.PbxError as error:
            failed = StepResult("failed", self.provider._explain(error))
            is_final = self._is_final(error) or (
                # What answers a question that all steps need is no such PBX.
                step == "keys"
                and not self.dialect.has_balance
                and isinstance(error, errors.BadAnswer)
            )
            return failed, self._not_tried() if is_final else None
        no_keys = step == "keys" and result.state == "failed"
        return result, self._not_tried() if no_keys else None

    def _not_tried(self):
        return StepResult("skipped", self.env._("Not tried."))

    def _is_final(self, error):
        """Tell whether it is no use to ask anything else now."""
        if isinstance(error, errors.WrongKey | errors.AddressNotAllowed):
            return True
        # Who has answered before may do so again; the time for it ends by itself.
        return (
            isinstance(error, errors.Unreachable) and not self.account.wire.has_answered
        )

    # -------------------------------------------------------------- keys and clock

    def keys(self):
        """Are key and secret right, and how much money is left?"""
        provider = self.provider
        missing = provider._missing_fields()
        if missing:
            return StepResult("failed", provider._missing_sentence(missing))
        if wrong := provider._wrong_settings():
            return StepResult("failed", wrong)
        try:
            return self._try_keys()
        except errors.WrongKey:
            if self._are_swapped():
                return StepResult("failed", self._swapped_sentence())
            raise

    def _are_swapped(self):
        """Tell whether the PBX takes the keys exchanged.

        What stands in the one field has just been sent as the key. What stands in the
        other one goes to the same PBX, whose own it is, and never in clear text over
        the internet.
        """
        server, exchanged = self.provider.server_url, self.dialect.swapped(self.account)
        is_safe = server.startswith("https:") or self.provider._is_inside(server)
        if not (self.urgent and exchanged and is_safe):
            return False
        try:
            self.dialect.verify_access(exchanged)
        except (errors.PbxError, dialects.NotOffered):
            return False
        return True

    def _swapped_sentence(self):
        labels = [self.provider._label_of(name) for name in self.dialect.needs]
        return self.env._(
            "%(fields)s look swapped: %(pbx)s accepts them the other way round. Swap "
            "them, then press “Connect”.",
            fields=format_list(self.env, labels),
            pbx=self.dialect.label,
        )

    def _try_keys(self):
        """Ask something that needs the right keys; return what came of it."""
        provider, name = self.provider, self.dialect.label
        if not self.dialect.has_balance:
            self._listed = self.dialect.verify_access(self.account)
            provider._keys_are_good()
            labels = [provider._label_of(one) for one in self.dialect.needs]
            message = self.env._("%s answers.", name)
            if labels:
                message = self.env._(
                    "%(pbx)s accepts: %(fields)s",
                    pbx=name,
                    fields=format_list(self.env, labels),
                )
            return StepResult("ok", message)
        provider._note_balance(self.dialect.fetch_balance(self.account))
        provider._keys_are_good()
        message = self.env._(
            "%(pbx)s accepts the keys. Balance: %(balance)s",
            pbx=name,
            balance=provider.balance,
        )
        low = provider._low_balance()
        if low:
            return StepResult("warning", f"{message}\n{low}")
        return StepResult("ok", message)

    def clock(self):
        """At which offset from UTC does the PBX write its times?"""
        provider, before = self.provider, self.provider.utc_offset
        offset = self.dialect.fetch_offset(self.account)
        try:
            dialects.fixed_zone(offset)
        except ValueError as error:
            raise errors.BadAnswer(str(error)) from error
        changes = ()
        if provider._write_changes({"utc_offset": offset}) and before:
            changes = (
                self.env._(
                    "Offset: %(new)s instead of %(old)s", new=offset, old=before
                ),
            )
        if provider.tz and not provider._offset_agrees():
            return StepResult("warning", provider._clock_sentence(), changes)
        if provider.tz:
            message = self.env._("The clock of the PBX is at %s.", offset)
        else:
            message = self.env._(
                "The clock of the PBX is at %s. Choose the time zone of the account as "
                "well: an offset does not follow daylight saving time.",
                offset,
            )
        return StepResult("ok", message, changes)

    # --------------------------------------------------------------------- address

    def address(self):
        """Have the PBX send its events here."""
        provider = self.provider
        own = provider.webhook_url
        if not own:
            return StepResult(
                "failed",
                self.env._("There is no address: enter an external address first."),
            )
        if self.dialect.subscribes and not provider.is_running:
            return StepResult("failed", provider._inactive_sentence())
        try:
            before = self.setup().url
        except dialects.NotOffered:
            before = None
        foreign = before if before and not provider._is_own_address(before) else ""
        if foreign:
            self._keep_former(foreign)
        try:
            # Also where it is set already: the PBX tries it anew, and reports back.
            is_whole = self.subscribe()
        except (errors.BadParameter, errors.NotFound) as error:
            return StepResult("failed", self._explain_refused(error))
        except (errors.Unreachable, errors.RateLimited) as error:
            if not self.dialect.subscribes:
                raise
            subscriptions = self.env["pbx.subscription"].sudo()
            subscriptions._note_failure(
                provider, SUBSCRIBE_PAUSE_MINUTES, getattr(error, "retry_after", 0)
            )
            return self.not_yet(error)
        if not is_whole:
            return StepResult("waiting", self.env._("The PBX is slow; this goes on."))
        return self._connected(before, foreign)

    def _connected(self, before=None, foreign=""):
        """Note that the PBX sends its events here now; return what came of the step.

        :param before: the address that the PBX had, ``""`` for none; ``None``: it does
            not tell.
        :param str foreign: the same, where it was not ours.
        """
        provider, own = self.provider, self.account.webhook_url
        values = {"connected_url": own, "connected_at": fields.Datetime.now()}
        host = urlsplit(own).netloc
        message = self.env._("The PBX reaches this Odoo at %s.", host)
        if self.dialect.subscribes:
            # What was ticked or entered is part of the subscription.
            values |= {"events_changed": False, "disconnected_at": False}
            message = self.env._(
                "Subscribed: the PBX sends its events to %s. Odoo renews this in time.",
                host,
            )
        provider._write_changes(values)
        changes = self._changes_of_address(before, foreign, host)
        if warnings := self._address_warnings(foreign):
            return StepResult("warning", "\n".join([message, *warnings]), changes)
        return StepResult("ok", message, changes)

    def not_yet(self, error):
        """Return the result of a step that the job takes again."""
        until = self.provider.subscribed_until
        if until and until > fields.Datetime.now():
            # What was set up before still holds.
            return StepResult(
                "waiting",
                self.env._(
                    "The subscription could not be renewed yet: %s Odoo tries again "
                    "automatically.",
                    as_sentence(self.provider._explain(error)),
                ),
            )
        return StepResult(
            "waiting",
            self.env._(
                "The PBX does not send its events yet: %s Odoo tries again "
                "automatically.",
                as_sentence(self.provider._explain(error)),
            ),
        )

    # ---------------------------------------------------------------- subscriptions

    def subscribe(self, renew=False):
        """Ask the PBX to send its events, keep what it gave, and give back the former.

        Whoever calls it has the lock. What the PBX gave is committed before anything
        else is asked; whatever stops this in between, the next run puts right.

        :param bool renew: what was set up before is still there.
        :return: whether all is set up; else there is no time left, and the job goes on.
        """
        subscriptions = self.env["pbx.subscription"].sudo()
        current = subscriptions._read_now(self.provider) or {}
        supersedes = current.get("details") or {}
        self._remember(supersedes)
        is_there = renew and supersedes
        ask = self.dialect.keep_alive if is_there else self.dialect.connect
        for _question in range(MAX_SUBSCRIBE_QUESTIONS):
            remembered = self._ask_to_send(ask)
            if remembered is None:
                return True
            subscriptions._store(self.provider, remembered, supersedes)
            supersedes = None
            self._remember(remembered.values)
            if not remembered.more:
                break
            if self.is_late:
                return False
        _release_superseded(self.provider, self.dialect, self.account)
        return True

    def _ask_to_send(self, ask):
        """Return what ``ask(account)`` does; meanwhile unknown events are let in."""
        if not self.dialect.subscribes:
            return ask(self.account)
        subscriptions = self.env["pbx.subscription"].sudo()
        subscriptions._expect(self.provider)
        try:
            remembered = ask(self.account)
        except Exception:
            subscriptions._expect_no_more(self.provider)
            raise
        if remembered is None:
            subscriptions._expect_no_more(self.provider)
        return remembered

    def _remember(self, memory):
        self.account = dataclasses.replace(self.account, memory=memory)

    def renew(self):
        """Renew what is about to end; take the steps again that had failed.

        What was asked is kept, and nothing of it noted: see ``note_renewed``.

        :return: ``{step: StepResult}`` of those, and whether all is set up.
        :raises PbxError: it could not be renewed.
        """
        provider, results = self.provider, {}
        states = {one.step: one.state for one in provider.check_ids}
        if states.get("keys", "ok") not in FINE_STATES:
            results["keys"] = self.keys()
            if results["keys"].state == "failed":
                raise errors.WrongKey(results["keys"].message)
        # Another address is for a person to connect, who knows that it is right.
        address = provider.connected_url or self.account.webhook_url
        self.account = dataclasses.replace(self.account, webhook_url=address)
        return results, self.subscribe(renew=True)

    def note_renewed(self, results, is_whole):
        """Note what ``renew`` returned; add the step that is right again by it."""
        provider = self.provider
        states = {one.step: one.state for one in provider.check_ids}
        if "keys" in results:
            # Also where what was noted with the question was undone.
            provider._keys_are_good()
        if not is_whole:
            return
        if states.get("address") not in FINE_STATES or not provider.connected_at:
            results["address"] = self._connected()
        elif provider.events_changed:
            provider.events_changed = False

    def _keep_former(self, address):
        """Keep where the events went before, whatever becomes of our transaction."""
        if self.provider.former_url == address:
            return
        values = {
            "provider_id": self.provider.id,
            "url": address,
            "at": fields.Datetime.now(),
        }
        # sudo: written by the code alone, read by administrators
        in_own_transaction(
            self.env, lambda env: env["pbx.former.url"].sudo().create(values).id
        )

    def _changes_of_address(self, before, foreign, host):
        if foreign:
            return (
                self.env._(
                    "Updated: this Odoo's address instead of one at %s.",
                    urlsplit(foreign).netloc,
                ),
            )
        if before == "":
            return (self.env._("Added: events are sent to %s.", host),)
        if before is not None and before != self.provider.webhook_url:
            return (self.env._("Updated: an earlier address of this Odoo."),)
        return ()

    def _explain_refused(self, error):
        if self.dialect.subscribes:
            return self.provider._explain(error)
        return self.env._(
            "%(pbx)s tried the webhook address and does not take it (%(detail)s). It "
            "has to reach this Odoo from outside: compare external address and port, "
            "or press “Check”.",
            pbx=self.dialect.label,
            detail=error.detail,
        )

    def _address_warnings(self, foreign):
        """Return what is wrong with the address although it works.

        :param str foreign: where the events went before, if that was another Odoo's or
            somebody else's.
        """
        provider, warnings = self.provider, []
        if foreign:
            warnings.append(
                self.env._(
                    "Before, the PBX sent its events to %s. That integration gets none "
                    "any more; its address is kept on the page “Address”.",
                    urlsplit(foreign).netloc,
                )
            )
        if not provider.is_running:
            warnings.append(provider._inactive_sentence())
        inside = provider._is_inside(provider.webhook_url)
        if inside and provider._is_inside(provider.server_url):
            warnings.append(
                self.env._(
                    "Both are inside your own network. A PBX on the internet cannot "
                    "reach this address."
                )
            )
        elif inside:
            warnings.append(provider._inside_sentence())
        if urlsplit(provider.webhook_url).scheme == "http":
            warnings.append(
                self.env._(
                    "The address is plain HTTP: who called whom can be read on the "
                    "way. HTTPS is better."
                )
            )
        return warnings

    # --------------------------------------------------------------- notifications

    def notifications(self):
        """Switch on the events that are ticked, and off the others."""
        provider = self.provider
        wanted = {
            name: provider[f"notify_{name}"] for name in self.dialect.notifications
        }
        present = self.setup().notifications
        differing = {
            name: on for name, on in wanted.items() if present.get(name) is not on
        }
        if differing:
            self.dialect.switch_notifications(self.account, differing)
        changes = []
        for state, sentence in (
            (True, self.env._("Switched on: %s")),
            (False, self.env._("Switched off: %s")),
        ):
            labels = [
                provider._fields[f"notify_{name}"]._description_string(self.env)
                for name, on in differing.items()
                if on is state
            ]
            if labels:
                changes.append(sentence % ", ".join(labels))
        provider._write_changes({"events_changed": False})
        if missing := provider._missing_notifications():
            return StepResult("warning", "\n".join(missing), tuple(changes))
        return StepResult(
            "ok",
            self.env._(
                "%(on)s of %(all)s kinds of events are sent.",
                on=sum(wanted.values()),
                all=len(wanted),
            ),
            tuple(changes),
        )

    # --------------------------------------------------------- extensions and lines

    def extensions(self):
        """Take over the internal numbers of the PBX."""
        provider = self.provider
        identity = self.dialect.extension_identity
        # By what the PBX names them: a person may have entered another number.
        listed = {
            getattr(one, identity) or one.number or one.login: one
            for one in map(self._with_number, self._list_extensions())
        }
        known = provider.extension_ids.grouped(identity)
        taken = set(provider.extension_ids.mapped("number"))
        new = [
            name
            for name, one in listed.items()
            # One without a number is for a person to enter.
            if name not in known and one.number and one.number not in taken
        ]
        created = self.env["pbx.extension"].create(
            [
                {
                    "number": listed[name].number,
                    "login": listed[name].login or listed[name].number,
                    "provider_id": provider.id,
                }
                for name in new
            ]
        )
        absent = provider.extension_ids.filtered(
            lambda one: one._identity() not in listed
        )
        absent._set_online(None)
        changes = []
        if new:
            names = [listed[name].number for name in new]
            changes.append(self.env._("New: %s", _first_ones(names)))
        unnumbered = [n for n in listed if not listed[n].number and n not in known]
        if unnumbered:
            left_out = self.env._(
                "Left out, since they have no internal number: %s",
                _first_ones(listed[one].name or one for one in unnumbered),
            )
            changes.append(left_out)
        present = created + (provider.extension_ids - created - absent)
        changes += self._take_details(present, listed, set(new))
        left = self.env["pbx.extension"].search_count(
            [("provider_id", "=", provider.id), ("checked_at", "=", False)]
        )
        count = sum(1 for one in listed.values() if one.number)
        message = self.env._("%s internal numbers.", count)
        if left:
            message = self.env._(
                "%(all)s internal numbers. The details of %(left)s of them follow "
                "automatically.",
                all=count,
                left=left,
            )
        if absent:
            # Removed there, or entered here by mistake: both are possible.
            missing = self.env._(
                "Not at the PBX: %s. Correct them, or delete them here.",
                _first_ones(absent.mapped("number")),
            )
            return StepResult("warning", f"{message}\n{missing}", tuple(changes))
        return StepResult("ok", message, tuple(changes))

    def _list_extensions(self):
        """Return what the PBX lists, asked for once in a run."""
        if self._listed is None:
            self._listed = self.dialect.fetch_extensions(self.account)
        return self._listed

    def _with_number(self, reported):
        """Return an :class:`Extension` without what is no internal number here."""
        if reported.number == self.dialect.read_extension(reported.number):
            return reported
        return dataclasses.replace(reported, number="")

    def _take_details(self, extensions, listed, new):
        """Take over what the PBX says of ``extensions``, as far as its limit allows.

        The rest is left to the job.

        :param dict listed: ``{identity: Extension}``; one that is ``detailed`` needs no
            further question.
        :param new: identities of which nothing is said but that they are new.
        :return: sentences about what changed.
        """
        changes, asked = [], 0
        most = MAX_DETAILS_FOR_A_PERSON if self.urgent else len(extensions)
        for place, extension in enumerate(extensions):
            reported, pause = listed[extension._identity()], None
            if not reported.detailed:
                asked += 1
                if asked > most or self.is_late:
                    pause = 5
                else:
                    try:
                        reported = self.dialect.fetch_extension(
                            self.account, extension._identity()
                        )
                    except errors.RateLimited as error:
                        pause = error.retry_after
                    except dialects.NotOffered:
                        extensions[place:]._set_online(None)
                        break
                    except (errors.NotFound, errors.BadParameter, errors.BadAnswer):
                        extension._set_online(None)
                        continue
            if pause is not None:
                extensions[place:].checked_at = False
                self.provider._wake_refresh(pause)
                break
            labels = extension._update_from_pbx(reported)
            if labels and extension._identity() not in new:
                changes.append(
                    self.env._(
                        "%(number)s: %(fields)s imported",
                        number=extension.number,
                        fields=", ".join(labels),
                    )
                )
        if len(changes) > MAX_NAMED:
            changes[MAX_NAMED:] = ["…"]
        return changes

    def lines(self):
        """Take over the numbers under which the PBX is called."""
        names = {one.number: one.name for one in self.dialect.fetch_lines(self.account)}
        lines = self.env["pbx.line"].with_context(active_test=False)
        known = lines.search([("provider_id", "=", self.provider.id)])
        known = known.grouped("number")
        new = [number for number in names if number not in known]
        lines._add_listed(self.provider, {number: names[number] for number in new})
        changed, gone = [], []
        for number, line in known.items():
            if number not in names:
                # Others were made by a call: the PBX never listed them.
                if line.from_pbx:
                    if line.active:
                        gone.append(number)
                    line._gone_from_pbx()
            elif line._update_from_pbx(names[number]):
                changed.append(number)
        changes = []
        if new:
            changes.append(self.env._("New: %s", _first_ones(new)))
        if changed:
            changes.append(self.env._("Changed: %s", _first_ones(changed)))
        if gone:
            changes.append(self.env._("Gone: %s", _first_ones(gone)))
        return StepResult("ok", self.env._("%s lines.", len(names)), tuple(changes))

    # ----------------------------------------------------------------------- events

    def events(self):
        """Have the PBX tell what it kept: that proves address, secret and settings."""
        provider, own = self.provider, self.provider.webhook_url
        if not own:
            return StepResult(
                "failed",
                self.env._("There is no address: enter an external address first."),
            )
        if not provider.is_running:
            return StepResult("failed", provider._inactive_sentence())
        try:
            # Nothing is locked, and no transaction is open, while it waits.
            replay = Replay(provider)
            outcome = replay.ask(self.dialect, self.account, self._commit)
        except (errors.BadParameter, errors.NotFound) as error:
            return StepResult("failed", f"{self._events_advice()}\n({error.detail})")
        if outcome is not Outcome.DONE and self.dialect.is_replaying(self.account):
            provider._wake_refresh(5)
            return StepResult(
                "waiting",
                self.env._(
                    "The PBX is sending the events that it kept. This continues "
                    "automatically."
                ),
            )
        if outcome is not Outcome.DONE:
            return StepResult("failed", self._events_advice())
        now = fields.Datetime.now()
        provider._write_changes(
            {"connected_url": own, "connected_at": now, "keys_changed": False}
        )
        provider._events_proven()
        host = urlsplit(own).netloc
        message = self.env._("The PBX reaches this Odoo at %s.", host)
        changes = ()
        if replay.count:
            changes = (self.env._("%s events were sent again.", replay.count),)
        if doubt := self.dialect.doubt_events(self.account):
            doubt = self.env._(doubt)
            return StepResult("warning", f"{message}\n{doubt}", changes)
        if urlsplit(own).scheme == "http" and not provider._is_inside(own):
            warning = self.env._(
                "The address is plain HTTP: who called whom can be read on the "
                "way. HTTPS is better."
            )
            return StepResult("warning", f"{message}\n{warning}", changes)
        return StepResult("ok", message, changes)

    def _commit(self):
        self.env["ir.cron"]._commit_progress()

    def _events_advice(self):
        return self.env._(self.dialect.events_advice, WAIT_SECONDS)


# Each step of ``telephony.dialect.CONNECT_STEPS``.
STEPS = {
    "keys": Connect.keys,
    "clock": Connect.clock,
    "address": Connect.address,
    "notifications": Connect.notifications,
    "extensions": Connect.extensions,
    "lines": Connect.lines,
    "events": Connect.events,
}
# These commit while they run.
WAITING_STEPS = ("events",)


def users_step(provider):
    """Return the :class:`StepResult` that says who will see the calls.

    The last step, which asks the PBX nothing.
    """
    env, phones = provider.env, provider.extension_ids
    count = len(phones.filtered(lambda phone: phone.user_ids.filtered("active")))
    lacking = phones.user_ids.filtered("pbx_lacks_rights").mapped("name")
    questions = list(filter(None, phones.mapped("earlier_call_question")))
    if not phones:
        return StepResult("skipped", env._("There are no internal numbers yet."))
    message = env._(
        "%(count)s of %(all)s phones have a user.", count=count, all=len(phones)
    )
    if not count:
        message = env._(
            "0 of %s phones have a user: nobody will see a card.", len(phones)
        )
    lines = [message]
    if lacking:
        lines.append(
            env._(
                "Cannot see calls, because they are not agents: %s",
                _first_ones(lacking),
            )
        )
    lines += questions[:MAX_NAMED]
    is_fine = count and not lacking and not questions
    return StepResult("ok" if is_fine else "warning", "\n".join(lines))


class Disconnect:
    """Has the PBX send its events where it did before, or nowhere."""

    def __init__(self, provider):
        self.provider, self.env = provider, provider.env

    def run(self):
        """Do it; return the sentence that says what came of it.

        :raises UserError: the PBX cannot be reached, or refuses. What ends there by
            itself is forgotten all the same.
        """
        provider = self.provider
        if provider._dialect().subscribes:
            sentence = self.end_subscription()
            if not sentence:
                raise UserError(
                    self.env._(
                        "It is being connected at this moment. Try again in a minute."
                    )
                )
            return sentence
        former = provider.former_url_ids[:1].url or ""
        dialect, account = provider._open_api(urgent=True)
        try:
            is_ours = self._sends_to_us(dialect, account)
            if is_ours and former:
                dialect.connect(dataclasses.replace(account, webhook_url=former))
            elif is_ours:
                dialect.disconnect(account)
        except (errors.PbxError, dialects.NotOffered) as error:
            raise UserError(provider._explain(error)) from error
        self._forget()
        return self._sentence(is_ours, former)

    def end_subscription(self):
        """Have the PBX end it, and forget it whether it does or not.

        :return: the sentence that says what came of it; ``""``: somebody else sets it
            up at this moment, and nothing was done.
        """
        provider, env = self.provider, self.env
        if not _try_lock(provider):
            return ""
        stored = env["pbx.subscription"].sudo()._read_now(provider) or {}
        dialect, account = provider._open_api(urgent=True)
        account = dataclasses.replace(
            account, memory=stored.get("details") or {}, patience=END_SECONDS
        )
        failure, left = "", []
        try:
            if account.memory:
                dialect.disconnect(account)
            _release_superseded(provider, dialect, account)
        except errors.NotFound:
            _logger.info("Cloud PBX %s: what was set up has ended", provider.id)
        except (errors.PbxError, dialects.NotOffered) as error:
            failure = as_sentence(provider._explain(error))
            # The next Connect gives it back.
            left = [*stored.get("superseded", ()), account.memory]
        self._forget([one for one in left if one])
        if not failure:
            return env._("Disconnected: the PBX sends no events to Odoo any more.")
        if stored.get("until"):
            return env._(
                "Disconnected here, but the PBX could not be told: %(reason)s\n"
                "Its subscription ends by itself at %(until)s. Until then its events "
                "are refused.",
                reason=failure,
                until=provider._readable_time(stored["until"]),
            )
        return env._(
            "Disconnected here, but the PBX could not be told: %s\n"
            "Its events are refused.",
            failure,
        )

    def _forget(self, left=()):
        """Nothing of it is left here.

        :param left: what the PBX has still to end.
        """
        provider = self.provider
        provider.former_url_ids.unlink()
        provider.check_ids.unlink()
        self.env["pbx.subscription"].sudo()._forget(provider, left)
        provider._forget_reminder("renewal")
        provider.write(
            {
                "state": "draft",
                "connected_url": False,
                "connected_at": False,
                "disconnected_at": fields.Datetime.now(),
                "last_error": False,
            }
        )

    def _sends_to_us(self, dialect, account):
        try:
            return self.provider._is_own_address(dialect.fetch_setup(account).url)
        except dialects.NotOffered:
            return True  # it does not say so, and was connected from here

    def _sentence(self, is_ours, former):
        if not is_ours:
            return self.env._(
                "Disconnected. The PBX sent its events to another address already; "
                "that stays so."
            )
        if former:
            return self.env._(
                "Disconnected: the PBX sends its events to %s again.",
                urlsplit(former).netloc,
            )
        if advice := self.provider._dialect().disconnect_advice:
            return self.env._("Disconnected. %s", self.env._(advice))
        return self.env._("Disconnected: the PBX sends its events nowhere.")


def _try_lock(provider):
    """Tell whether nobody else connects this PBX, renews or ends what it sends."""
    return try_lock(provider.env, f"pbx.provider/connect/{provider.id}")


def _release_superseded(provider, dialect, account):
    """Give back what was set up before; what fails ends by itself."""
    subscriptions = provider.env["pbx.subscription"].sudo()
    stored = subscriptions._read_now(provider)
    if not stored or not stored["superseded"]:
        return
    left = []
    for former in stored["superseded"]:
        try:
            dialect.release(account, former)
        except (errors.PbxError, dialects.NotOffered) as error:
            _logger.info("Cloud PBX %s: not released, %s", provider.id, error)
            if isinstance(error, errors.Unreachable | errors.RateLimited):
                left.append(former)
    subscriptions._note_released(provider, left)


def as_sentence(text):
    """Return a text with a full stop, so that another sentence can follow it."""
    text = text.rstrip()
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _first_ones(texts):
    """Return texts in one line, the first ones if there are many."""
    texts = list(texts)
    shown = ", ".join(texts[:MAX_NAMED])
    return shown if len(texts) <= MAX_NAMED else f"{shown}, …"
