const MINUTE = 60;
const HOUR = 60 * MINUTE;

/**
 * Write seconds as people read the length of a call: `0:05`, `2:14`, `1:02:03`.
 *
 * @param {number|false|null} seconds whole seconds; an average may have a fraction
 * @returns {string} empty if there is no value
 */
export function formatDuration(seconds) {
    if (typeof seconds !== "number" || !Number.isFinite(seconds)) {
        return "";
    }
    const total = Math.round(Math.abs(seconds));
    const hours = Math.floor(total / HOUR);
    const minutes = Math.floor((total % HOUR) / MINUTE);
    const parts = hours ? [hours, String(minutes).padStart(2, "0")] : [minutes];
    parts.push(String(total % MINUTE).padStart(2, "0"));
    return (seconds < 0 && total ? "-" : "") + parts.join(":");
}
