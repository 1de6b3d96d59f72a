"""How calls are searched, so that PostgreSQL comes to them by its indexes.

Of several conditions of which any is enough, no index serves all: PostgreSQL reads all
that one of them leads to before the first row is found, or all calls. A search for a
name is such (of the contact, of the lead, digits of the number), so is the filter
“Mine”, and so are an agent's rights: who spoke, whose phone rang, whose customer or
lead it is, and who calls back. Hence:

- for a page of the log in its own order, the newest calls are asked one by one whether
  they are of any part, until there are enough;
- for other pages, and for counting up to a limit, each is looked for by itself, no
  further than the limit;
- where few calls are left, such as those of one contact, each of them is asked whether
  the rights allow it, by primary keys;
- where calls are grouped, all that belongs to the user is joined.
"""

from collections.abc import Callable
from typing import NamedTuple

from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.query import Query

from .grouping import is_joined

# In the context: calls are counted or grouped, and may be many.
MANY = "pbx_many_calls"
# Conditions that leave few calls.
NARROW = frozenset(
    ("id", "partner_id", "lead_id", "promise_id", "number", "ref", "chatter_message_id")
)
# Pages further behind are searched in one. Odoo counts to 10,001.
MAX_SPLIT = 20_000
# So many calls of the log are asked one by one whether they concern the user, newest
# first: to begin with, and at most, if enough of them can be expected among these.
FIRST_ASKED, MOST_ASKED = 3000, 100_000
# So many times as many where other conditions leave fewer to be asked.
OF_WHICH = 5
# More than can be expected by those that were found, for weekends and the like.
ENOUGH = 1.5
# What else may make a call the user's concern, besides their own part in it.
OF_USER = ("partner_id", "lead_id", "promise_id")


def concerns_me(model, alias, query):
    """Return the SQL condition that calls concern the user: never unknown, so that it
    may be negated."""
    return _asked(model, alias, query, OF_USER)


def is_mine(model, alias, query):
    """Return the SQL condition that the user spoke, or their phone rang."""
    return _asked(model, alias, query, ())


def _asked(model, alias, query, of_user):
    """Return the SQL condition that the user spoke, that their phone rang, or that
    something of the call, by the names of its fields, is the user's."""
    if model.env.context.get(MANY):
        return is_joined(model, alias, query, of_user)
    fields, me = model._fields, model.env.uid

    def is_there(select):
        # Of ``EXISTS`` PostgreSQL may also read all that there is at once; a scalar
        # subquery it runs for each call.
        return SQL("COALESCE((%s LIMIT 1), FALSE)", select)

    def is_users(name):
        comodel = model.env[fields[name].comodel_name]
        user = comodel._fields["user_id"]
        return is_there(
            SQL(
                "SELECT TRUE FROM %s AS linked WHERE linked.id = %s AND %s = %s",
                SQL.identifier(comodel._table),
                SQL.identifier(alias, name, to_flush=fields[name]),
                SQL.identifier("linked", "user_id", to_flush=user),
                me,
            )
        )

    participants = fields["participant_ids"]
    rang = SQL(
        "SELECT TRUE FROM %s AS rang WHERE rang.call_id = %s AND rang.user_id = %s",
        SQL.identifier(participants.relation, to_flush=participants),
        SQL.identifier(alias, "id"),
        me,
    )
    spoke = SQL(
        "COALESCE(%s = %s, FALSE)",
        SQL.identifier(alias, "user_id", to_flush=fields["user_id"]),
        me,
    )
    any_of = SQL(" OR ").join([spoke, is_there(rang), *map(is_users, of_user)])
    return SQL("(%s)", any_of)


class Parts(NamedTuple):
    """Domains of which any makes a call one that is searched for.

    :var Domain rest: what applies to all of them.
    :var rules: if given, the rules that are left to be applied: calls of these domains
        concern the user.
    :var asked: makes the SQL condition that a call is of any part, where that is cheap
        to be asked of each call.
    """

    rest: Domain
    domains: list
    rules: Domain | None = None
    asked: Callable | None = None

    @property
    def of_all(self):
        """What applies to all parts, with the rules that are left to be applied."""
        return self.rest if self.rules is None else self.rest & self.rules


