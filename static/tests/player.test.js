import {describe, expect, test} from "@odoo/hoot";
import {
    click,
    keyDown,
    press,
    queryAll,
    queryAllAttributes,
    queryAllTexts,
    queryFirst,
    queryOne,
} from "@odoo/hoot-dom";
import {animationFrame, mockDate} from "@odoo/hoot-mock";
import {Component, xml} from "@odoo/owl";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {
    defineModels,
    fields,
    models,
    mountView,
    mountWithCleanup,
    patchWithCleanup,
} from "@web/../tests/web_test_helpers";
import {browser} from "@web/core/browser/browser";

import {Player} from "@cloud_pbx/player/player";

describe.current.tags("desktop");

class Recording extends models.Model {
    _name = "recording";

    call_id = fields.Many2one({relation: "call"});
    state = fields.Selection({
        selection: [
            ["waiting", "At the PBX"],
            ["stored", "Stored"],
            ["linked", "Linked"],
            ["failed", "Failed"],
            ["expired", "Expired"],
        ],
    });
    error = fields.Text();
    next_attempt_at = fields.Datetime();
    speaker = fields.Char();
    talk_seconds = fields.Integer();

    _records = [
        {id: 1, call_id: 1, state: "stored", speaker: "Anna (100)", talk_seconds: 83},
        {id: 2, call_id: 1, state: "linked", speaker: "Ben (101)"},
        {id: 3, call_id: 1, state: "waiting", next_attempt_at: "2026-06-16 11:00:00"},
        {
            id: 4,
            call_id: 1,
            state: "waiting",
            error: "The PBX does not have it, or not yet.",
            next_attempt_at: "2026-06-16 13:30:00",
        },
        {id: 5, call_id: 1, state: "failed", error: "It <b>broke</b>."},
        {id: 6, call_id: 1, state: "expired"},
        {id: 7, call_id: 3, state: "stored", speaker: "Anna (100)", talk_seconds: 83},
    ];
}

class Call extends models.Model {
    _name = "call";

    name = fields.Char();
    recording_ids = fields.One2many({
        relation: "recording",
        relation_field: "call_id",
    });

    _records = [
        {id: 1, name: "One", recording_ids: [1, 2, 3, 4, 5, 6]},
        {id: 2, name: "Two", recording_ids: []},
        {id: 3, name: "Three", recording_ids: [7]},
    ];
}

defineMailModels();
defineModels([Recording, Call]);

/** A browser whose audio elements are 100 seconds long and play in silence. */
function mockAudio() {
    const did = [];
    const paused = new WeakMap();
    const tell = (el, name) => el.dispatchEvent(new Event(name));
    patchWithCleanup(HTMLMediaElement.prototype, {
        play() {
            paused.set(this, false);
            did.push(`play ${new URL(this.src).pathname}`);
            tell(this, "play");
            tell(this, "loadedmetadata");
            tell(this, "playing");
            return Promise.resolve();
        },
        pause() {
            if (paused.get(this) === false) {
                paused.set(this, true);
                did.push(`pause ${new URL(this.src).pathname}`);
                tell(this, "pause");
            }
        },
        load() {
            did.push("load");
        },
        get paused() {
            return paused.get(this) !== false;
        },
        get duration() {
            return 100;
        },
        get currentTime() {
            return this.position || 0;
        },
        set currentTime(seconds) {
            this.position = seconds;
            tell(this, "timeupdate");
        },
    });
    return () => did.splice(0);
}

const mountPlayer = (url = "/pbx/recording/1", props = {}) =>
    mountWithCleanup(Player, {props: {url, ...props}});

test("nothing is loaded before somebody wants to hear it", async () => {
    await mountPlayer();
    expect("audio").toHaveAttribute("preload", "none");
    expect("button[aria-label=Play]").toHaveCount(1);
    expect("input[type=range]").not.toBeEnabled();
    expect(".o_pbx_player_download").toHaveAttribute(
        "href",
        "/pbx/recording/1?download=1",
    );
});

test("it plays, tells where it is, goes on at another place", async () => {
    const done = mockAudio();
    await mountPlayer();
    await click("button[aria-label=Play]");
    await animationFrame();
    expect(done()).toEqual(["play /pbx/recording/1"]);
    expect("button[aria-label=Pause]").toHaveCount(1);
    expect(".o_pbx_duration").toHaveText("0:00 / 1:40");
    const seek = queryOne("input[type=range]");
    expect(seek).toBeEnabled();
    expect(seek).toHaveAttribute("aria-label", "Position");
    seek.value = "61";
    seek.dispatchEvent(new Event("input"));
    await animationFrame();
    expect(queryOne("audio").currentTime).toBe(61);
    expect(".o_pbx_duration").toHaveText("1:01 / 1:40");
    expect(seek).toHaveAttribute("aria-valuetext", "1:01 of 1:40");
    await click("button[aria-label=Pause]");
    await animationFrame();
    expect(done()).toEqual(["pause /pbx/recording/1"]);
    expect("button[aria-label=Play]").toHaveCount(1);
});

