"""What Odoo asked a PBX, for reading: masked, and kept no longer than the inbox."""

from odoo import api, fields, models
from odoo.tools import SQL

from ..tools.retention import delete_old


class PbxRequest(models.Model):
    """One question to a PBX and its answer."""

    _name = "pbx.request"
    _description = "Request to a cloud PBX"
    _order = "id desc"
    _rec_name = "path"
    _log_access = False

    provider_id = fields.Many2one(
        "pbx.provider",
        string="Cloud PBX",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="provider_id.company_id")
    at = fields.Datetime(string="Asked", required=True, readonly=True)
    method = fields.Char(readonly=True)
    path = fields.Char(string="Request", readonly=True)
    asked = fields.Text(
        string="Parameters", readonly=True, help="As sent, without secrets."
    )
    status = fields.Integer(readonly=True, help="HTTP status; 0: no answer.")
    answered = fields.Text(
        string="Answer", readonly=True, help="As received, without secrets."
    )
    milliseconds = fields.Integer(string="Took (ms)", readonly=True)
    error_code = fields.Char("Kind of error", readonly=True)
    error = fields.Text(readonly=True)

    _error_idx = models.Index("(provider_id, id DESC) WHERE error_code IS NOT NULL")

    @api.model
    def _note(self, provider, exchange):
        """Write one :class:`Exchange` down, on a cursor of its own.

        Without ``keep_log`` only failures are kept, and not their contents.
        """
        error = exchange.error
        if not provider.keep_log and not error:
            return
        kept = provider.keep_log
        values = {
            "provider_id": provider.id,
            "at": fields.Datetime.now(),
            "method": exchange.method,
            "path": exchange.path,
            "asked": kept and exchange.asked or False,
            "status": exchange.status,
            "answered": kept and exchange.answered or False,
            "milliseconds": int(exchange.seconds * 1000),
            "error_code": getattr(error, "code", "error") if error else False,
            "error": provider._explain(error) if error else False,
        }
        with self.env.registry.cursor() as cr:
            # sudo: the log is the system's, whoever asked.
            self.with_env(self.env(cr=cr)).sudo().create(values)

    @api.model
    def _blank(self, providers):
        """Remove what was asked and answered; when, and how it failed, stays."""
        self.flush_model()
        self.env.execute_query(
            SQL(
                """UPDATE pbx_request SET asked = NULL, answered = NULL
                    WHERE provider_id = ANY(%s)
                      AND (asked IS NOT NULL OR answered IS NOT NULL)
                RETURNING id""",
                list(providers.ids),
            )
        )
        self.invalidate_model()

    @api.autovacuum
    def _gc_requests(self):
        """Remove what is older than each provider wants its log to be.

        :return: ``(deleted, left)``, as autovacuum takes it.
        """
        return delete_old(self, "at", order="id")
