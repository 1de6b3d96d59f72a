"""A look-alike of Beeline's cloud PBX: API, events, and a page to play with both.

``scenarios`` and ``document`` are pure and need the standard library alone; the rest
needs Flask, jsonschema and requests. Start it with ``python dev/fake_beeline serve``.
"""
