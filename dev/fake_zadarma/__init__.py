"""A fake Zadarma: its API, its calls, and a page to play with both.

``scenarios`` is pure and needs the standard library alone; the rest needs Flask,
jsonschema and requests. Start it with ``python dev/fake_zadarma serve``.
"""
