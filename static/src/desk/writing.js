/** Whether one can write in an element; what is in a frame cannot be seen, and may. */
export function takesText(el) {
    return el.isContentEditable || /^(INPUT|TEXTAREA|SELECT|IFRAME)$/.test(el.tagName);
}

/** Whether something is written in an element that takes text. */
export function hasText(el) {
    if (el.tagName === "IFRAME") {
        return true;
    }
    return Boolean((el.value ?? el.textContent).trim());
}
