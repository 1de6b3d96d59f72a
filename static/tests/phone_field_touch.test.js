import {describe, expect, mockTouch, test} from "@odoo/hoot";
import {ANNA, BUTTON, list, setUpPhoneField} from "./phone_field_helpers";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {queryAttribute} from "@odoo/hoot-dom";

describe.current.tags("desktop");
defineMailModels();
setUpPhoneField();

test("on a touch screen the number stays a link, beside the button", async () => {
    mockTouch(true);
    await list();
    expect("a.o_pbx_phone_number").toHaveCount(3);
    expect("span.o_pbx_phone_number").toHaveCount(0);
    expect(queryAttribute("a.o_pbx_phone_number:eq(0)", "href")).toBe(
        `tel:${ANNA.replaceAll(" ", "")}`,
    );
    expect(BUTTON).toHaveCount(3);
});
