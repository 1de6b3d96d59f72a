import {registry} from "@web/core/registry";

/** When messages came to this page, and when it showed them, by the machine's clock. */
const stamps = {bare: [], card: []};
/** What was noted of each call so far, by its id. */
const calls = {};

/** Run in the task that follows the painting of the frame that is being made. */
function whenPainted(run) {
    const {port1, port2} = new MessageChannel();
    port1.onmessage = run;
    port2.postMessage("");
}

/** Note the first frame that shows whose call it is; then put the card away. */
function stampCard(card) {
    const call = calls[card.dataset.callId];
    if (!call || call.drawn) {
        return; // of an earlier call, or noted already
    }
    const title = card.querySelector(".o_pbx_card_title")?.textContent;
    if (title === window.pbxExpected) {
        call.drawn = Date.now();
        whenPainted(() => {
            stamps.card.push({...call, shown: Date.now()});
            card.querySelector("[aria-label='Close this card']").click();
        });
    }
}

registry.category("services").add("cloud_pbx_bench.stamps", {
    dependencies: ["bus_service", "orm"],
    start(env, {bus_service: bus, orm}) {
        window.pbxStamps = stamps;
        bus.subscribe("cloud_pbx_bench.bare", async ({contact}) => {
            const at = Date.now();
            // What any page pays that learns no more than where to look.
            await orm.silent.read("res.partner", [contact], ["name"]);
            stamps.bare.push({at, read: Date.now()});
        });
        bus.subscribe("cloud_pbx.call", ({id}) => {
            calls[id] ??= {received: Date.now()};
        });
        const look = () => document.querySelectorAll(".o_pbx_card").forEach(stampCard);
        const all = {
            attributes: true,
            characterData: true,
            childList: true,
            subtree: true,
        };
        new MutationObserver(look).observe(document.body, all);
    },
});
