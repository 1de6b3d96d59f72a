"""Run by `odoo shell`: builds the bundles that pages and browser tests load, once.

A test's transaction is rolled back, and a bundle built in it is lost with it: every
tour would build its own again, ten seconds each.
"""

import os

# (bundle, with its styles, with its scripts), as the pages' templates call them
PAGES = [
    ("web.assets_web", True, True),
    ("web.assets_web_print", True, False),
    ("web.assets_frontend", True, False),
    ("web.assets_frontend_minimal", False, True),
    ("web.assets_frontend_lazy", False, True),
]
TESTS = [
    ("web.assets_tests", True, True),
    ("web.assets_unit_tests_setup", True, True),
    ("web.assets_unit_tests", True, True),
]

for name, css, js in PAGES + (TESTS if "WITH_TESTS" in os.environ else []):
    bundle = env["ir.qweb"]._get_asset_bundle(name, css=css, js=js)  # noqa: F821
    if js:
        bundle.js()
    if css:
        bundle.css()
env.cr.commit()  # noqa: F821
