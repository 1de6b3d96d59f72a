// Where the test has put what its PBX will tell, in order, each ready to be posted.
const WEBHOOKS = "cloud_pbx.webhooks";

/** Have the PBX tell its next events, by the real webhook; they must be these. */
export async function tell(...events) {
    const waiting = JSON.parse(sessionStorage.getItem(WEBHOOKS));
    for (const event of events) {
        const next = waiting.shift();
        if (next?.event !== event) {
            throw new Error(`The PBX tells ${next?.event} next, not ${event}`);
        }
        const response = await fetch(next.url, {
            method: "POST",
            headers: next.headers,
            body: next.body,
        });
        if (!response.ok) {
            throw new Error(`${event} was answered by ${response.status}`);
        }
    }
    sessionStorage.setItem(WEBHOOKS, JSON.stringify(waiting));
}

/** A step in which the PBX tells something. */
export function pbxTells(...events) {
    return {
        content: `The PBX tells ${events.join(", ")}`,
        trigger: "body",
        run: () => tell(...events),
    };
}
