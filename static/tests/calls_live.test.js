import {describe, expect, test} from "@odoo/hoot";
import {queryOne} from "@odoo/hoot-dom";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {
    contains,
    defineModels,
    fields,
    MockServer,
    models,
    mountView,
    mountWithCleanup,
    onRpc,
} from "@web/../tests/web_test_helpers";

import {makeCard, mockDeskServer, OLGA, STRANGER} from "./desk_helpers";
import {settle} from "./settle_helpers";

import {Player} from "@cloud_pbx/player/player";

describe.current.tags("desktop");

class Lead extends models.Model {
    _name = "crm.lead";

    name = fields.Char();

    _records = [{id: 7, name: "Rope"}];
}

class Contact extends models.Model {
    _name = "contact";

    name = fields.Char();
    pbx_promise_id = fields.Many2one({relation: "crm.lead"});

    _records = [
        {id: 7, name: "Olga Petrova", pbx_promise_id: 7},
        {id: 70, name: "Harbour Ltd"},
        {id: 8, name: "Oliver"},
    ];
}

defineMailModels();
defineModels([Lead, Contact]);

async function open(resModel, resId, more = "") {
    const server = mockDeskServer();
    await mountView({
        type: "form",
        resModel,
        resId,
        arch: `<form><widget name="pbx_calls_live"/><field name="name"/>${more}</form>`,
    });
    await settle();
    onRpc(resModel, "web_read", () => expect.step("read"));
    return server;
}

const contact = {...OLGA, company_id: 70};

test("a call of the contact is seen at once, and how it ends", async () => {
    const server = await open("contact", 7);
    server.notify(makeCard({contact}));
    await settle();
    expect.verifySteps(["read"]);
    server.change(1, {state: "done", outcome: "missed"});
    await settle();
    expect.verifySteps(["read"]);
});

test("that somebody is to be called back is seen until it is settled", async () => {
    const promise = `<field name="pbx_promise_id" invisible="1"/>`;
    const server = await open("contact", 7, promise);
    MockServer.env.contact.write([7], {pbx_promise_id: false});
    server.send("cloud_pbx.missed", {});
    await settle();
    expect.verifySteps(["read"]);
    // Nobody waits any more: what becomes of others is none of this form's business.
    server.send("cloud_pbx.missed", {});
    await settle();
    expect.verifySteps([]);
});

test("a company has the calls of its contacts", async () => {
    const server = await open("contact", 70);
    server.notify(makeCard({contact}));
    await settle();
    expect.verifySteps(["read"]);
});

test("calls of others are none of this form's business", async () => {
    const server = await open("contact", 8);
    server.notify(makeCard({contact}));
    server.notify(makeCard({id: 2, ...STRANGER}));
    await settle();
    expect.verifySteps([]);
});

test("a lead has the calls that name it, and not those of a contact of its id", async () => {
    const server = await open("crm.lead", 7);
    server.notify(makeCard({contact}));
    await settle();
    expect.verifySteps([]);
    server.notify(makeCard({id: 2, ...STRANGER, leads: [{id: 7, name: "Rope"}]}));
    await settle();
    expect.verifySteps(["read"]);
});

test("what a person is typing is not lost", async () => {
    const server = await open("contact", 7);
    await contains("[name=name] input").edit("Olga P.", {confirm: false});
    server.notify(makeCard({contact}));
    await settle();
    expect.verifySteps([]);
    expect("[name=name] input").toHaveValue("Olga P.");
});

test("who listens to a recording hears it to its end", async () => {
    const server = await open("contact", 7);
    await mountWithCleanup(Player, {props: {url: "/pbx/recording/1"}});
    const audio = queryOne("audio");
    let isPaused = false;
    Object.defineProperty(audio, "paused", {get: () => isPaused});
    server.notify(makeCard({contact}));
    await settle();
    expect.verifySteps([]);
    isPaused = true;
    audio.dispatchEvent(new Event("ended"));
    await settle();
    expect.verifySteps(["read"]);
    audio.dispatchEvent(new Event("ended"));
    await settle();
    expect.verifySteps([]);
});
