import {describe, expect, test} from "@odoo/hoot";
import {queryFirst} from "@odoo/hoot-dom";
import {advanceTime, animationFrame} from "@odoo/hoot-mock";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {contains, MockServer} from "@web/../tests/web_test_helpers";

import {
    ANSWERED,
    at,
    defineStoryModels,
    mountStory,
    parts,
    sentences,
    SPOKE,
    verdicts,
} from "./timeline_helpers";

describe.current.tags("desktop");

defineMailModels();
defineStoryModels();

/** Read the form again, as its arrows or a message of the bus do. */
async function reload() {
    const name = ".o_field_widget[name=name] input";
    await contains(name).edit(`${queryFirst(name).value}!`, {confirm: false});
    await contains(".o_form_button_save").click();
    await animationFrame();
}

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
    expect(".o_pbx_timeline_verdict .fa-times.text-muted").toHaveCount(2);
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
    const sure = queryFirst(".o_pbx_timeline_open").style;
    expect(sure.getPropertyValue("--o-pbx-timeline-sure")).toBe("75%");
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
    expect(".o_pbx_timeline_verdict .fa-times.text-danger").toHaveCount(1);
    expect(".o_pbx_timeline_answer").toHaveCount(0);
    expect(".o_pbx_timeline_tick").toHaveCount(0);
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

test("a phone that called waits, and speaks", async () => {
    await mountStory(
        {...ANSWERED, direction: "outbound", extension_id: 1},
        {100: ["0:00", "0:12", SPOKE]},
    );
    expect(sentences()).toEqual([
        "Anna (100): dialled, waited for 0:12, spoke for 1:45",
    ]);
    expect(".o_pbx_timeline_who .oi-arrow-up-right").toHaveCount(1);
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
    const expected = {
        busy: ["it was busy", "Busy", "fa-ban"],
        no_answer: ["nobody answered", "No answer", "fa-times"],
        cancelled: ["hung up before anybody answered", "Cancelled", "fa-times"],
        failed: ["the call failed", "Failed", "fa-exclamation-triangle"],
    };
    await mountStory(
        {direction: "outbound", outcome: "busy", stop: "0:20", extension_id: 1},
        {100: ["0:00"]},
    );
    for (const [outcome, [words, label, icon]] of Object.entries(expected)) {
        MockServer.env.call.write([1], {outcome});
        await reload();
        expect(sentences()).toEqual([`Anna (100): dialled, waited for 0:20, ${words}`]);
        expect(verdicts()).toEqual([label]);
        expect(`.o_pbx_timeline_verdict .${icon}`).toHaveCount(1);
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
    expect(".o_pbx_timeline_phone:eq(1) .oi-arrow-up-right").toHaveCount(1);
    expect(".o_pbx_timeline_phone:eq(0) .oi-arrow-up-right").toHaveCount(0);
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
    expect(".o_pbx_timeline_stop bdi").toHaveText("now");
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