class CallSearch:
    """One search of calls, under the reader's rights.

    A plain class: it carries what one search needs.

    :param calls: the model ``pbx.call``, in the reader's environment.
    :param plain: Odoo's own ``_search`` of these, of all reasons in one.
    :param of_many: the same, for calls that are counted or grouped: see :data:`MANY`.
    :param options: further ones of ``_search``.
    """

    def __init__(self, calls, plain, of_many, domain, offset, limit, order, options):
        self.calls, self.options = calls, options
        self._plain, self._of_many = plain, of_many
        self.wanted = CallDomain(calls, domain)
        self.offset, self.limit, self.order = offset or 0, limit, order
        # Rows that a branch may have to give.
        self.upto = self.offset + (limit or 0)

    def query(self):
        """Return the query of the calls, as ``_search`` does."""
        wanted = self.wanted
        if wanted.leaves_few():
            return self._in_one(self._plain)
        if not self.limit:
            return self._in_one(self._of_many)
        parts = wanted.split() if self.upto <= MAX_SPLIT else None
        if not parts:
            return self._in_one(self._plain)
        if parts.rules is not None:
            # That it concerns the user is what each part says; all other rules apply.
            self.calls.browse().check_access("read")
            self.options = {**self.options, "bypass_access": True}
        if parts.asked and not self.order:
            return self._one_after_another(parts)
        page = None
        if parts.asked and self.order == self.calls._order:
            page = self._newest_of(parts)
        # A query that finds nothing is false.
        return self._page_of(parts) if page is None else page

    def _in_one(self, search):
        page = (self.offset, self.limit, self.order)
        return search(self.wanted.domain, *page, **self.options)

    def _branch(self, domain, order=None):
        """Return the query of the rows that one part may have to give."""
        return self._plain(domain, 0, self.upto, order, **self.options)

    def _one_after_another(self, parts):
        """Return a query of calls in whatever order, to be counted up to the limit."""
        first, *others = parts.domains
        ids = self._branch(parts.of_all & first).get_result_ids()
        if not others or len(ids) == self.upto:
            # Mostly: it does not matter which they are.
            return self.calls.browse(ids[self.offset :])._as_query()
        branches = [
            self._branch(parts.of_all & part & ~Domain.OR(parts.domains[:place]))
            for place, part in enumerate(others, 1)
        ]
        branches.insert(0, self.calls.browse(ids)._as_query(ordered=False))
        query = one_after_another(self.calls.env, self.calls._table, branches)
        query.limit, query.offset = self.limit, self.offset
        return query

    def _newest_of(self, parts):
        """Return the query of a page of the log in its own order.

        Mostly it is found among the newest calls: no part has to be looked through.
        ``None`` if it is not to be expected there.
        """
        times = [one for one in _all_of(parts.rest) if _is_of_time(one)]
        first, most = FIRST_ASKED, MOST_ASKED
        if len(times) < len(_all_of(parts.rest)) and not parts.rest.is_true():
            first, most = first * OF_WHICH, most * OF_WHICH
        asked = parts.of_all & Domain.custom(to_sql=parts.asked)
        rules = Domain.TRUE if parts.rules is None else parts.rules
        count = first
        while count <= most:
            # From the newest one that is not asked any more.
            last = self._plain(
                Domain.AND([*times, rules]), count, 1, self.order, **self.options
            )
            start = SQL.identifier(last.table, "start")
            found = self.calls.env.execute_query(last.select(start))
            since = Domain("start", ">=", found[0][0]) if found else Domain.TRUE
            ids = self._branch(asked & since, self.order).get_result_ids()
            if not found or len(ids) == self.upto:
                return self.calls.browse(ids[self.offset :])._as_query()
            if not ids or count > first:
                return None
            count = int(count * ENOUGH * self.upto / len(ids))
        return None

    def _page_of(self, parts):
        """Return the query of a page, made of the first rows of each part."""
        branches = [
            self._branch(parts.of_all & part, self.order) for part in parts.domains
        ]
        query = self._plain(
            *(Domain.TRUE, self.offset, self.limit, self.order), bypass_access=True
        )
        return first_of(query, branches)


