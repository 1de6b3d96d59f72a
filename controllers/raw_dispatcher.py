from odoo.http import HttpDispatcher


class RawDispatcher(HttpDispatcher):
    """Calls an endpoint with what its path names, and with nothing else.

    Odoo's own dispatcher reads every form and hands each field on as an argument: work
    before anybody has proven anything, and names such as ``self`` that no function can
    be given.
    """

    routing_type = "pbx_raw"
    # Not among the types that Odoo offers where another one does not fit.
    mimetypes = ()

    def dispatch(self, endpoint, args):
        self.request.params = dict(args)
        return self.request.registry["ir.http"]._dispatch(endpoint)
