"""“N/A” is no id of a leg: it joined every attended transfer of a PBX to the first."""


def migrate(cr, version):
    cr.execute("DELETE FROM pbx_call_ref WHERE ref = 'N/A'")
