"""What a telephone exchange says and what a call is: pure Python, no Odoo, no database.

Nothing is imported here, so that ``telephony.zadarma.signature`` loads with the
standard library alone.
"""
