"""What any fake PBX needs; ``fake_zadarma`` is a whole one.

``serving`` a Flask application on 127.0.0.1 · ``faults`` broken answers on request ·
``journal`` what was said in both directions · ``sound`` recordings as real files.
"""
