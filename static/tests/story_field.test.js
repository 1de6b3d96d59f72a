import {describe, expect, test} from "@odoo/hoot";
import {
    queryAll,
    queryAllAttributes,
    queryAllTexts,
    queryAttribute,
    queryFirst,
    queryRect,
} from "@odoo/hoot-dom";
import {advanceTime, animationFrame, mockDate} from "@odoo/hoot-mock";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {
    contains,
    defineModels,
    fields,
    MockServer,
    models,
    mountView,
    onRpc,
} from "@web/../tests/web_test_helpers";

describe.current.tags("desktop");

const DAY = "2026-06-16";
const ANNA = 201;
const BORIS = 202;

class Colleague extends models.Model {
    _name = "colleague";

    name = fields.Char();

    _records = [
        {id: ANNA, name: "Anna"},
        {id: BORIS, name: "<b>Boris</b>"},
    ];
}

class Extension extends models.Model {
    _name = "pbx.extension";

    name = fields.Char();

    _records = [
        {id: 1, name: "100"},
        {id: 2, name: "101"},
        {id: 3, name: "102 Warehouse"},
    ];
}

class Leg extends models.Model {
    _name = "leg";

    call_id = fields.Many2one({relation: "call"});
    number = fields.Char();
    extension_id = fields.Many2one({relation: "pbx.extension"});
    user_id = fields.Many2one({relation: "colleague"});
    start = fields.Datetime();
    answer = fields.Datetime();
    stop = fields.Datetime();
    outcome = fields.Selection({
        selection: [
            ["answered", "Answered"],
            ["missed", "Missed"],
        ],
    });
}

class Call extends models.Model {
    _name = "call";

    name = fields.Char();
    direction = fields.Selection({
        selection: [
            ["inbound", "Incoming"],
            ["outbound", "Outgoing"],
            ["internal", "Internal"],
        ],
    });
    state = fields.Selection({
        selection: [
            ["ringing", "Ringing"],
            ["ongoing", "Talking"],
            ["done", "Ended"],
        ],
    });
    outcome = fields.Selection({
        selection: [
            ["answered", "Answered"],
            ["missed", "Missed"],
            ["busy", "Busy"],
            ["no_answer", "No answer"],
            ["cancelled", "Cancelled"],
            ["failed", "Failed"],
        ],
    });
    number = fields.Char();
    extension_id = fields.Many2one({relation: "pbx.extension"});
    start = fields.Datetime();
    answer = fields.Datetime();
    stop = fields.Datetime();
    talk_seconds = fields.Integer();
    leg_ids = fields.One2many({relation: "leg", relation_field: "call_id"});
}

defineMailModels();
defineModels([Colleague, Extension, Leg, Call]);

/** `0:12` is twelve seconds after noon. */
const at = (time) => time && `${DAY} 12:${time.padStart(5, "0")}`;

const PHONES = {
    100: {user_id: ANNA, extension_id: 1},
    101: {user_id: BORIS, extension_id: 2},
    102: {extension_id: 3},
};

/** A call that began at noon, and its legs by their number: [start, answer, more]. */
function has(call, legs) {
    const times = {
        start: at("0:00"),
        answer: at(call.answer) || false,
        stop: at(call.stop) || false,
    };
    Call._records = [
        {
            id: 1,
            direction: "inbound",
            state: "done",
            talk_seconds: 0,
            ...call,
            ...times,
        },
    ];
    Leg._records = Object.entries(legs).map(
        ([number, [start, answer, more]], index) => ({
            id: index + 1,
            call_id: 1,
            number,
            ...PHONES[number],
            start: at(start) || false,
            answer: at(answer) || false,
            ...more,
            stop: at(more?.stop) || false,
        }),
    );
    Call._records[0].leg_ids = Leg._records.map(({id}) => id);
}

const ANSWERED = {outcome: "answered", answer: "0:12", stop: "1:57", talk_seconds: 105};
const SPOKE = {outcome: "answered"};

