from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Change the data after the models are loaded: a function for each subject."""
    connected_pbxs(cr)
    contents_without_a_log(cr)
    national_caller_ids(cr)


def connected_pbxs(cr):
    """Note which secrets work, and which PBXs are connected without “Connect”."""
    cr.execute(
        """UPDATE pbx_provider SET secret_proven = TRUE
            WHERE connected_at IS NOT NULL"""
    )
    # Disconnected, or never connected: only what it sent lately tells them apart.
    cr.execute(
        """UPDATE pbx_provider SET disconnected_at = now() AT TIME ZONE 'UTC'
            WHERE state = 'draft'
              AND NOT EXISTS (SELECT 1 FROM pbx_event
                               WHERE provider_id = pbx_provider.id
                                 AND received_at > now() AT TIME ZONE 'UTC'
                                                   - interval '7 days')"""
    )
    # The address was entered there by hand: it sent an event lately.
    cr.execute(
        """UPDATE pbx_provider
              SET connected_at = now() AT TIME ZONE 'UTC',
                  state = CASE state WHEN 'draft' THEN 'connected' ELSE state END
            WHERE connected_at IS NULL
              AND EXISTS (SELECT 1 FROM pbx_event
                           WHERE provider_id = pbx_provider.id
                             AND event_type != 'CLOUD_PBX_CHECK'
                             AND received_at > now() AT TIME ZONE 'UTC'
                                               - interval '7 days')"""
    )


def contents_without_a_log(cr):
    """Remove contents that were kept although no log is wanted."""
    cr.execute(
        """UPDATE pbx_event SET payload = NULL, reply = NULL
             FROM pbx_provider provider
            WHERE provider.id = provider_id AND provider.keep_log IS NOT TRUE
              AND pbx_event.state IN ('done', 'ignored')
              AND error IS NULL AND awaits_history IS NOT TRUE
              AND (payload IS NOT NULL OR reply IS NOT NULL)"""
    )
    cr.execute(
        """UPDATE pbx_request SET asked = NULL, answered = NULL
             FROM pbx_provider provider
            WHERE provider.id = provider_id AND provider.keep_log IS NOT TRUE
              AND (asked IS NOT NULL OR answered IS NOT NULL)"""
    )


def national_caller_ids(cr):
    """Caller IDs that were typed nationally were kept behind a plus: ``+02079460200``.

    No country's code begins with a zero.
    """
    env = api.Environment(cr, SUPERUSER_ID, {})
    for extension in env["pbx.extension"].search([("caller_id", "=like", "+0%")]):
        extension.caller_id = extension.caller_id.removeprefix("+")
