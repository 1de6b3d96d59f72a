"""What scheduled jobs have in common."""

import logging

from .transactions import begin_anew

_logger = logging.getLogger(__name__)


def for_each_provider(providers, work, what):
    """Call ``work(provider)`` for each of them, and commit after each.

    One that fails does not hold up the others: it is rolled back and logged; one that
    meets another transaction is done anew. Ends when the job has no time left; Odoo
    starts it again.

    :param str what: what was not done, for the log.
    """
    env = providers.env
    for place, provider in enumerate(providers, start=1):
        try:
            begin_anew(env, lambda one=provider: work(one))
        except Exception:  # noqa: BLE001
            env.cr.rollback()
            _logger.exception("Cloud PBX %s: %s", provider.id, what)
        if not env["ir.cron"]._commit_progress(1, remaining=len(providers) - place):
            return
