import {beforeEach, describe, expect, test} from "@odoo/hoot";
import {mockDate} from "@odoo/hoot-mock";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {onRpc} from "@web/../tests/web_test_helpers";

import {ago, makeCard, mockDeskServer, openListening} from "./desk_helpers";
import {pass, settle} from "./settle_helpers";

describe.current.tags("desktop");

defineMailModels();

const SIGHT = ".o_pbx_first_sight:not([hidden])";

let server = null;
let desk = null;

/** A page that has listened for a minute. */
async function openPage() {
    server = mockDeskServer();
    desk = await openListening();
}

beforeEach(() => mockDate("2026-06-16 12:00:00", 0));

test("a third message does not announce it again", async () => {
    await openPage();
    server.later();
    server.tell(makeCard({start: ago(0)}));
    server.change(1, {state: "taken", taken_by: "Boris"});
    await settle();
    expect(SIGHT).toHaveCount(0);
    server.change(1, {state: "done", outcome: "answered"});
    await settle();
    expect(SIGHT).toHaveCount(0);
});

test("of a call that began while the page slept, told after the first beat", async () => {
    await openPage();
    desk.pulse.last -= 6000; // as if no timer had run for so long
    await pass(1.1); // on waking the timer comes first, then the message
    server.later();
    server.tell(makeCard({start: ago(5)}));
    await settle();
    expect(SIGHT).toHaveCount(0);
});

test("one told meanwhile goes too, when the connection is lost", async () => {
    await openPage();
    const answerNow = server.later();
    server.isLost = true;
    server.tell(makeCard({id: 1, start: ago(0)}));
    await settle();
    server.tell(makeCard({id: 2, start: ago(0)}));
    await settle();
    answerNow();
    await settle();
    await pass(60);
    expect(SIGHT).toHaveCount(0);
});

test("one told meanwhile goes too, and is asked, where the server has a bug", async () => {
    expect.errors(1);
    await openPage();
    const answerNow = server.later();
    let bad = true;
    onRpc("pbx.desk", "cards", async () => {
        await server.slow;
        if (bad) {
            bad = false;
            throw new Error("a bug");
        }
    });
    server.tell(makeCard({id: 1, start: ago(0)}));
    await settle();
    server.tell(makeCard({id: 2, start: ago(0)}));
    await settle();
    answerNow();
    await settle();
    expect.verifyErrors(["a bug"]);
    await pass(300);
    expect(SIGHT).toHaveCount(0);
});

test("where a server hangs it goes, too", async () => {
    await openPage();
    server.later();
    server.tell(makeCard({start: ago(0)}));
    await settle();
    expect(SIGHT).toHaveCount(1);
    await pass(120);
    expect(SIGHT).toHaveCount(0);
});

test("not to be disturbed, it goes", async () => {
    await openPage();
    server.later();
    server.tell(makeCard({start: ago(0)}));
    await settle();
    desk.setOwn({do_not_disturb: true});
    await settle();
    expect(SIGHT).toHaveCount(0);
});

test("of a call among our own phones nothing: the number may be one's own", async () => {
    await openPage();
    server.later();
    server.tell(makeCard({start: ago(0), direction: "internal", number: "101"}));
    await settle();
    expect(SIGHT).toHaveCount(0);
});

test("where all is read anew, its card takes its place", async () => {
    await openPage();
    const answerNow = server.later();
    const loaded = desk.load();
    server.tell(makeCard({start: ago(0)}));
    await settle();
    expect(SIGHT).toHaveCount(1);
    desk.put(makeCard({start: ago(0)})); // as what was read has it
    await settle();
    expect(SIGHT).toHaveCount(0);
    expect(".o_pbx_card").toHaveCount(1);
    answerNow();
    await loaded;
});