test("arrow keys go five seconds, and not beyond the ends", async () => {
    const done = mockAudio();
    await mountPlayer();
    await click("button[aria-label=Play]");
    await animationFrame();
    expect(done()).toEqual(["play /pbx/recording/1"]);
    const audio = queryOne("audio");
    queryFirst("input[type=range]").focus();
    await press("ArrowRight");
    await press("ArrowRight");
    expect(audio.currentTime).toBe(10);
    await press("ArrowLeft");
    expect(audio.currentTime).toBe(5);
    await press("ArrowLeft");
    await press("ArrowLeft");
    expect(audio.currentTime).toBe(0);
    audio.currentTime = 98;
    await press("ArrowUp");
    expect(audio.currentTime).toBe(100);
});

test("it plays faster", async () => {
    const done = mockAudio();
    await mountPlayer();
    const told = [];
    for (let turn = 0; turn < 5; turn++) {
        told.push(queryOne(".o_pbx_player_speed").textContent.trim());
        await click(".o_pbx_player_speed");
        await animationFrame();
    }
    expect(told).toEqual(["1×", "1.25×", "1.5×", "2×", "1×"]);
    expect(queryOne("audio").playbackRate).toBe(1.25);
    expect(".o_pbx_player_speed").toHaveAttribute("aria-label", "Speed: 1.25×");
    await click("button[aria-label=Play]");
    expect(queryOne("audio").playbackRate).toBe(1.25);
    expect(done()).toEqual(["play /pbx/recording/1"]);
});

test("one is heard at a time", async () => {
    const done = mockAudio();
    class Two extends Component {
        static components = {Player};
        static props = {};
        static template = xml`
            <Player url="'/pbx/recording/1'"/><Player url="'/pbx/recording/2'"/>`;
    }
    await mountWithCleanup(Two);
    const [first, second] = queryAll(".o_pbx_player_toggle");
    await click(first);
    await animationFrame();
    await click(second);
    await animationFrame();
    expect(done()).toEqual([
        "play /pbx/recording/1",
        "play /pbx/recording/2",
        "pause /pbx/recording/1",
    ]);
    expect("button[aria-label=Pause]").toHaveCount(1);
});

test("why it cannot be played is said in the server's words", async () => {
    const done = mockAudio();
    const answers = [
        new Response("The PBX was asked as often as it allows.", {
            status: 503,
            headers: {"Content-Type": "text/plain; charset=utf-8"},
        }),
        new Response("<h1>404</h1>", {
            status: 404,
            headers: {"Content-Type": "text/html"},
        }),
    ];
    await mountPlayer();
    patchWithCleanup(browser, {fetch: async () => answers.shift()});
    queryOne("audio").dispatchEvent(new Event("error"));
    await animationFrame();
    expect("[role=alert]").toHaveText("The PBX was asked as often as it allows.");
    queryOne("audio").dispatchEvent(new Event("error"));
    await animationFrame();
    expect("[role=alert]").toHaveText("This recording cannot be played now.");
    await click("button[aria-label=Play]");
    await animationFrame();
    expect("[role=alert]").toHaveCount(0);
    expect(done()).toEqual(["load", "play /pbx/recording/1"]);
});

test("what became of each recording of a call", async () => {
    mockDate("2026-06-16 12:00:00", 0);
    await mountView({
        type: "form",
        resModel: "call",
        resId: 1,
        arch: `<form><field name="recording_ids" readonly="1"><list no_open="1">
                <field name="state" widget="pbx_player"/>
            </list></field></form>`,
    });
    expect(queryAll("audio").map((el) => new URL(el.src).pathname)).toEqual([
        "/pbx/recording/1",
        "/pbx/recording/2",
    ]);
    const told = queryAllTexts(".o_pbx_fate").map((text) =>
        text.replace("\u202f", " "),
    );
    expect(told).toEqual([
        "At the PBX. It will be fetched: in a moment.",
        "Not fetched yet: The PBX does not have it, or not yet. Next attempt: Jun 16, 1:30 PM.",
        "Not fetched: It <b>broke</b>.",
        "Deleted: its time to be kept is over.",
    ]);
    expect(".o_pbx_fate.text-danger").toHaveCount(1);
    expect(".o_pbx_fate b").toHaveCount(0, {message: "a reason is text"});
});

test("in a list of calls a click on the player does not open the call", async () => {
    const done = mockAudio();
    await mountView({
        type: "list",
        resModel: "call",
        arch: `<list><field name="name"/>
            <field name="recording_ids" widget="pbx_players"/></list>`,
        selectRecord: () => expect.step("opened"),
    });
    expect(".o_pbx_player_compact").toHaveCount(3);
    // Where a call has several, each says whose it is.
    expect(queryAllAttributes(".o_pbx_player_toggle", "aria-label")).toEqual([
        "Play: Anna (100), 1:23",
        "Play: Ben (101)",
        "Play",
    ]);
    expect("i.o_pbx_fate[role=img]").toHaveCount(4);
    await click(".o_pbx_player_toggle:first");
    await animationFrame();
    expect(done()).toEqual(["play /pbx/recording/1"]);
    queryFirst("input[type=range]").focus();
    await keyDown("ArrowDown");
    expect(document.activeElement).toBe(queryFirst("input[type=range]"));
    await click(".o_data_row:eq(1) .o_data_cell");
    expect.verifySteps(["opened"]);
});
