"""The last outage of an Asterisk is kept apart from its last replay."""


def migrate(cr, version):
    # More than twenty events were an outage before, too.
    cr.execute(
        """UPDATE pbx_replay SET outage_at = replayed_at, outage_count = replayed_count
            WHERE replayed_count > 20"""
    )
