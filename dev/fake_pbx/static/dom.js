/** Build an element. Children are nodes or texts; a text is never read as HTML. */
export function el(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (name.startsWith("on")) {
            node.addEventListener(name.slice(2), value);
        } else if (value === true) {
            node.setAttribute(name, "");
        } else if (value !== false && value !== null && value !== undefined) {
            node.setAttribute(name, value);
        }
    }
    node.append(...children.filter((child) => child !== null && child !== ""));
    return node;
}

export const find = (selector) => document.querySelector(selector);

/** Replace the children of a list, and give the focus back to who had it. */
export function replace(list, nodes) {
    const focused = list.contains(document.activeElement)
        ? document.activeElement.dataset.key
        : null;
    list.replaceChildren(...nodes);
    if (focused) {
        list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    }
}

/** Fill a select and keep what was chosen. */
export function options(select, pairs) {
    const chosen = select.value;
    const known = JSON.stringify(pairs);
    if (select.dataset.known === known) {
        return;
    }
    select.dataset.known = known;
    select.replaceChildren(
        ...pairs.map(([value, text]) => el("option", {value}, text)),
    );
    if (pairs.some(([value]) => value === chosen)) {
        select.value = chosen;
    }
}

/** Ask the control API; an error is an Error with the server's own sentence. */
export async function ask(method, path, body) {
    const request = {method};
    if (body !== undefined) {
        request.headers = {"Content-Type": "application/json"};
        request.body = JSON.stringify(body);
    }
    let answer;
    try {
        answer = await fetch(`/control${path}`, request);
    } catch {
        throw new Error("The PBX does not answer. Is it still running?");
    }
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) {
        throw new Error(told.message || `The PBX answered ${answer.status}.`);
    }
    return told;
}

let hiding = null;

export function toast(text) {
    const note = find("#toast");
    note.textContent = text;
    note.hidden = false;
    clearTimeout(hiding);
    hiding = setTimeout(() => (note.hidden = true), 6000);
}

/** Run an action of a person; what goes wrong is shown, not lost. */
export async function attempt(action) {
    try {
        await action();
    } catch (error) {
        toast(error.message);
    }
}
