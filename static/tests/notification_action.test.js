import {expect, test} from "@odoo/hoot";
import {click, queryAllTexts} from "@odoo/hoot-dom";
import {animationFrame} from "@odoo/hoot-mock";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {getService, mountWithCleanup, onRpc} from "@web/../tests/web_test_helpers";
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
    await show("The PBX does not accept the key.", "danger");
    getService("notification").add("Somebody else's", {sticky: true});
    await show("Connected.", "success");
    expect(queryAllTexts(".o_notification_content")).toEqual([
        "Somebody else's",
        "Connected.",
    ]);
});

test("a dismissal can be undone", async () => {
    onRpc("pbx.call", "action_undo_called_back", ({args}) => {
        expect.step(args[0]);
        return true;
    });
    await mountWithCleanup(WebClient);
    const dismiss = async (ids) => {
        const onClose = () => expect.step("the view is read again");
        await getService("action").doAction(
            {
                type: "ir.actions.client",
                tag: "cloud_pbx_dismissed",
                params: {
                    ids,
                    message: "Dismissed: Olga",
                    next: {type: "ir.actions.act_window_close"},
                },
            },
            {onClose},
        );
        await animationFrame();
    };
    await dismiss([5, 3]);
    expect(".o_notification_content").toHaveText("Dismissed: Olga");
    expect.verifySteps(["the view is read again"]);
    await click(".o_notification button:contains(Undo)");
    await animationFrame();
    expect.verifySteps([[5, 3]]);
    expect(".o_notification").toHaveCount(0);
    await dismiss([]);
    expect(".o_notification button:contains(Undo)").toHaveCount(0);
    expect.verifySteps(["the view is read again"]);
});
