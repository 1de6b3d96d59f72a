"""What was decided, and why, in the words of a reader's language."""

from ...telephony import routing

# The condition of a rule does not hold: it is not about this call.
CONDITIONS = frozenset(
    (routing.LINE, routing.CALLER, routing.TAG, routing.COUNTRY, routing.MOMENT)
)


class Explanation:
    """The words for one outcome.

    :param Outcome outcome: of ``telephony.routing``.
    """

    def __init__(self, env, outcome):
        self.env, self.outcome = env, outcome
        self._names = None

    def sentence(self):
        """Return who decided, for whom, and what was passed over, as one text."""
        words = [self._decision(), self._passed_over()]
        return " ".join(filter(None, words))

    def _decision(self):
        why = self._why(self._why_code())
        if self.outcome.code == routing.BLOCKED:
            return self.env._("The number is blocked.")
        if self.outcome.code == routing.CLOSED:
            return f"{self._closed()}{self._instead(why)}"
        if self.outcome.code == routing.FAILED:
            return self.env._("Odoo did not decide in time: the PBX's own scenario.")
        if self.outcome.code == routing.MENU:
            way = " › ".join(self.outcome.way)
            return f"{way}: {why}." if why else f"{way}."
        if self.outcome.code == routing.ROUTE:
            words = (self.name_of(self.outcome.rule), self._place())
            return f"{': '.join(filter(None, words))}.{self._instead(why)}"
        if why:
            return self.env._("The PBX's own scenario: %s.", why)
        return self.env._("No rule decided: the PBX's own scenario.")

    def _why_code(self):
        """Return the code of why it is so, if the sentence names it."""
        args = self.outcome.args
        why, is_menu = args.get("why"), self.outcome.code == routing.MENU
        # Whoever hears a message is not asked for a key.
        asks = is_menu and args.get("target") != routing.PLAY_TARGET
        return why if asks or why != routing.DEFAULTED else ""

    def _closed(self):
        # Calls of the first versions do not say which line it was.
        if line := self.outcome.args.get("line"):
            return self.env._("%s: closed, the message was played.", line)
        return f"{self.env._('Closed message')}."

    def _instead(self, why):
        """Return what happens at the end of a message, if not what is set up."""
        if not why:
            return ""
        return " " + self.env._("The PBX's own scenario: %s.", why)

    def _place(self):
        """Return where the rule that decided leads."""
        args = self.outcome.args
        person, number = args.get("person"), args.get("number", "")
        if args.get("deputy_of"):
            return self.env._(
                "%(person)s (%(number)s), for %(absent)s",
                person=person,
                number=number,
                absent=args["deputy_of"],
            )
        if person:
            return f"{person} ({number})"
        kind = args.get("target", "")
        if kind in (routing.EXTENSION, routing.PBX):
            return number
        if kind == routing.MENU_TARGET:
            return " › ".join(self.outcome.way) or args.get("menu", "")
        words = dict(
            self.env["pbx.route"]._fields["target"]._description_selection(self.env)
        )
        place = words.get(kind, kind)
        return " › ".join(filter(None, (place, number)))

    def _passed_over(self):
        passed = [
            f"{self.rule_of(step)}, {self.reason_of(step)}"
            for step in self.outcome.steps
            if step.code != routing.CHOSEN and step.code not in CONDITIONS and step.rule
        ]
        if not passed:
            return ""
        return self.env._("Passed over: %s", "; ".join(passed))

    # ----------------------------------------------------------------------- steps

    def rule_of(self, step):
        """Return the name of a step's rule in the reader's language."""
        if step.rule is None and step.target == routing.REFUSE_TARGET:
            return self.env._("Blocked number")
        if step.rule is None and not step.name:
            return self.env._("Closed message")
        return self._name_of(step.rule, step.name)

    def reason_of(self, step):
        """Return what came of a rule, in words."""
        looks = [
            self._look(look)
            for look in step.looks
            # Who is taken says it all.
            if step.code != routing.CHOSEN or look.code == routing.CHOSEN
        ]
        return ", ".join(looks) or self._code(step.code)

    def _look(self, look):
        who = look.name or look.number
        if look.code == routing.CHOSEN:
            place = f"{who} ({look.number})" if look.name and look.number else who
            if look.deputy_of:
                return self.env._(
                    "%(person)s, for %(absent)s", person=place, absent=look.deputy_of
                )
            return place
        return f"{who}: {self._code(look.code)}" if who else self._code(look.code)

    def _code(self, code):
        words = {
            routing.LINE: self.env._("another line"),
            routing.CALLER: self.env._("another kind of caller"),
            routing.TAG: self.env._("without these tags"),
            routing.COUNTRY: self.env._("another country"),
            routing.MOMENT: self.env._("not at this time"),
            routing.UNASKED: self.env._("the caller is looked up only on answer"),
            routing.NOBODY: self.env._("nobody"),
            routing.GONE: self.env._("no agent any more"),
            routing.ABSENT: self.env._("away"),
            routing.OFF_HOURS: self.env._("not working now"),
            routing.NO_PHONE: self.env._("no phone at this PBX"),
            routing.IS_CALLER: self.env._("calls from there"),
            routing.OFFLINE: self.env._("phone not connected"),
            routing.BUSY: self.env._("busy"),
            routing.WRAPPING: self.env._("has just ended a call"),
            routing.SENT: self.env._("was sent there before"),
            routing.UNABLE: self.env._("the PBX cannot be told so"),
            routing.CHOSEN: self.env._("decides"),
        }
        return words.get(code, code)

    def _why(self, why):
        if not why:
            return ""
        words = {
            routing.OURS: self.env._("one of our own numbers called"),
            routing.TOO_MANY: self.env._("too many answers to one call"),
            routing.NO_CHOICE: self.env._("no such choice"),
            routing.NOT_REACHED: self.env._("nobody could take it"),
            routing.DEFAULTED: self.env._("no key was pressed"),
            routing.NO_MENU: self.env._("the menu is gone"),
            routing.SENT: self.env._("was sent there before"),
        }
        return words.get(why, why)

    def name_of(self, route_id):
        """Return the name of the rule that decided."""
        return self._name_of(route_id, self.outcome.args.get("rule", ""))

    def _name_of(self, route_id, name):
        """Return a rule's name as it is now, else as it was."""
        if self._names is None:
            ids = {step.rule for step in self.outcome.steps} | {self.outcome.rule}
            # sudo: what the rules of a call are called, for all who see the call
            routes_sudo = self.env["pbx.route"].sudo().browse(ids - {None}).exists()
            self._names = {route.id: route.name for route in routes_sudo}
        return self._names.get(route_id) or name
