from odoo import SUPERUSER_ID, http
from odoo.http import request
from odoo.service import security


class People(http.Controller):
    """What a benchmark needs to have many people log in."""

    @http.route(
        "/bench/login/<int:uid>",
        type="http",
        auth="none",
        methods=["POST"],
        csrf=False,
    )
    def login(self, uid):
        """Log a user in, without the half second that a password takes on purpose."""
        session, env = request.session, request.env(user=uid)
        session.uid, session.login = uid, env.user.login
        session.context = dict(env["res.users"].context_get())
        session.session_token = security.compute_session_token(session, env)
        return request.make_response("")

    @http.route(
        "/bench/message/<int:uid>",
        type="http",
        auth="none",
        methods=["POST"],
        csrf=False,
        save_session=False,
    )
    def message(self, uid):
        """What any addon pays that tells a page something: a bus message, no more."""
        user = request.env(user=SUPERUSER_ID, su=True)["res.users"].browse(uid)
        user._bus_send("cloud_pbx_bench.bare", {"contact": user.partner_id.id})
        return request.make_response("")
