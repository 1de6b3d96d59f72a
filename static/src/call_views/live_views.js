import {onWillUnmount, useComponent, useExternalListener} from "@odoo/owl";
import {useBus, useService} from "@web/core/utils/hooks";
import {useDebounced} from "@web/core/utils/timing";

import {isHearing} from "../player/player";
import {readAgain} from "../common/read_again";

// Messages come several at once.
const SHORTLY_MS = 200;

/**
 * Has an open view of calls be read again when the desk hears of one: when a call changes,
 * or the number in the top bar does. It asks for nothing by itself.
 *
 * @param {Object} model of the view
 * @param {Object} env
 * @param {string[]} messages on the bus that it follows
 */
export function useLiveCalls(model, env, messages) {
    // What was put off while somebody listened.
    let isDue = false;
    const component = useComponent();
    const reload = useDebounced(() => {
        if (!model.root) {
            return; // it is being read for the first time
        }
        // What somebody has selected, writes or hears is not taken away.
        const {selection, editedRecord} = model.root;
        isDue = isHearing();
        if (!isDue && !selection?.length && !editedRecord) {
            readAgain(component, () => model.load());
        }
    }, SHORTLY_MS);
    const bus = useService("bus_service");
    messages.forEach((message) => bus.subscribe(message, reload));
    onWillUnmount(() =>
        messages.forEach((message) => bus.unsubscribe(message, reload)),
    );
    useBus(env.bus, "CLOUD_PBX:MISSED", reload);
    useExternalListener(document, "ended", () => isDue && reload(), {capture: true});
}
