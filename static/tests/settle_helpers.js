import {after} from "@odoo/hoot";
import {on} from "@odoo/hoot-dom";
import {advanceTime, Deferred, freezeTime, tick} from "@odoo/hoot-mock";
import {getWebSocketWorker} from "@bus/../tests/mock_websocket";
import {getService, MockServer, serverState} from "@web/../tests/web_test_helpers";
import {rpcBus} from "@web/core/network/rpc";

// What is on its way needs some turns; a frame takes some milliseconds.
const TURNS = 3;
const FRAME = 16;

/** Questions to the server that have no answer yet. */
const asked = new Set();

/** However slow the machine is: from now on time passes as a test says. */
export function holdTime() {
    freezeTime();
    asked.clear();
    const follow = (type, what) =>
        after(on(rpcBus, type, ({detail: {data}}) => what(data)));
    follow("RPC:REQUEST", ({id, params}) => {
        if (params.model?.startsWith("pbx.")) {
            asked.add(id);
        }
    });
    follow("RPC:RESPONSE", ({id}) => asked.delete(id));
}

/** Let what is on its way arrive: the bus, questions and answers, and what is drawn. */
export async function settle() {
    for (let turn = 0; turn < TURNS; turn++) {
        await delivered();
        await answered();
        await advanceTime(FRAME, {animationFrame: turn === TURNS - 1});
    }
}

/** Wait for answers; not for long, as a test may keep one back. */
async function answered() {
    await tick();
    for (let turn = 0; asked.size && turn < 30; turn++) {
        await tick();
    }
}

/** Wait until the page has got all that the bus was given. */
async function delivered() {
    if (!getWebSocketWorker().channelsByClient.size) {
        return;
    }
    const bus = getService("bus_service");
    const last = new Deferred();
    const onLast = () => last.resolve();
    bus.subscribe("cloud_pbx.last", onLast);
    MockServer.env["bus.bus"]._sendone(serverState.partnerId, "cloud_pbx.last", {});
    await last;
    bus.unsubscribe("cloud_pbx.last", onLast);
}

/** Let so many seconds pass. */
export async function pass(seconds) {
    await settle();
    await advanceTime(seconds * 1000 - 2 * TURNS * FRAME);
    await settle();
}
