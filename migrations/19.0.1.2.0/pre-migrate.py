def migrate(cr, version):
    """Change the database before the models are loaded: a function for each subject."""
    _one_event_for_each_digest(cr)
    _drop_tail_indexes(cr)


def _one_event_for_each_digest(cr):
    """Two deliveries of the same instant were kept twice: the latest one is the one
    by which repeats are recognised, under an index that is unique now."""
    cr.execute("DROP INDEX IF EXISTS pbx_event_digest_idx")
    cr.execute(
        """UPDATE pbx_event SET digest = NULL WHERE id IN (
               SELECT id FROM (
                   SELECT id, row_number() OVER (
                          PARTITION BY provider_id, digest
                              ORDER BY received_at DESC, id DESC) AS place
                     FROM pbx_event WHERE digest IS NOT NULL) one
                WHERE place > 1)"""
    )


def _drop_tail_indexes(cr):
    """Numbers are no longer looked up by their last digits in contacts and leads."""
    for table in ("res_partner", "crm_lead"):
        cr.execute(f"DROP INDEX IF EXISTS {table}_phone_tail_idx")
