"""Odoo is killed once Beeline's answer is stored: what is left over is given back."""

import log

PATIENCE_SECONDS = 40


def test_a_kill_before_the_old_one_is_given_back(beeline):
    [before] = beeline.live()
    beeline.fault("timeout", method="DELETE", path="/subscription", seconds=60)
    beeline.make_due()
    log.until(lambda: beeline.known() != [before], PATIENCE_SECONDS, "it is stored")
    log.until(
        lambda: beeline.subscription()["superseded"], PATIENCE_SECONDS, "as superseded"
    )
    beeline.odoo.kill()
    beeline.pbx.post("/control/faults")
    [after] = beeline.known()
    assert beeline.live() == [before, after]
    beeline.odoo.start()
    beeline.admin = beeline.odoo.login("admin")
    # Both tell of each call, and both are known: one call comes of it.
    last = beeline.last_call()
    played = beeline.pbx.play("answered", caller="+79000003001")
    assert {one["status"] for one in played["events"]} == {200}
    beeline.assert_is(beeline.call_of(played["ref"]), played["truth"])
    assert len(beeline.calls(("id", ">", last))) == 1
    # The next renewal gives back what it replaces, and what was left over.
    beeline.make_due()
    log.until(
        lambda: beeline.known() == beeline.live() != [after], PATIENCE_SECONDS, "one"
    )
    assert beeline.subscription()["superseded"] is None
    assert beeline.read("state")["state"] == "connected"
