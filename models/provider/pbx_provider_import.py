"""Internal numbers and lines, as the PBX has them."""

from odoo import fields, models

from ...telephony import dialect as dialects
from ...telephony import errors, numbers
from .connect import Result

# Internal numbers whose details a click asks for; the job goes on with the others.
IN_A_CLICK = 20
SHOWN = 20


class PbxProvider(models.Model):
    _inherit = "pbx.provider"

    line_ids = fields.One2many("pbx.line", "provider_id", string="Lines")

    def _connect_extensions(self, run):
        told = run.dialect.fetch_extensions(run.account)
        there = list(dict.fromkeys(filter(None, map(numbers.extension, told))))
        known = self.extension_ids.grouped("number")
        new = [number for number in there if number not in known]
        extensions = self.env["pbx.extension"].create(
            [{"number": number, "provider_id": self.id} for number in new]
        )
        gone = self.extension_ids.filtered(lambda one: one.number not in there)
        gone._set_online(None)
        changes = []
        if new:
            changes.append(self.env._("New: %s", _some(new)))
        changes += self._ask_details(
            run, extensions + (self.extension_ids - extensions - gone), set(new)
        )
        message = self.env._("%s internal numbers.", len(there))
        left = self.env["pbx.extension"].search_count(
            [("provider_id", "=", self.id), ("checked_at", "=", False)]
        )
        if left:
            message = self.env._(
                "%(all)s internal numbers. What the PBX says of %(left)s of them "
                "follows by itself.",
                all=len(there),
                left=left,
            )
        if gone:
            missing = self.env._(
                "Not at the PBX any more: %s. Delete them here if they are not needed.",
                _some(gone.mapped("number")),
            )
            return Result("warning", f"{message}\n{missing}", changes)
        return Result("ok", message, changes)

    def _ask_details(self, run, extensions, new):
        """Take over what the PBX says of ``extensions``, as far as its limit allows.

        The rest is left to the job.

        :param new: numbers of which nothing is said but that they are new.
        :return: sentences about what changed.
        """
        changes = []
        most = IN_A_CLICK if run.urgent else len(extensions)
        for place, extension in enumerate(extensions):
            pause = 5 if place >= most or run.is_late else None
            if pause is None:
                try:
                    told = run.dialect.fetch_extension(run.account, extension.number)
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
                self._wake_refresh(pause)
                break
            labels = extension._update_from_pbx(told)
            if labels and extension.number not in new:
                changes.append(f"{extension.number}: {', '.join(labels)}")
        if len(changes) > SHOWN:
            changes[SHOWN:] = ["…"]
        return changes

    def _connect_lines(self, run):
        told = {line.number: line.name for line in run.dialect.fetch_lines(run.account)}
        lines = self.env["pbx.line"].with_context(active_test=False)
        known = lines.search([("provider_id", "=", self.id)]).grouped("number")
        new = [number for number in told if number not in known]
        lines.create(
            [
                {
                    "number": number,
                    "name": told[number] or False,
                    "name_told": told[number] or False,
                    "provider_id": self.id,
                }
                for number in new
            ]
        )
        changed, gone = [], []
        for number, line in known.items():
            if number not in told:
                if line.active:
                    line.active = False
                    gone.append(number)
            elif line._update_from_pbx(told[number]):
                changed.append(number)
        changes = []
        if new:
            changes.append(self.env._("New: %s", _some(new)))
        if changed:
            changes.append(self.env._("Changed: %s", _some(changed)))
        if gone:
            changes.append(self.env._("Gone: %s", _some(gone)))
        return Result("ok", self.env._("%s lines.", len(told)), changes)


def _some(texts):
    """Return texts in one line, the first ones if there are many."""
    shown = ", ".join(list(texts)[:SHOWN])
    return shown if len(texts) <= SHOWN else f"{shown}, …"
