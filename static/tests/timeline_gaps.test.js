import {describe, expect, test} from "@odoo/hoot";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";

import {
    ANSWERED,
    DAY,
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
    expect(".o_pbx_timeline_stop").toHaveCount(0);
    expect(".o_pbx_timeline_open.o_pbx_timeline_talk").toHaveCount(1);
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
