import {expect, test} from "@odoo/hoot";
import {queryAllTexts} from "@odoo/hoot-dom";
import {animationFrame} from "@odoo/hoot-mock";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {getService, mountWithCleanup} from "@web/../tests/web_test_helpers";
import {WebClient} from "@web/webclient/webclient";

defineMailModels();

test("a message that is settled goes with the next one", async () => {
    await mountWithCleanup(WebClient);
    const show = async (message, type) => {
        await getService("action").doAction({
            type: "ir.actions.client",
            tag: "cloud_pbx_notification",
            params: {message, type, sticky: true},
        });
        await animationFrame();
    };
    await show("Zadarma does not accept the key.", "danger");
    getService("notification").add("Somebody else's", {sticky: true});
    await show("Connected.", "success");
    expect(queryAllTexts(".o_notification_content")).toEqual([
        "Somebody else's",
        "Connected.",
    ]);
});
