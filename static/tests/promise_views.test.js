import {describe, expect, test} from "@odoo/hoot";
import {click, queryAllTexts, queryOne} from "@odoo/hoot-dom";
import {animationFrame} from "@odoo/hoot-mock";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {
    defineModels,
    fields,
    getService,
    MockServer,
    models,
    mountView,
    mountWithCleanup,
    onRpc,
    patchWithCleanup,
} from "@web/../tests/web_test_helpers";

import {CallListController} from "@cloud_pbx/call_views/call_list";
import {Player} from "@cloud_pbx/player/player";

import {makeCard, mockDeskServer} from "./desk_helpers";
import {pass, settle} from "./settle_helpers";

describe.current.tags("desktop");

class Recording extends models.Model {
    _name = "recording";

    call_id = fields.Many2one({relation: "call"});

    _records = [{id: 5, display_name: "1795990124.3282513", call_id: 1}];
}

class Call extends models.Model {
    _name = "call";

    name = fields.Char();
    voicemail_id = fields.Many2one({relation: "recording"});
    voicemail_seconds = fields.Integer();
    recording_ids = fields.One2many({relation: "recording", relation_field: "call_id"});

    _records = [
        {id: 1, name: "Olga", voicemail_id: 5, voicemail_seconds: 21},
        {id: 2, name: "Oliver"},
    ];
}

defineMailModels();
defineModels([Recording, Call]);

const ARCHS = {
    calls: `<list js_class="pbx_call_list"><field name="name"/></list>`,
    list: `<list js_class="pbx_promise_list"><field name="name"/></list>`,
    voicemail: `<list js_class="pbx_promise_list"><field name="name"/>
        <field name="voicemail_id" widget="pbx_voicemail"/></list>`,
    recordings: `<list js_class="pbx_call_list"><field name="name"/>
        <field name="recording_ids"/></list>`,
    kanban: `<kanban js_class="pbx_promise_kanban"><templates>
        <t t-name="card"><field name="name"/></t></templates></kanban>`,
};
const ROWS = {list: ".o_data_cell", kanban: ".o_kanban_record:not(.o_kanban_ghost)"};

async function open(type) {
    const server = mockDeskServer();
    const arch = ARCHS[type];
    const view = await mountView({
        type: arch.slice(1, arch.indexOf(" ")),
        resModel: "call",
        arch,
    });
    await settle();
    onRpc("call", "web_search_read", () => expect.step("read"));
    return {server, view};
}

for (const type of ["list", "kanban"]) {
    test(`a ${type} follows what is dismissed elsewhere, read once`, async () => {
        const {server} = await open(type);
        expect(queryAllTexts(ROWS[type])).toEqual(["Olga", "Oliver"]);
        MockServer.env.call.unlink([1]);
        server.send("cloud_pbx.missed", {});
        server.send("cloud_pbx.missed", {});
        await pass(1);
        await animationFrame();
        expect(queryAllTexts(ROWS[type])).toEqual(["Oliver"]);
        expect.verifySteps(["read"]);
    });

    test(`a ${type} has a button for the next one`, async () => {
        onRpc("pbx.promise", "take_next", () => {
            expect.step("next");
            return {promise_id: 1, call_id: 5};
        });
        await open(type);
        expect(".o_control_panel .o_pbx_next").toHaveText("Next");
        await click(".o_control_panel .o_pbx_next");
        await settle();
        expect.verifySteps(["next"]);
    });

    test(`a ${type} follows what is undone here`, async () => {
        const {view} = await open(type);
        view.env.bus.trigger("CLOUD_PBX:MISSED");
        await pass(1);
        expect.verifySteps(["read"]);
    });
}

test("what somebody has selected stays", async () => {
    const {server} = await open("list");
    await click(".o_data_row:first .o_list_record_selector input");
    await animationFrame();
    server.send("cloud_pbx.missed", {});
    await pass(1);
    expect.verifySteps([]);
    expect(".o_data_row_selected").toHaveCount(1);
    expect(getService("cloud_pbx.desk").missed).toBe(0);
});

test("the list of calls follows a call", async () => {
    const {server} = await open("calls");
    MockServer.env.call.write([1], {name: "Olga P."});
    server.notify(makeCard({id: 1}));
    await pass(1);
    await animationFrame();
    expect(queryAllTexts(ROWS.list)).toEqual(["Olga P.", "Oliver"]);
    expect.verifySteps(["read"]);
});

test("what somebody hears goes on to its end", async () => {
    const {server} = await open("list");
    await mountWithCleanup(Player, {props: {url: "/pbx/recording/1"}});
    const audio = queryOne("audio");
    let isPaused = false;
    Object.defineProperty(audio, "paused", {get: () => isPaused});
    server.send("cloud_pbx.missed", {});
    await pass(1);
    expect.verifySteps([]);
    isPaused = true;
    audio.dispatchEvent(new Event("ended"));
    await pass(1);
    expect.verifySteps(["read"]);
});

test("a voicemail has no tooltip besides its button's", async () => {
    await open("voicemail");
    const cell = ".o_data_row:first .o_data_cell[name=voicemail_id]";
    expect(cell).not.toHaveAttribute("data-tooltip");
    expect(`${cell} .o_pbx_player_toggle`).toHaveAttribute("title", "Play");
});

test("an export has a row for each call", async () => {
    let controller = null;
    patchWithCleanup(CallListController.prototype, {
        setup() {
            super.setup();
            controller = this;
        },
    });
    await open("recordings");
    const names = controller.getExportableFields().map(({name}) => name);
    expect(names).toEqual(["name"]);
});

test("who has no phone takes nothing", async () => {
    await mountView({type: "list", resModel: "call", arch: ARCHS.list});
    expect(ROWS.list).toHaveCount(2);
    expect(".o_pbx_next").toHaveCount(0);
});
