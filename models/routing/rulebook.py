"""What people set up for routing, as plain values: read once, then kept in memory."""

from dataclasses import dataclass, field

from ...telephony import routing


@dataclass(frozen=True)
class Colleague:
    """A user who may take calls: an agent of the company, and active.

    :var int phone_id: the extension that he chose to dial with.
    """

    deputy_id: int | None = None
    phone_id: int | None = None


@dataclass(frozen=True)
class Rulebook:
    """All that a cloud PBX's company has set up, for use without a query.

    :var tuple rules: :class:`~...telephony.routing.Rule`, those that may serve the PBX.
    :var dict menus: ``{id: Menu}`` of the PBX.
    :var dict lines: ``{number: Line}`` of the PBX.
    :var frozenset own_numbers: of all active lines of the company.
    :var dict agents: ``{user id: Colleague}`` of the company.
    :var tuple calendar_ids: of the company, its lines and rules.
    :var tuple team_ids: whose members rules may mean.
    :var tuple provider_ids: all cloud PBXs of the company.
    """

    rules: tuple = ()
    menus: dict = field(default_factory=dict)
    lines: dict = field(default_factory=dict)
    own_numbers: frozenset = frozenset()
    agents: dict = field(default_factory=dict)
    calendar_id: int | None = None
    calendar_ids: tuple = ()
    team_ids: tuple = ()
    provider_ids: tuple = ()
    wrap_up_seconds: int = 0
    blocks_numbers: bool = False

    @property
    def may_answer(self):
        """Whether anything but the line, or a step that was finished, decides."""
        return bool(self.rules or self.menus or self.blocks_numbers)

    def targets(self):
        """Return what rules can lead to, through menus as well; none without a rule."""
        found = [rule.target for rule in self.rules]
        if any(target.target == routing.MENU_TARGET for target in found):
            choices = (menu.choices for menu in self.menus.values())
            found += [choice.target for own in choices for choice in own]
        return found

    def reachable(self):
        """Return ``(user_ids, extension_ids)``: whom rules can send a call to, members
        of teams and deputies aside. Where the caller decides it may be any agent."""
        user_ids, extension_ids = set(), set()
        for target in self.targets():
            if target.target in routing.OF_THE_CALLER:
                user_ids |= self.agents.keys()
            elif target.target == routing.USER:
                user_ids |= {target.user_id} & self.agents.keys()
            elif target.target == routing.EXTENSION:
                extension_ids.add(target.extension_id)
        return user_ids, extension_ids

    def reaches_teams(self):
        """Tell whether rules can send a call to members of :attr:`team_ids`."""
        return any(target.target == routing.TEAM for target in self.targets())
