"""A phone rings whatever companies its user has ticked at the moment."""


def of_all_companies(records):
    """Return ``records`` as seen in all the user's companies, the ticked ones first."""
    ticked = records.env.companies.ids
    others = [one for one in records.env.user.company_ids.ids if one not in ticked]
    return records.with_context(allowed_company_ids=ticked + others)
