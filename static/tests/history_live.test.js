import {describe, expect, test} from "@odoo/hoot";
import {waitFor} from "@odoo/hoot-dom";
import {animationFrame} from "@odoo/hoot-mock";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {
    contains,
    defineModels,
    fields,
    MockServer,
    models,
    mountView,
    onRpc,
    serverState,
} from "@web/../tests/web_test_helpers";

describe.current.tags("desktop");

class History extends models.Model {
    _name = "history";

    name = fields.Char();
    new_count = fields.Integer();

    _records = [
        {id: 1, name: "May", new_count: 0},
        {id: 2, name: "June", new_count: 0},
    ];
}

defineMailModels();
defineModels([History]);

const openForm = () =>
    mountView({
        type: "form",
        resModel: "history",
        resId: 1,
        arch: `
            <form>
                <widget name="pbx_history_live"/>
                <field name="name"/>
                <field name="new_count" readonly="1"/>
            </form>`,
    });

/** The server writes what a page brought, and says of which import. */
function goOn(id, count) {
    const {env} = MockServer;
    env.history.write([id], {new_count: count});
    env["bus.bus"]._sendone(serverState.partnerId, "cloud_pbx.history", {id});
}

test("a page that was read is shown at once", async () => {
    await openForm();
    expect("[name=new_count] span").toHaveText("0");
    goOn(1, 37);
    await waitFor("[name=new_count] span:contains(37)");
});

test("another import is none of this form's business", async () => {
    await openForm();
    onRpc("history", "web_read", () => expect.step("read"));
    goOn(2, 37);
    await animationFrame();
    await animationFrame();
    expect.verifySteps([]);
});

test("what a person is typing is not lost", async () => {
    await openForm();
    await contains("[name=name] input").edit("All of May", {confirm: false});
    goOn(1, 37);
    await animationFrame();
    await animationFrame();
    expect("[name=name] input").toHaveValue("All of May");
});
