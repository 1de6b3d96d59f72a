"""The limits that all workers of all machines share: two processes, eight threads."""

import re
from concurrent.futures import ThreadPoolExecutor

PROGRAM = """
import threading
from odoo.addons.cloud_pbx.telephony.errors import RateLimited
from odoo.modules.registry import Registry
provider = env["pbx.provider"].search([("name", "=", "Asked by two")])
wires = []
for _ in range(4):
    cr = Registry(env.cr.dbname).cursor()
    wires.append(provider.with_env(env(cr=cr))._open_api(urgent=True)[1].wire)
counts = [0] * 4
def ask(place):
    for _ in range(20):
        try:
            wires[place].may_ask("general")
            counts[place] += 1
        except RateLimited:
            pass  # as it has to be, from the fifty-first on
threads = [threading.Thread(target=ask, args=(place,)) for place in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print("PASSED", sum(counts))
"""


def test_two_processes_stay_within_one_limit(odoo, admin):
    # Of its own: no job of the server asks this one anything meanwhile.
    [mine] = admin.call(
        "pbx.provider",
        "create",
        [
            {
                "name": "Asked by two",
                "dialect": "zadarma",
                "api_key": "key-of-two",
                "api_secret": "secret-of-two",
                "general_limit": 50,
            }
        ],
    )
    with ThreadPoolExecutor(2) as pool:
        outputs = list(pool.map(odoo.shell, [PROGRAM, PROGRAM]))
    lines = [line for text in outputs for line in text.splitlines()]
    passed = [int(line.split()[-1]) for line in lines if "PASSED" in line]
    assert len(passed) == 2, outputs
    assert sum(passed) == 50
    # They met, began anew, and made no error of it.
    logged = "".join(outputs) + odoo.log_text()
    assert not re.search("bad query.*pbx_rate", logged)
    [[counted]] = odoo.sql(
        "select jsonb_array_length(sent) from pbx_rate where provider_id = %s", [mine]
    )
    assert counted == 50
    admin.call("pbx.provider", "unlink", [mine])
