import {
    contains,
    defineModels,
    fields,
    models,
    mountView,
    onRpc,
    toggleActionMenu,
    toggleMenuItem,
} from "@web/../tests/web_test_helpers";
import {describe, expect, test} from "@odoo/hoot";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {queryText} from "@odoo/hoot-dom";

describe.current.tags("desktop");

class Office extends models.Model {
    _name = "office";

    name = fields.Char();
    active = fields.Boolean({default: true});
    connected_at = fields.Datetime();

    _records = [
        {id: 1, name: "Connected", connected_at: "2026-06-16 12:00:00"},
        {id: 2, name: "Never connected"},
    ];
    _views = {
        form: `<form js_class="pbx_provider_form">
            <field name="name"/>
            <field name="active" invisible="1"/>
            <field name="connected_at" invisible="1"/>
        </form>`,
        list: `<list js_class="pbx_provider_list">
            <field name="name"/>
            <field name="active" column_invisible="1"/>
            <field name="connected_at" column_invisible="1"/>
        </list>`,
    };
}

defineMailModels();
defineModels([Office]);

const GOES_ON = "The PBX goes on sending them until you press “Disconnect”.";

async function pressArchive() {
    await toggleActionMenu();
    await toggleMenuItem("Archive");
    return queryText(".modal-body");
}

test("archiving one that is connected: what becomes of its events", async () => {
    onRpc("action_archive", ({args}) => {
        expect.step(args[0]);
        return false;
    });
    await mountView({type: "form", resModel: "office", resId: 1, actionMenus: {}});
    expect(await pressArchive()).toInclude(GOES_ON);
    await contains(".modal .btn-primary").click();
    expect.verifySteps([[1]]);
});

test("archiving one that was never connected is asked as ever", async () => {
    await mountView({type: "form", resModel: "office", resId: 2, actionMenus: {}});
    expect(await pressArchive()).toInclude("Are you sure");
});

test("the list says it where one of the chosen is connected", async () => {
    await mountView({type: "list", resModel: "office", actionMenus: {}});
    await contains(".o_data_row:eq(1) .o_list_record_selector input").click();
    expect(await pressArchive()).toInclude("Are you sure");
    await contains(".modal .btn-secondary").click();
    await contains(".o_data_row:eq(0) .o_list_record_selector input").click();
    expect(await pressArchive()).toInclude(GOES_ON);
});
