"""What any fake PBX needs; ``fake_zadarma`` and ``fake_beeline`` are whole ones.

``serving`` a Flask application on 127.0.0.1 · ``page`` what the pages share ·
``control`` requests of the control API · ``client`` how a command line asks it ·
``posting`` events · ``faults`` broken answers on request · ``journal`` what was said in
both directions · ``sound`` recordings as real files · ``past`` two weeks of an office.
"""
