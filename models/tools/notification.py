def notification(message, kind="info", sticky=False):
    """Return the client action that shows a message and reads the view again.

    It takes the place of the one before, which may be settled by now.

    :param str message: in the user's language.
    :param str kind: ``info``, ``success``, ``warning`` or ``danger``.
    :param bool sticky: it stays until it is closed.
    """
    return {
        "type": "ir.actions.client",
        "tag": "cloud_pbx_notification",
        "params": {
            "message": message,
            "type": kind,
            "sticky": sticky,
            "next": {"type": "ir.actions.client", "tag": "soft_reload"},
        },
    }