async function mountStory(call, legs) {
    mockDate(`${DAY} 12:02:00`, 0);
    has(call, legs);
    await mountView({
        type: "form",
        resModel: "call",
        resId: 1,
        arch: `<form>
            <field name="name"/>
            <field name="leg_ids" widget="pbx_story" readonly="1"/>
        </form>`,
    });
}

/** Read the form again, as its arrows or a message of the bus do. */
async function reload() {
    const name = ".o_field_widget[name=name] input";
    await contains(name).edit(`${queryFirst(name).value}!`, {confirm: false});
    await contains(".o_form_button_save").click();
    await animationFrame();
}

const sentences = () => queryAllTexts(".o_pbx_story_phone .visually-hidden");
const verdicts = () => queryAllTexts(".o_pbx_story_verdict");

/** The parts of each phone: kind, whether its end is known, percents of the axis. */
function parts() {
    const percent = (el, side) => Math.round(parseFloat(el.style[side]));
    return queryAll(".o_pbx_story_phone").map((row) =>
        [...row.querySelectorAll(".o_pbx_story_part")].map((el) => {
            const kind = el.classList.contains("o_pbx_story_talk") ? "talk" : "ring";
            const open = el.classList.contains("o_pbx_story_open") ? "?" : "";
            const from = percent(el, "insetInlineStart");
            return `${kind} ${from}-${from + percent(el, "inlineSize")}${open}`;
        }),
    );
}

test("a phone rings, then it speaks, and the times stand above", async () => {
    await mountStory(
        {...ANSWERED, answer: "0:12", stop: "2:00", talk_seconds: 105},
        {100: ["0:00", "0:12", SPOKE]},
    );
    expect(sentences()).toEqual(["Anna (100): rang for 0:12, spoke for 1:45"]);
    expect(verdicts()).toEqual(["Spoke for 1:45"]);
    expect(".o_pbx_story_verdict .fa-check").toHaveCount(1);
    expect(parts()).toEqual([["ring 0-10", "talk 10-100"]]);
    expect(".o_pbx_story_start bdi").toHaveText(/^12:00:00\s?PM$/);
    expect(".o_pbx_story_answer bdi").toHaveText(/^12:00:12\s?PM$/);
    expect(".o_pbx_story_stop bdi").toHaveText(/^12:02:00\s?PM$/);
    expect(queryAllTexts(".o_pbx_story_axis .visually-hidden")).toEqual([
        "Start",
        "Answered",
        "End",
    ]);
});

test("the bars are where they are said to be", async () => {
    await mountStory(ANSWERED, {100: ["0:00", "0:12", SPOKE]});
    const track = queryRect(".o_pbx_story_track");
    const [ring, talk] = queryAll(".o_pbx_story_part").map((el) => queryRect(el));
    expect(ring.left).toBeWithin(track.left - 1, track.left + 1);
    expect(talk.left).toBeWithin(ring.right - 1, ring.right + 1);
    expect(talk.right).toBeWithin(track.right - 1, track.right + 1);
    expect(ring.height).toBe(track.height);
});

test("where one reads from the right, time runs to the left", async () => {
    await mountStory(ANSWERED, {100: ["0:00", "0:12", SPOKE]});
    queryFirst(".o_pbx_story").style.direction = "rtl";
    await animationFrame();
    const track = queryRect(".o_pbx_story_track");
    const [ring, talk] = queryAll(".o_pbx_story_part").map((el) => queryRect(el));
    expect(ring.right).toBeWithin(track.right - 1, track.right + 1);
    expect(talk.right).toBeWithin(ring.left - 1, ring.left + 1);
    expect(talk.left).toBeWithin(track.left - 1, track.left + 1);
    const [start, , stop] = queryAll(".o_pbx_story_axis bdi").map((el) =>
        queryRect(el),
    );
    expect(start.left).toBeGreaterThan(stop.right);
    expect(queryRect(".o_pbx_story_who").left).toBeGreaterThan(track.right);
});

test("and there what has no known end fades to the left", async () => {
    await mountStory(ANSWERED, {100: ["0:00"], 101: ["0:00", "0:12", SPOKE]});
    const fade = () => getComputedStyle(queryFirst(".o_pbx_story_open")).maskImage;
    expect(fade()).toMatch(/to right/);
    queryFirst(".o_form_view").classList.add("o_rtl");
    expect(fade()).toMatch(/to left/);
});

