"""How a machine writes."""

# No followers, no tracking, no "created" line in the chatter.
QUIET = {
    "tracking_disable": True,
    "mail_create_nosubscribe": True,
    "mail_create_nolog": True,
    "mail_notrack": True,
}


def to_second(moment):
    """Return a moment as the database keeps it; ``False`` for none."""
    return moment.replace(microsecond=0) if moment else False
