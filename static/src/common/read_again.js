import {ConnectionLostError} from "@web/core/network/rpc";
import {status} from "@odoo/owl";

/**
 * Read anew what a view shows, because something changed elsewhere. Nobody asked for it: if
 * the view is left meanwhile, or the server is away, what is shown stays as it is.
 *
 * @param {Object} component of the view, or in it
 * @param {Function} read
 */
export async function readAgain(component, read) {
    try {
        await read();
    } catch (error) {
        const isLeft = status(component) === "destroyed";
        if (!isLeft && !(error instanceof ConnectionLostError)) {
            throw error;
        }
    }
}
