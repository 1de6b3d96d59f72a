from . import base_partner_merge, pbx_erase, pbx_promise_dismiss, pbx_promise_spoken
