import {Mutex} from "@web/core/utils/concurrency";

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
        /** Missed calls that the user has dismissed: an older answer may still have them. */
        this.dismissed = new Set();
        /** The caller that was dismissed last, as long as it can be undone. */
        this.lastDismissed = null;
    }

    /** Read the missed calls and the first page, and put them before what is there. */
    refresh() {
        return this.read(async () => {
            const [missed, {calls, more}] = await Promise.all([
                this.ask("missed_calls", []),
                this.ask("recent", [false, PAGE]),
            ]);
            // A caller who called again waits again.
            this.missed = missed.filter(
                ({ids}) => !ids.every((id) => this.dismissed.has(id)),
            );
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

    /** Nobody need call back. The row goes at once, and comes back if that failed. */
    async settle(call) {
        const before = this.missed;
        call.ids.forEach((id) => this.dismissed.add(id));
        this.missed = before.filter(({id}) => id !== call.id);
        this.lastDismissed = call;
        try {
            await this.orm.call("pbx.call", "action_called_back", [call.ids]);
        } catch (error) {
            call.ids.forEach((id) => this.dismissed.delete(id));
            this.missed = before;
            this.lastDismissed = null;
            throw error;
        }
    }

    /** It was a mistake: the caller waits again. */
    async undoDismissed() {
        const {ids} = this.lastDismissed;
        this.lastDismissed = null;
        await this.orm.call("pbx.call", "action_undo_called_back", [ids]);
        ids.forEach((id) => this.dismissed.delete(id));
        await this.refresh();
    }
}
