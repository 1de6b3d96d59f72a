"""What is left on the account, and a word in time."""

import math

from odoo import fields, models


class PbxProvider(models.Model):
    _inherit = "pbx.provider"

    balance_amount = fields.Float(
        readonly=True, copy=False, groups="base.group_system", digits=(16, 4)
    )
    balance_threshold = fields.Float(
        string="Warn below",
        default=5.0,
        groups="base.group_system",
        help="In the currency of the account. An administrator is told once when less "
        "than this is left. 0: never.",
    )

    def _note_balance(self, balance):
        """Keep a :class:`Balance`, and remind or forget."""
        try:
            amount = float(balance.amount)
        except ValueError:
            amount = math.nan
        known = math.isfinite(amount)
        self._write_changes(
            {
                "balance": f"{balance.amount} {balance.currency}".strip() or False,
                "balance_amount": round(amount, 4) if known else 0.0,
            }
        )
        low = self._low_balance() if known else ""
        if low:
            self._remind("balance", low)
        elif known:
            self._forget_reminder("balance")

    def _low_balance(self):
        """Return what to say about the balance, ``""`` if it is high enough."""
        if not self.balance or self.balance_amount >= (self.balance_threshold or 0):
            return ""
        if not self.balance_threshold:
            return ""
        return self.env._(
            "Only %s is left on the account. Top it up: without money nobody can be "
            "called.",
            self.balance,
        )
