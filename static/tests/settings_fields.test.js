import {
    clickSave,
    contains,
    defineModels,
    fields,
    models,
    mountView,
    onRpc,
} from "@web/../tests/web_test_helpers";
import {describe, expect, test} from "@odoo/hoot";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {queryAttribute, queryValue} from "@odoo/hoot-dom";

describe.current.tags("desktop");

class Office extends models.Model {
    _name = "office";

    api_key = fields.Char();
    port = fields.Integer();

    _records = [{id: 1, api_key: "4f9ac67f", port: 0}];
}

defineMailModels();
defineModels([Office]);

const show = () =>
    mountView({
        type: "form",
        resModel: "office",
        resId: 1,
        arch: `<form>
            <field name="api_key" widget="pbx_secret"/>
            <field name="port" widget="pbx_optional_integer"/>
        </form>`,
    });

test("the eye shows what was pasted, and hides it again", async () => {
    await show();
    const type = () => queryAttribute(".o_field_widget[name=api_key] input", "type");
    expect(type()).toBe("password");
    await contains(".o_pbx_reveal").click();
    expect(type()).toBe("text");
    expect(queryValue(".o_field_widget[name=api_key] input")).toBe("4f9ac67f");
    expect(queryAttribute(".o_pbx_reveal", "aria-label")).toBe("Hide");
    await contains(".o_pbx_reveal").click();
    expect(type()).toBe("password");
});

test("a port that is none is empty, and can be emptied", async () => {
    onRpc("web_save", ({args}) => {
        expect.step(args[1].port);
    });
    await show();
    const port = ".o_field_widget[name=port] input";
    expect(queryValue(port)).toBe("");
    await contains(port).edit("10385");
    await clickSave();
    expect(queryValue(port)).toBe("10385");
    await contains(port).edit("");
    await clickSave();
    expect(queryValue(port)).toBe("");
    expect.verifySteps([10385, 0]);
});
