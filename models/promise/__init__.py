from . import follow, mail_activity, pbx_promise, responsible
