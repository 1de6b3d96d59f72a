import {Mutex} from "@web/core/utils/concurrency";

import {inCompany} from "../common/company";
import {errorText} from "../common/error_text";

const PAGE = 20;

/** Whether `row` comes after `last` in a list that begins with the newest. */
function isOlder(row, last) {
    return row.start < last.start || (row.start === last.start && row.id < last.id);
}

/**
 * The user's calls and the missed ones, as far as they have been read.
 *
 * New calls come in on top while further pages are read below: a page begins after the
 * last row that is shown, not after so many rows.
 */
export class CallLists {
    calls = [];
    more = true;
    missed = [];
    error = "";
    isLoading = false;
    isLoaded = false;
    /** How often they have been read. */
    readings = 0;

    constructor(orm) {
        this.orm = orm;
        this.mutex = new Mutex();
        /** Call-backs that the user has settled: an older answer may still have them. */
        this.settled = new Set();
        /** The caller that was settled last, as long as it can be undone. */
        this.lastSettled = null;
    }

    /** Read the missed calls and the first page, and put them before what is there. */
    refresh() {
        return this.read(async () => {
            const [missed, {calls, more}] = await Promise.all([
                this.ask("missed_calls", []),
                this.ask("recent", [false, PAGE]),
            ]);
            this.missed = missed.filter(({promise_id: id}) => !this.settled.has(id));
            const shown = new Set(this.calls.map(({id}) => id));
            const last = calls.at(-1);
            // Without a row in common there may be further new ones in between.
            const joins = more && calls.some(({id}) => shown.has(id));
            const rest = joins ? this.calls.filter((row) => isOlder(row, last)) : [];
            this.calls = [...calls, ...rest];
            this.more = rest.length ? this.more : more;
        });
    }

    /** Read the next page. */
    loadMore() {
        if (!this.isLoaded || this.isLoading || !this.more) {
            return;
        }
        return this.read(async () => {
            const {start, id} = this.calls.at(-1);
            const {calls, more} = await this.ask("recent", [[start, id], PAGE]);
            const shown = new Set(this.calls.map((row) => row.id));
            this.calls.push(...calls.filter((row) => !shown.has(row.id)));
            this.more = more;
        });
    }

    /** Go on where it failed. */
    retry() {
        this.error = "";
        return this.isLoaded && this.calls.length ? this.loadMore() : this.refresh();
    }

    read(what) {
        return this.mutex.exec(async () => {
            this.isLoading = true;
            try {
                await what();
                this.error = "";
                this.isLoaded = true;
            } catch (error) {
                this.error = errorText(error);
            } finally {
                this.isLoading = false;
                this.readings++;
            }
        });
    }

    ask(method, args) {
        return this.orm.silent.call("pbx.desk", method, args);
    }

    /** Do something with the call-back of a row. */
    act(method, {promise_id: promiseId, company_id: companyId}) {
        const context = inCompany(companyId);
        return this.orm.call("pbx.promise", method, [[promiseId]], {context});
    }

    /** They were spoken with. The row goes at once, and comes back if that failed. */
    async settle(call) {
        const before = this.missed;
        const {promise_id: promiseId} = call;
        this.settled.add(promiseId);
        this.missed = before.filter((one) => one !== call);
        this.lastSettled = call;
        try {
            await this.act("action_spoken", call);
        } catch (error) {
            this.settled.delete(promiseId);
            this.missed = before;
            this.lastSettled = null;
            throw error;
        }
    }

    /** It was a mistake: the caller waits again. */
    async undoSettled() {
        const call = this.lastSettled;
        this.lastSettled = null;
        await this.act("action_reopen", call);
        this.settled.delete(call.promise_id);
        await this.refresh();
    }
}