test("of a ring group nobody tells when the others fell silent", async () => {
    await mountStory(ANSWERED, {
        100: ["0:02", "", {outcome: "missed"}],
        101: ["0:02", "0:12", SPOKE],
        102: ["0:07", "", {}],
    });
    expect(sentences()).toEqual([
        "Anna (100): rang for up to 0:10, did not answer",
        "<b>Boris</b> (101): rang for 0:10, spoke for 1:45",
        "102 Warehouse: rang for up to 0:05, did not answer",
    ]);
    expect(parts()).toEqual([
        ["ring 2-11?"],
        ["ring 2-11", "talk 10-100"],
        ["ring 6-10?"],
    ]);
    expect(".o_pbx_story_verdict .fa-times.text-muted").toHaveCount(2);
});

test("a name is text, and who is unknown has the phone's number", async () => {
    await mountStory(
        {outcome: "missed", stop: "0:20"},
        {101: ["0:02"], 102: ["0:02"], "<i>7</i>": ["0:02"]},
    );
    expect(
        queryAllTexts(".o_pbx_story_who").map((t) => t.replace(/\s+/g, " ")),
    ).toEqual(["<b>Boris</b> 101", "102 Warehouse", "<i>7</i>"]);
    expect(".o_pbx_story b").toHaveCount(0);
    expect(".o_pbx_story_who bdi i").toHaveCount(0);
    expect(".o_pbx_story_avatar img").toHaveCount(1);
    expect(queryAttribute(".o_pbx_story_avatar img", "data-src")).toMatch(
        new RegExp(`/web/image/res\\.users/${BORIS}/avatar_128`),
    );
});

test("a call that was handed on: one talks after the other", async () => {
    await mountStory(
        {outcome: "answered", answer: "0:10", stop: "1:40", talk_seconds: 90},
        {100: ["0:00", "0:10", SPOKE], 101: ["0:40", "0:50", SPOKE]},
    );
    expect(sentences()).toEqual([
        "Anna (100): rang for 0:10, spoke for up to 0:40, then <b>Boris</b> (101) took over",
        "<b>Boris</b> (101): rang for 0:10, spoke for 0:50",
    ]);
    expect(verdicts()).toEqual(["Spoke", "Spoke for 0:50"]);
    expect(parts()).toEqual([
        ["ring 0-10", "talk 10-50?"],
        ["ring 40-50", "talk 50-100"],
    ]);
    const sure = queryFirst(".o_pbx_story_open").style;
    expect(sure.getPropertyValue("--o-pbx-story-sure")).toBe("75%");
});

test("and the end of the first talk is drawn where the PBX tells it", async () => {
    await mountStory(
        {outcome: "answered", answer: "0:10", stop: "1:40", talk_seconds: 90},
        {
            100: ["0:00", "0:10", {...SPOKE, stop: "0:45"}],
            101: ["0:40", "0:50", SPOKE],
        },
    );
    expect(sentences()[0]).toBe(
        "Anna (100): rang for 0:10, spoke for 0:35, then <b>Boris</b> (101) took over",
    );
    expect(parts()[0]).toEqual(["ring 0-10", "talk 10-45"]);
});

test("of two that lifted in one second, who is told to have spoken last was", async () => {
    await mountStory(
        {...ANSWERED, extension_id: 1},
        {100: ["0:00", "0:12", SPOKE], 101: ["0:00", "0:12", SPOKE]},
    );
    expect(sentences()).toEqual([
        "Anna (100): rang for 0:12, spoke for 1:45",
        "<b>Boris</b> (101): rang for 0:12, spoke, then Anna (100) took over",
    ]);
});

test("a phone that rang, and again when another had lifted", async () => {
    await mountStory(
        {outcome: "answered", answer: "0:10", stop: "1:40", talk_seconds: 90},
        {100: ["0:00", "0:50", SPOKE], 101: ["0:00", "0:10", SPOKE]},
    );
    expect(sentences()[0]).toBe("Anna (100): rang for up to 0:10, spoke for 0:50");
    expect(parts()).toEqual([
        ["ring 0-10?", "talk 50-100"],
        ["ring 0-10", "talk 10-50?"],
    ]);
});

