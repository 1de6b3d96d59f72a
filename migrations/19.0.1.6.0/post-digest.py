"""The digest shows the figures of calls."""


def migrate(cr, version):
    # As in a new database: data that a database has already is not loaded again.
    cr.execute(
        """UPDATE digest_digest
              SET kpi_pbx_inbound = TRUE, kpi_pbx_answer_rate = TRUE,
                  kpi_pbx_lost = TRUE, kpi_pbx_kept_rate = TRUE
            WHERE id = (SELECT res_id FROM ir_model_data
                         WHERE module = 'digest' AND name = 'digest_digest_default'
                           AND model = 'digest.digest')"""
    )
