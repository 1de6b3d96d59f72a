"""What a telephone exchange says and what a call is: pure Python, no Odoo, no database.

Nothing is imported here, so that a dialect's module of signatures loads with the
standard library alone.
"""
