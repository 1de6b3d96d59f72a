import io
import zipfile

from odoo import http
from odoo.exceptions import AccessError, UserError
from odoo.http import request


class SetupFiles(http.Controller):
    """Where an administrator downloads what is to be installed at a PBX."""

    @http.route(
        "/pbx/setup/<int:provider_id>/files.zip",
        type="http",
        auth="user",
        methods=["GET"],
        readonly=True,
    )
    def download(self, provider_id):
        provider = request.env["pbx.provider"].browse(provider_id).exists()
        try:
            texts = provider._setup_files() if provider else {}
        except (AccessError, UserError):
            texts = {}
        if not texts:
            raise request.not_found()
        name = f"cloud_pbx_{provider.dialect}.zip"
        return request.make_response(
            _archive(texts),
            [
                ("Content-Type", "application/zip"),
                ("Content-Disposition", http.content_disposition(name)),
                # They hold secrets.
                ("Cache-Control", "no-store"),
                ("X-Content-Type-Options", "nosniff"),
            ],
        )


def _archive(texts):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
    return content.getvalue()