class CallDomain:
    """What a search of calls asks for, read for how it is best looked for.

    :param calls: the model ``pbx.call``, in the reader's environment.
    :param domain: what is searched for.
    """

    def __init__(self, calls, domain):
        self.calls = calls
        self.domain = Domain(domain).optimize_full(calls)
        self.conditions = _all_of(self.domain)
        me = calls.env.uid
        # Who spoke was mostly rung: this finds more.
        rang = Domain("participant_ids", "in", [me])
        self.mine = [rang, Domain("user_id", "=", me)]

    def leaves_few(self):
        """Tell whether few calls are left, whosever they are."""
        return any(
            getattr(one, "field_expr", None) in NARROW
            and one.operator == "in"
            and (isinstance(one.value, Query) or False not in one.value)
            for one in self.conditions
        )

    def split(self):
        """Return the :class:`Parts` of the search.

        ``None`` where the domain itself leads to the calls.
        """
        others = [one for one in self.conditions if not self._is_of_row(one)]
        rules = self._rules_besides_concern()
        if not others:
            if rules is None:
                return None
            user = self.mine[1]
            of_user = [Domain(name, "any!", user) for name in OF_USER]
            parts = [*self.mine, *of_user]
            return Parts(self.domain, parts, rules, concerns_me)
        either = others[0]
        if len(others) > 1 or getattr(either, "OPERATOR", None) != "|":
            return None
        rest = Domain.AND(one for one in self.conditions if one is not either)
        parts = [one for one in either.children if not self._is_of_row(one)]
        of_row = Domain.OR(one for one in either.children if self._is_of_row(one))
        if not of_row.is_false():
            parts.insert(0, of_row)
        if either == Domain.OR(self.mine).optimize_full(self.calls):
            return Parts(rest, parts, rules, is_mine)
        return Parts(rest, parts)

    def _rules_besides_concern(self):
        """Return the rules apart from the one that leaves what concerns the user.

        ``None`` where there is no such rule, or where another one leaves more.
        """
        # sudo: as Odoo reads rules
        calls_sudo = self.calls.sudo().with_context(active_test=False)
        rules = _all_of(
            self.calls.env["ir.rule"]._compute_domain(self.calls._name, "read")
        )
        besides = [rule for rule in rules if not _is_concern(rule)]
        if len(besides) == len(rules):
            return None
        return Domain.AND(besides).optimize_full(calls_sudo)

    def _is_of_row(self, domain):
        """Tell whether a domain needs no more than the row of a call."""
        return all(map(self._is_leaf_of_row, domain))

    def _is_leaf_of_row(self, leaf):
        if isinstance(leaf, str):
            return True  # "&", "|", "!"
        if not isinstance(leaf, tuple):
            return False
        name, operator, value = leaf
        field = self.calls._fields.get(name)
        if not field:
            return name in (0, 1)  # never, always
        return bool(
            field.store
            and field.column_type
            and operator not in ("any", "any!", "not any", "not any!")
            and not isinstance(value, (Domain, Query, SQL))
        )


def _is_of_time(domain):
    return getattr(domain, "field_expr", None) == "start"


def _all_of(domain):
    """Return the conditions of which all have to be met."""
    if getattr(domain, "OPERATOR", None) == "&":
        return list(domain.children)
    return [domain]


def _is_concern(rule):
    return (
        getattr(rule, "field_expr", None) == "concerns_me"
        and rule.operator == "in"
        and set(rule.value) == {True}
    )


def first_of(query, branches):
    """Have a query read no other rows than those that its branches begin with."""
    row_id = SQL.identifier(query.table, "id")
    found = SQL(" UNION ").join(
        SQL("(%s)", branch.select(row_id)) for branch in branches
    )
    query.add_where(SQL("%s IN (%s)", row_id, found))
    return query


def one_after_another(env, table, branches):
    """Return a query of the ids of all branches, which have none in common.

    Up to a limit PostgreSQL reads no more branches than it takes.
    """
    row_id = SQL.identifier(table, "id")
    union = SQL(" UNION ALL ").join(
        SQL("(%s)", branch.select(row_id)) for branch in branches
    )
    return Query(env, table, SQL("(%s)", union))
