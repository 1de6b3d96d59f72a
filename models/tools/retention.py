"""Removing what is older than a connection keeps its log."""

from datetime import timedelta

from odoo import fields

# Deleted in one transaction; Odoo's housekeeping calls again until none is left.
DELETE_BATCH = 5000
# Repeats are recognised by what is kept.
LEAST_DAYS = 3


def delete_old(records, moment, domain=(), order=None):
    """Delete records that are older than their provider wants its log to be, some.

    :param records: of a model that has a ``provider_id``.
    :param str moment: the name of the field that says how old a record is.
    :param domain: which of them.
    :param str order: one that has an index and begins with old ones; by default that
        of ``moment``.
    :return: ``(deleted, left)``, as autovacuum takes it: how many there were, and
        whether there are more.
    """
    # sudo: housekeeping of all companies
    records = records.sudo()
    providers = records.env["pbx.provider"].with_context(active_test=False)
    deleted = left = 0
    for provider in providers.search([("company_id", "!=", False)]):
        days = max(provider.log_days, LEAST_DAYS)
        before = fields.Datetime.now() - timedelta(days=days)
        old = records.search(
            [("provider_id", "=", provider.id), (moment, "<", before), *domain],
            order=order or moment,
            limit=DELETE_BATCH,
        )
        old.unlink()
        deleted += len(old)
        left += len(old) == DELETE_BATCH
    return deleted, left