test("missed: it rang until the end, or until a voicemail lifted", async () => {
    await mountStory(
        {outcome: "missed", stop: "0:20"},
        {100: ["0:05", "", {outcome: "missed"}]},
    );
    expect(sentences()).toEqual(["Anna (100): rang for up to 0:15, did not answer"]);
    expect(verdicts()).toEqual(["Not answered"]);
    expect(parts()).toEqual([["ring 25-100?"]]);
    expect(".o_pbx_story_verdict .fa-times.text-danger").toHaveCount(1);
    expect(".o_pbx_story_answer").toHaveCount(0);
    expect(".o_pbx_story_tick").toHaveCount(0);
});

test("a ringing whose end is told, and one of which history says nothing", async () => {
    await mountStory(
        {outcome: "missed", stop: "0:20"},
        {
            100: ["0:00", "", {outcome: "missed", stop: "0:15"}],
            101: ["0:00", "", {outcome: "missed", stop: "0:00"}],
        },
    );
    expect(sentences()).toEqual([
        "Anna (100): rang for 0:15, did not answer",
        "<b>Boris</b> (101): rang for up to 0:20, did not answer",
    ]);
    expect(parts()).toEqual([["ring 0-75"], ["ring 0-100?"]]);
});

test("no phone rang", async () => {
    await mountStory({outcome: "missed", stop: "0:20"}, {});
    expect(".o_field_widget[name=leg_ids]").toHaveText("No phone rang.");
    expect(".o_pbx_story").toHaveCount(0);
});

test("no phone rings yet", async () => {
    await mountStory({state: "ringing"}, {});
    expect(".o_field_widget[name=leg_ids]").toHaveText("No phone rings yet.");
});

test("a phone that called waits, and speaks", async () => {
    await mountStory(
        {...ANSWERED, direction: "outbound", extension_id: 1},
        {100: ["0:00", "0:12", SPOKE]},
    );
    expect(sentences()).toEqual([
        "Anna (100): dialled, waited for 0:12, spoke for 1:45",
    ]);
    expect(".o_pbx_story_who .oi-arrow-up-right").toHaveCount(1);
});

test("a phone that called, and handed the call on", async () => {
    await mountStory(
        {...ANSWERED, direction: "outbound", extension_id: 2},
        {100: ["0:45", "0:57", SPOKE], 101: ["0:00", "0:12", SPOKE]},
    );
    expect(sentences()).toEqual([
        "Anna (100): rang for 0:12, spoke for 1:00",
        "<b>Boris</b> (101): dialled, waited for 0:12, spoke for up to 0:45, then Anna (100) took over",
    ]);
});

test("a phone that called in vain", async () => {
    const told = {
        busy: ["it was busy", "Busy", "fa-ban"],
        no_answer: ["nobody answered", "No answer", "fa-times"],
        cancelled: ["hung up before anybody answered", "Cancelled", "fa-times"],
        failed: ["the call failed", "Failed", "fa-exclamation-triangle"],
    };
    await mountStory(
        {direction: "outbound", outcome: "busy", stop: "0:20", extension_id: 1},
        {100: ["0:00"]},
    );
    for (const [outcome, [words, label, icon]] of Object.entries(told)) {
        MockServer.env.call.write([1], {outcome});
        await reload();
        expect(sentences()).toEqual([`Anna (100): dialled, waited for 0:20, ${words}`]);
        expect(verdicts()).toEqual([label]);
        expect(`.o_pbx_story_verdict .${icon}`).toHaveCount(1);
        expect(parts()).toEqual([["ring 0-100"]]);
    }
});

