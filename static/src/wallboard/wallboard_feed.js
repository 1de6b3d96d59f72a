import {markRaw} from "@odoo/owl";
import {browser} from "@web/core/browser/browser";
import {ConnectionLostError} from "@web/core/network/rpc";

import {onReconnect} from "../desk/reconnect";

const MESSAGE = "cloud_pbx.wallboard";
// It is asked once a second at the most, however much happens.
const PAUSE_MS = 1000;
// Nothing tells that a minute has passed, or that somebody's time after a call is over.
const EACH_MS = 60_000;
const WRAPPING_MS = 5000;
// While the connection is lost.
const RETRY_MS = 10_000;
// The bus reconnects by itself, mostly in a moment.
const BRIEF_MS = 3000;
// What is not answered for so long may never be.
const SLOW_MS = 10_000;

/**
 * What the wallboard shows, kept up to date.
 *
 * The bus says that something changed, never what: it is asked for then, under the
 * user's own rights.
 */
export class WallboardFeed {
    /** As `pbx.wallboard` returned it last; `null` before. */
    board = null;
    isBusLost = false;
    isServerLost = false;
    isSlow = false;

    constructor({orm, bus_service: bus, desk}) {
        this.services = markRaw({orm, bus, desk});
        this.timers = markRaw({});
        this.isAsking = false;
        this.isWanted = false;
        this.isStopped = false;
        /** Whether it was reported that the server cannot answer. */
        this.isReported = false;
        this.askedAt = 0;
    }

    /** Whether what is shown may be of earlier. */
    get isLost() {
        return this.isBusLost || this.isServerLost || this.isSlow;
    }

    /** Begin; called on the reactive object, so that what changes is seen. */
    start() {
        const {bus} = this.services;
        this.onMessage = () => this.askSoon();
        this.onWorkerState = ({detail}) => this.followBus(detail);
        bus.subscribe(MESSAGE, this.onMessage);
        bus.addEventListener("BUS:WORKER_STATE_UPDATED", this.onWorkerState);
        this.stopReconnect = onReconnect(
            bus,
            () => this.askSoon(),
            () => Date.now() - this.askedAt,
        );
        this.followBus(bus.workerState);
        bus.start();
    }

    stop() {
        const {bus} = this.services;
        this.isStopped = true;
        bus.unsubscribe(MESSAGE, this.onMessage);
        bus.removeEventListener("BUS:WORKER_STATE_UPDATED", this.onWorkerState);
        this.stopReconnect();
        Object.keys(this.timers).forEach((name) => this.clearTimer(name));
    }

    clearTimer(name) {
        browser.clearTimeout(this.timers[name]);
        delete this.timers[name];
    }

    setTimer(name, action, after) {
        this.clearTimer(name);
        this.timers[name] = browser.setTimeout(() => {
            delete this.timers[name];
            action();
        }, after);
    }

    followBus(state) {
        if (state === "CONNECTED") {
            this.clearTimer("bus");
            this.isBusLost = false;
        } else if (!this.timers.bus && !this.isBusLost) {
            const lose = () => {
                this.isBusLost = true;
                this.askSoon();
            };
            this.setTimer("bus", lose, BRIEF_MS);
        }
    }

    /** Ask as soon as may be; what happens meanwhile is in the same answer, or the next. */
    askSoon() {
        this.isWanted = true;
        if (!this.isAsking && !this.timers.soon) {
            const wait = this.askedAt + PAUSE_MS - Date.now();
            this.setTimer("soon", () => this.ask(), Math.max(wait, 0));
        }
    }

    async ask() {
        this.isAsking = true;
        this.isWanted = false;
        this.askedAt = Date.now();
        this.setTimer("slow", () => (this.isSlow = true), SLOW_MS);
        try {
            this.take(await this.services.orm.silent.call("pbx.wallboard", "now", []));
        } catch (error) {
            this.fail(error);
        } finally {
            this.isAsking = false;
            this.clearTimer("slow");
            this.isSlow = false;
            if (!this.isStopped) {
                this.setTimer("again", () => this.askSoon(), this.pause);
                if (this.isWanted) {
                    this.askSoon();
                }
            }
        }
    }

    /** How long it is good for if nothing is heard. */
    get pause() {
        if (this.isLost) {
            return RETRY_MS;
        }
        const isWrapping = this.board?.people.some(({state}) => state === "wrapping");
        return isWrapping ? WRAPPING_MS : EACH_MS;
    }

    take(board) {
        if (this.isStopped) {
            return;
        }
        this.services.desk.setClock(board.now);
        Object.assign(this, {board, isServerLost: false});
        this.isReported = false;
    }

    /** Say so on the board; what is no matter of the connection is reported, once. */
    fail(error) {
        if (this.isStopped) {
            return;
        }
        this.isServerLost = true;
        if (!(error instanceof ConnectionLostError) && !this.isReported) {
            this.isReported = true;
            throw error;
        }
    }
}
