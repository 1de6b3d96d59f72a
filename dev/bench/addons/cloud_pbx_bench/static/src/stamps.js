import {registry} from "@web/core/registry";

/** When this page was told something, and when it showed it: by the machine's clock. */
const stamps = {bare: [], card: []};
/** What was noted of each call so far, by its id. */
const calls = {};

/** Run in the task that follows the painting of the frame that is being made. */
function whenPainted(run) {
    const {port1, port2} = new MessageChannel();
    port1.onmessage = run;
    port2.postMessage("");
}

/** Note the first frames that show the card, and whose call it is; then put it away. */
function stampCard(card) {
    const call = calls[card.dataset.callId];
    if (!call || call.named) {
        return; // one of before, or nothing is told yet
    }
    if (!call.drawn) {
        call.drawn = Date.now();
        whenPainted(() => (call.shown = Date.now()));
    }
    const title = card.querySelector(".o_pbx_card_title")?.textContent;
    if (title === window.pbxExpected) {
        call.named = Date.now();
        whenPainted(() => {
            stamps.card.push({...call, named: Date.now()});
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
            // What any page pays that is told no more than where to look.
            await orm.silent.read("res.partner", [contact], ["name"]);
            stamps.bare.push({at, read: Date.now()});
        });
        bus.subscribe("cloud_pbx.call", ({id}) => {
            calls[id] ??= {told: Date.now()};
        });
        const shown = ":is(.o_pbx_first_sight, .o_pbx_card):not([hidden])";
        const look = () => document.querySelectorAll(shown).forEach(stampCard);
        const all = {
            attributes: true,
            characterData: true,
            childList: true,
            subtree: true,
        };
        new MutationObserver(look).observe(document.body, all);
    },
});