test("an internal call: both speak, and it is told who called", async () => {
    await mountStory(
        {...ANSWERED, direction: "internal", number: "100", extension_id: 2},
        {100: ["0:00", "0:12"], 101: ["0:00", "0:12", SPOKE]},
    );
    expect(sentences()).toEqual([
        "Anna (100): rang for 0:12, spoke for 1:45",
        "<b>Boris</b> (101): dialled, waited for 0:12, spoke for 1:45",
    ]);
    expect(parts()).toEqual([
        ["ring 0-10", "talk 10-100"],
        ["ring 0-10", "talk 10-100"],
    ]);
    expect(".o_pbx_story_phone:eq(1) .oi-arrow-up-right").toHaveCount(1);
    expect(".o_pbx_story_phone:eq(0) .oi-arrow-up-right").toHaveCount(0);
});

test("of an internal call by a phone not entered, it is not the one called", async () => {
    await mountStory(
        {direction: "internal", outcome: "busy", number: "100", stop: "0:20"},
        {100: ["0:00"], 777: ["0:00"]},
    );
    expect(sentences()).toEqual([
        "Anna (100): rang for up to 0:20, it was busy",
        "777: dialled, waited for 0:20, it was busy",
    ]);
});

test("a call that goes on is drawn to now, and grows when it is read again", async () => {
    await mountStory(
        {state: "ongoing", answer: "0:30"},
        {100: ["0:00", "0:30"], 101: ["0:00"]},
    );
    expect(sentences()).toEqual([
        "Anna (100): rang for 0:30, has been talking for 1:30",
        "<b>Boris</b> (101): rang for up to 0:30, did not answer",
    ]);
    expect(verdicts()).toEqual(["Talking", "Not answered"]);
    expect(".o_pbx_story_stop bdi").toHaveText("now");
    expect(parts()[0]).toEqual(["ring 0-25", "talk 25-100"]);
    await advanceTime(180_000);
    await reload();
    expect(sentences()[0]).toBe("Anna (100): rang for 0:30, has been talking for 4:30");
    expect(parts()[0]).toEqual(["ring 0-10", "talk 10-100"]);
});

test("phones that ring now", async () => {
    await mountStory({state: "ringing"}, {100: ["0:30"], 101: ["1:00"]});
    expect(sentences()).toEqual([
        "Anna (100): is ringing",
        "<b>Boris</b> (101): is ringing",
    ]);
    expect(verdicts()).toEqual(["Ringing", "Ringing"]);
    expect(parts()).toEqual([["ring 25-100"], ["ring 50-100"]]);
});

test("a phone that dials now, and then talks", async () => {
    await mountStory({state: "ringing", direction: "outbound"}, {100: ["0:00"]});
    expect(sentences()).toEqual(["Anna (100): dialled, is waiting"]);
    expect(verdicts()).toEqual(["Waiting"]);
    // Not every PBX says by which phone an outgoing call is answered.
    MockServer.env.call.write([1], {state: "ongoing", answer: at("1:00")});
    await reload();
    expect(verdicts()).toEqual(["Talking"]);
    expect(parts()).toEqual([["ring 0-50", "talk 50-100"]]);
});

test("the only one who spoke lifted when the call was answered", async () => {
    await mountStory(ANSWERED, {100: ["0:00"], 101: ["0:02", "", SPOKE]});
    expect(sentences()).toEqual([
        "Anna (100): rang for up to 0:12, did not answer",
        "<b>Boris</b> (101): rang for 0:10, spoke for 1:45",
    ]);
});

test("of several who spoke at times unknown nothing is drawn", async () => {
    await mountStory(ANSWERED, {100: ["", "", SPOKE], 101: ["", "", SPOKE]});
    expect(sentences()).toEqual(["Anna (100): spoke", "<b>Boris</b> (101): spoke"]);
    expect(verdicts()).toEqual(["Spoke", "Spoke"]);
    expect(parts()).toEqual([[], []]);
});

test("nor is told how long the one spoke whose times are known", async () => {
    await mountStory(ANSWERED, {100: ["0:00", "0:12", SPOKE], 101: ["", "", SPOKE]});
    expect(sentences()).toEqual([
        "Anna (100): rang for 0:12, spoke for up to 1:45",
        "<b>Boris</b> (101): spoke",
    ]);
    expect(parts()).toEqual([["ring 0-10", "talk 10-100?"], []]);
});

