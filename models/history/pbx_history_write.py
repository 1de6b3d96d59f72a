"""Writing a page of past calls: some calls at a time, each time with where we are."""

import itertools
import logging

from odoo import fields, models
from odoo.tools import SQL, split_every

from .reader import AGAIN

_logger = logging.getLogger(__name__)

# Calls in one transaction: so long their events have to wait.
TOGETHER = 100
# Broken calls that are named to a person.
NAMED = 5


class PbxHistory(models.Model):
    _inherit = "pbx.history"

    def _write_page(self, settings, place, page):
        """Write the calls of a page, and then where to go on.

        :param Place place: where the page was read.
        :return: whether there is another page; ``False`` too if somebody stopped it.
        """
        groups = {}
        for event in page.events:
            if event.ref:
                groups.setdefault(event.ref, []).append(event)
        parts = list(split_every(TOGETHER, groups.items(), dict))
        last = parts.pop() if parts else {}
        for part in parts:
            if not self._write_part(settings, place, part):
                return False
        return self._write_part(settings, place, last, page) and page.next is not None

    def _write_part(self, settings, place, groups, page=None):
        """Write some calls; with ``page``, they are its last ones.

        :param dict groups: ``{ref: [CallEvent]}``.
        :return: whether the import still runs.
        """

        def together(history, groups=groups, page=page, broken=None):
            if not history._is_at(place):
                return False
            verdicts = history.env["pbx.call"]._add_history(settings, groups)
            history._count(groups, verdicts, broken or {})
            if page:
                history._finish_page(page)
            return True

        try:
            running = self._in_own_transaction(together)
        except Exception:  # noqa: BLE001
            # One call that cannot be written must not cost the others.
            _logger.warning("Cloud PBX %s: one by one", settings.id, exc_info=True)
            running = self._write_one_by_one(settings, together, groups, page)
        self._apply_waiting(settings.id, groups)
        return running

    def _write_one_by_one(self, settings, together, groups, page):
        broken = {}
        for ref, events in groups.items():
            try:
                self._in_own_transaction(
                    lambda one, i={ref: events}: together(one, i, None)
                )
            except Exception as error:  # noqa: BLE001
                _logger.exception("Cloud PBX %s: call %s not written", settings.id, ref)
                broken[ref] = error
        return self._in_own_transaction(lambda one: together(one, {}, page, broken))

    def _is_at(self, place):
        """Tell whether this still runs, where the page was read."""
        return bool(
            self.exists()
            and self.state == "running"
            and (self.start, self.stop, self.page or None) == place
        )

    def _count(self, groups, verdicts, broken):
        """Count each call once, though its legs may be spread over two pages.

        :param dict verdicts: ``{ref: "new", "completed" or "unchanged"}``, with
            ``"corrected"`` besides, as ``_add_history`` gives them.
        """
        before, lately = self.counted or ([], [])
        seen = {*before, *lately}
        values = {}
        for ref, words in verdicts.items():
            for word in words:
                if word == "corrected" or ref not in seen:
                    name = f"{word}_count"
                    values[name] = values.get(name, self[name]) + 1
        self.write({**values, "counted": [before, [*lately, *verdicts, *groups]]})
        if broken:
            named = "\n".join(
                f"{ref}: {error}"
                for ref, error in itertools.islice(broken.items(), NAMED)
            )
            self.failed_count += len(broken)
            self.error = self.env._(
                "Some calls could not be written. The server's log says more.\n%s",
                named,
            )

    def _finish_page(self, page):
        """Note that a page is written, and what comes after it."""
        now = fields.Datetime.now()
        covered = min(filter(None, (page.until, self.stop)))
        counted = self.counted or ([], [])
        values = {
            "page": page.next or False,
            "rows": self.rows + page.rows,
            "counted": [counted[1], []],
            "progress": max(self.progress, self._percent(covered)),
        }
        if not self.failed_count:
            values["error"] = False  # it works again
        if self.kind == "period":
            values["until"] = covered if page.until else self.until
        if page.next is None:
            values.update(
                state="done",
                progress=100,
                counted=False,
                next_attempt_at=now + AGAIN if self.kind == "catch_up" else False,
                until=covered,
            )
        self.write(values)
        self.env["pbx.notifier"]._history_changed(self)

    def _percent(self, covered):
        whole = (self.stop - self.start).total_seconds()
        part = (covered - self.start).total_seconds()
        return min(max(100 * part / whole, 0), 99) if whole > 0 else 0

    def _apply_waiting(self, provider_id, groups):
        """Apply events that came meanwhile: who brought them did not wait for us."""
        with self.env.registry.cursor() as cr:
            cr.execute(
                SQL(
                    """SELECT DISTINCT ref FROM pbx_event
                        WHERE provider_id = %s AND ref = ANY(%s)
                          AND state = 'pending'""",
                    provider_id,
                    list(groups),
                )
            )
            refs = [ref for [ref] in cr.fetchall()]
            cr.commit()  # pylint: disable=invalid-commit
            for ref in refs:
                self.env["pbx.event"]._apply_in(cr, provider_id, ref)
