import {registry} from "@web/core/registry";

/** When this page was told something, and when it showed it: by the machine's clock. */
const stamps = {bare: [], card: []};
const told = {};
const seen = new Set();

/** Note the time of the first frame that shows whose call it is; then put it away. */
function stampCard(card) {
    const id = card.dataset.callId;
    const title = card.querySelector(".o_pbx_card_title").textContent;
    if (seen.has(id) || title !== window.pbxExpected) {
        return;
    }
    seen.add(id);
    const drawn = Date.now();
    // Owl draws while a frame is made; a task put in line then runs when it is painted.
    const {port1, port2} = new MessageChannel();
    port1.onmessage = () => {
        stamps.card.push({told: told[id], drawn, at: Date.now()});
        card.querySelector("[aria-label='Close this card']").click();
    };
    port2.postMessage("");
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
            told[id] ??= Date.now();
        });
        const look = () => document.querySelectorAll(".o_pbx_card").forEach(stampCard);
        const all = {childList: true, subtree: true, characterData: true};
        new MutationObserver(look).observe(document.body, all);
    },
});