test("what history alone tells: no ringing, and each talk with its end", async () => {
    await mountStory(
        {outcome: "answered", answer: "0:00", stop: "1:40", talk_seconds: 100},
        {
            100: ["0:00", "", {outcome: "missed", stop: "0:00"}],
            101: ["0:00", "0:00", {...SPOKE, stop: "1:40"}],
        },
    );
    expect(sentences()).toEqual([
        "Anna (100): rang, did not answer",
        "<b>Boris</b> (101): spoke for 1:40",
    ]);
    expect(parts()[1]).toEqual(["talk 0-100"]);
});

test("a call whose end was never told trails off", async () => {
    await mountStory(
        {outcome: "answered", answer: "0:30"},
        {100: ["0:00", "0:30", SPOKE]},
    );
    expect(sentences()).toEqual(["Anna (100): rang for 0:30, spoke"]);
    expect(".o_pbx_story_stop").toHaveCount(0);
    expect(".o_pbx_story_open.o_pbx_story_talk").toHaveCount(1);
});

test("times before the start and behind the end stay on the axis", async () => {
    await mountStory(
        {outcome: "answered", answer: "0:10", stop: "0:50", talk_seconds: 40},
        {
            100: ["", "0:10", {...SPOKE, start: `${DAY} 11:59:58`}],
            101: ["1:30", "", {}],
        },
    );
    expect(parts()).toEqual([["ring 0-20", "talk 20-100"], ["ring 100-100?"]]);
    expect(sentences()[1]).toBe("<b>Boris</b> (101): rang, did not answer");
});

test("what history corrected to be missed did not speak", async () => {
    await mountStory(
        {outcome: "missed", stop: "0:50"},
        {100: ["0:00", "0:10", {outcome: "missed"}]},
    );
    expect(verdicts()).toEqual(["Not answered"]);
    expect(parts()).toEqual([["ring 0-100?"]]);
});

test("nothing more is asked of the server than the call", async () => {
    onRpc(({method}) => expect.step(method));
    await mountStory(ANSWERED, {100: ["0:00", "0:12", SPOKE]});
    expect.verifySteps(["get_views", "web_read"]);
});

const inList = () =>
    mountView({
        type: "list",
        resModel: "call",
        arch: `<list><field name="leg_ids" widget="pbx_story" options="{'compact': true}"/></list>`,
    });

test("small, in a list: a picture, a bar and an icon for each phone", async () => {
    has(ANSWERED, {100: ["0:00"], 101: ["0:00", "0:12", SPOKE]});
    await inList();
    expect(queryAllAttributes(".o_pbx_story_compact li", "title")).toEqual([
        "Anna (100): rang for up to 0:12, did not answer",
        "<b>Boris</b> (101): rang for 0:12, spoke for 1:45",
    ]);
    expect(queryAllTexts(".o_pbx_story_compact .visually-hidden")).toEqual(
        queryAllAttributes(".o_pbx_story_compact li", "title"),
    );
    expect(".o_pbx_story_compact img").toHaveCount(2);
    expect(".o_pbx_story_compact .o_pbx_story_talk").toHaveCount(1);
    expect(".o_pbx_story_compact i.fa-check").toHaveCount(1);
    expect(".o_pbx_story_axis").toHaveCount(0);
});

test("small, of many phones some, and always who spoke", async () => {
    const rung = {200: ["0:00"], 201: ["0:00"], 202: ["0:00"], 203: ["0:00"]};
    has(ANSWERED, {...rung, 204: ["0:00", "0:12", SPOKE]});
    await inList();
    const titles = queryAllAttributes(".o_pbx_story_compact li", "title");
    expect(titles).toEqual([
        "200: rang for up to 0:12, did not answer",
        "201: rang for up to 0:12, did not answer",
        "204: rang for 0:12, spoke for 1:45",
        "202: rang for up to 0:12, did not answer\n203: rang for up to 0:12, did not answer",
    ]);
    expect(".o_pbx_story_compact li:last-child bdi").toHaveText("+2");
});

test("small, of a call in which no phone rang, nothing", async () => {
    has({outcome: "missed", stop: "0:07"}, {});
    await inList();
    expect(".o_data_cell").toHaveText("");
});
