"""A phone rings whatever companies its user has ticked at the moment."""

from odoo import SUPERUSER_ID


def of_all_companies(records):
    """Return ``records`` as seen in all the user's companies, the ticked ones first."""
    ticked = records.env.companies.ids
    others = [one for one in records.env.user.company_ids.ids if one not in ticked]
    return records.with_context(allowed_company_ids=ticked + others)


def may_be_named(record):
    """Tell whether the user works for the company of ``record``: without a query.

    Odoo shows the name of what a record points to, whoever may read that; a lead
    without a company, which all see, may point to the call and the line of any.

    :param record: with the fields ``company_id`` and ``provider_id``.
    """
    env, company = record.env, record.company_id
    if not company or env.uid == SUPERUSER_ID:
        return True
    if company.id in env.user._get_company_ids():
        return True
    # In whose name the log is written need not work there.
    provider = record.provider_id
    return bool(provider) and provider._settings(provider.id).user_id == env.uid
