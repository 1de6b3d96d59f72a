"""A Zadarma look-alike: its API, its switchboard, and a page to play with both.

``switchboard`` is pure and needs the standard library alone; the rest needs Flask,
jsonschema and requests. Start it with ``python dev/sandbox serve``.
"""
