"""A PBX that takes few questions at once: all workers together wait for their turn."""

import re
from concurrent.futures import ThreadPoolExecutor

CLOCK_SECONDS = 0.01
PROGRAM = """
import threading, time
from odoo.addons.cloud_pbx.telephony.errors import RateLimited
from odoo.modules.registry import Registry
provider = env["pbx.provider"].search([("name", "=", "Asked in turns")])
wires = []
for _ in range(4):
    cr = Registry(env.cr.dbname).cursor()
    wires.append(provider.with_env(env(cr=cr))._open_api(urgent=True)[1].wire)
lines = []
def ask(place):
    for _ in range(5):
        try:
            wires[place].may_ask("general")
        except RateLimited as error:
            lines.append(f"LATER {error.retry_after}")
            time.sleep(error.retry_after)
        else:
            lines.append(f"ASKED {time.time():.3f}")
threads = [threading.Thread(target=ask, args=(place,)) for place in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print("\\n".join(lines))
"""


def test_two_processes_ask_in_turns(odoo, admin):
    [mine] = admin.call(
        "pbx.provider",
        "create",
        [{"name": "Asked in turns", "dialect": "beeline", "api_key": "a-token"}],
    )
    with ThreadPoolExecutor(2) as pool:
        outputs = list(pool.map(odoo.shell, [PROGRAM, PROGRAM]))
    text = "\n".join(outputs)
    times = sorted(float(one) for one in re.findall(r"^ASKED (\S+)", text, re.M))
    pauses = [int(one) for one in re.findall(r"^LATER (\S+)", text, re.M)]
    assert len(times) + len(pauses) == 40, text
    assert len(times) >= 15
    # Never more than three in a second, and nobody before its turn; who would wait for
    # long is told when to come.
    [[turns]] = odoo.sql("select sent from pbx_rate where provider_id = %s", [mine])
    turns.sort()
    assert len(turns) > 10  # those of the last minute
    for first, fourth in zip(turns, turns[3:], strict=False):
        assert fourth - first >= 1, turns
    for turn, asked in zip(turns, times[-len(turns) :], strict=True):
        assert asked >= turn - CLOCK_SECONDS, (turns, times)
    assert all(1 <= pause <= 10 for pause in pauses), pauses
    assert not re.search("bad query.*pbx_rate", text + odoo.log_text())
    admin.call("pbx.provider", "unlink", [mine])
