import {describe, expect, test} from "@odoo/hoot";
import {
    queryAll,
    queryAllAttributes,
    queryAllTexts,
    queryAttribute,
    queryFirst,
    queryRect,
} from "@odoo/hoot-dom";
import {animationFrame} from "@odoo/hoot-mock";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {mountView, onRpc} from "@web/../tests/web_test_helpers";

import {
    ANSWERED,
    BORIS,
    defineStoryModels,
    has,
    mountStory,
    parts,
    sentences,
    SPOKE,
    verdicts,
} from "./timeline_helpers";

describe.current.tags("desktop");

defineMailModels();
defineStoryModels();

test("a phone rings, then it speaks, and the times stand above", async () => {
    await mountStory(
        {...ANSWERED, answer: "0:12", stop: "2:00", talk_seconds: 105},
        {100: ["0:00", "0:12", SPOKE]},
    );
    expect(sentences()).toEqual(["Anna (100): rang for 0:12, spoke for 1:45"]);
    expect(verdicts()).toEqual(["Spoke for 1:45"]);
    expect(".o_pbx_timeline_verdict .fa-check").toHaveCount(1);
    expect(parts()).toEqual([["ring 0-10", "talk 10-100"]]);
    expect(".o_pbx_timeline_start bdi").toHaveText(/^12:00:00\s?PM$/);
    expect(".o_pbx_timeline_answer bdi").toHaveText(/^12:00:12\s?PM$/);
    expect(".o_pbx_timeline_stop bdi").toHaveText(/^12:02:00\s?PM$/);
    expect(queryAllTexts(".o_pbx_timeline_axis .visually-hidden")).toEqual([
        "Start",
        "Answered",
        "End",
    ]);
});

test("a time that reads the same as another is written once", async () => {
    await mountStory({...ANSWERED, answer: "0:00"}, {100: ["0:00", "0:00", SPOKE]});
    expect(queryAllTexts(".o_pbx_timeline_axis .visually-hidden")).toEqual([
        "Start",
        "End",
    ]);
});

test("the bars are where they are said to be", async () => {
    await mountStory(ANSWERED, {100: ["0:00", "0:12", SPOKE]});
    const track = queryRect(".o_pbx_timeline_track");
    const [ring, talk] = queryAll(".o_pbx_timeline_part").map((el) => queryRect(el));
    expect(ring.left).toBeWithin(track.left - 1, track.left + 1);
    expect(talk.left).toBeWithin(ring.right - 1, ring.right + 1);
    expect(talk.right).toBeWithin(track.right - 1, track.right + 1);
    expect(ring.height).toBe(track.height);
});

test("where one reads from the right, time runs to the left", async () => {
    await mountStory(ANSWERED, {100: ["0:00", "0:12", SPOKE]});
    queryFirst(".o_pbx_timeline").style.direction = "rtl";
    await animationFrame();
    const track = queryRect(".o_pbx_timeline_track");
    const [ring, talk] = queryAll(".o_pbx_timeline_part").map((el) => queryRect(el));
    expect(ring.right).toBeWithin(track.right - 1, track.right + 1);
    expect(talk.right).toBeWithin(ring.left - 1, ring.left + 1);
    expect(talk.left).toBeWithin(track.left - 1, track.left + 1);
    const [start, , stop] = queryAll(".o_pbx_timeline_axis bdi").map((el) =>
        queryRect(el),
    );
    expect(start.left).toBeGreaterThan(stop.right);
    expect(queryRect(".o_pbx_timeline_who").left).toBeGreaterThan(track.right);
});

test("and there what has no known end fades to the left", async () => {
    await mountStory(ANSWERED, {100: ["0:00"], 101: ["0:00", "0:12", SPOKE]});
    const fade = () => getComputedStyle(queryFirst(".o_pbx_timeline_open")).maskImage;
    expect(fade()).toMatch(/to right/);
    queryFirst(".o_form_view").classList.add("o_rtl");
    expect(fade()).toMatch(/to left/);
});

test("a name is text, and who is unknown has the phone's number", async () => {
    await mountStory(
        {outcome: "missed", stop: "0:20"},
        {101: ["0:02"], 102: ["0:02"], "<i>7</i>": ["0:02"]},
    );
    expect(
        queryAllTexts(".o_pbx_timeline_who").map((t) => t.replace(/\s+/g, " ")),
    ).toEqual(["<b>Boris</b> 101", "102 Warehouse", "<i>7</i>"]);
    expect(".o_pbx_timeline b").toHaveCount(0);
    expect(".o_pbx_timeline_who bdi i").toHaveCount(0);
    expect(".o_pbx_timeline_avatar img").toHaveCount(1);
    expect(queryAttribute(".o_pbx_timeline_avatar img", "data-src")).toMatch(
        new RegExp(`/web/image/res\\.users/${BORIS}/avatar_128`),
    );
});

test("no phone rang", async () => {
    await mountStory({outcome: "missed", stop: "0:20"}, {});
    expect(".o_field_widget[name=leg_ids]").toHaveText("No phone rang.");
    expect(".o_pbx_timeline").toHaveCount(0);
});

test("no phone rings yet", async () => {
    await mountStory({state: "ringing"}, {});
    expect(".o_field_widget[name=leg_ids]").toHaveText("No phone rings yet.");
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
        arch: `<list><field name="leg_ids" widget="pbx_timeline" options="{'compact': true}"/></list>`,
    });

test("small, in a list: a picture, a bar and an icon for each phone", async () => {
    has(ANSWERED, {100: ["0:00"], 101: ["0:00", "0:12", SPOKE]});
    await inList();
    expect(queryAllAttributes(".o_pbx_timeline_compact li", "title")).toEqual([
        "Anna (100): rang for up to 0:12, did not answer",
        "<b>Boris</b> (101): rang for 0:12, spoke for 1:45",
    ]);
    expect(queryAllTexts(".o_pbx_timeline_compact .visually-hidden")).toEqual(
        queryAllAttributes(".o_pbx_timeline_compact li", "title"),
    );
    expect(".o_pbx_timeline_compact img").toHaveCount(2);
    expect(".o_pbx_timeline_compact .o_pbx_timeline_talk").toHaveCount(1);
    expect(".o_pbx_timeline_compact i.fa-check").toHaveCount(1);
    expect(".o_pbx_timeline_axis").toHaveCount(0);
});

test("small, of many phones some, and always who spoke", async () => {
    const rung = {200: ["0:00"], 201: ["0:00"], 202: ["0:00"], 203: ["0:00"]};
    has(ANSWERED, {...rung, 204: ["0:00", "0:12", SPOKE]});
    await inList();
    const titles = queryAllAttributes(".o_pbx_timeline_compact li", "title");
    expect(titles).toEqual([
        "200: rang for up to 0:12, did not answer",
        "201: rang for up to 0:12, did not answer",
        "204: rang for 0:12, spoke for 1:45",
        "202: rang for up to 0:12, did not answer\n203: rang for up to 0:12, did not answer",
    ]);
    expect(".o_pbx_timeline_compact li:last-child bdi").toHaveText("+2");
});

test("small, of a call in which no phone rang, nothing", async () => {
    has({outcome: "missed", stop: "0:07"}, {});
    await inList();
    expect(".o_data_cell").toHaveText("");
});
