// What a page has that no card may hide, and what it costs to hide each.
const NEVER = 1000;
const PHONE = 300;
const FIELD = 10;
// Where somebody writes comes before all else.
export const WRITING = 10_000;
// What else is better avoided: smaller than usual, at the other side, not as high as usual.
const SMALL = 150;
const OTHER_SIDE = 30;
const SQUEEZED = 20;
const LIFTED = 1;
// So much may two things overlap without one hiding the other.
const SLACK_PX = 2;

// The page's own buttons: above these the cards end.
export const KEPT_FREE =
    ".o_main_navbar, .o_action_manager .o_control_panel, " +
    ".o_action_manager .o_form_statusbar, .o-mail-DiscussContent-header";
// These stay where they are when a page is scrolled.
const FIXED_BARS = ".o-mail-Discuss .o-mail-Composer, .o-mail-MessagingMenu-navbar";
const BARS =
    ".o_action_manager .o_form_statusbar, .o-mail-Chatter-topbar, .o-mail-Composer";
const CONVERSATIONS = ".o-mail-DiscussSidebar";
const BUTTONS = ".o_form_view :is(button, .btn, .nav-link, .settings_tab .tab)";
// Buttons of one row or one field are many; those of a message are below the sheet.
const OF_A_PART = ".o_field_widget, .o_list_renderer, .o-mail-Message";
const SHEET_BUTTONS = ".o_form_sheet :is(button, .btn, a[download])";
const PHONES = ".o_form_view .o_field_phone";
const FIELDS = ".o_form_view .o_field_widget";

/** Whether it is drawn: some buttons are so under the mouse alone. */
function isDrawn(el) {
    return (
        el.checkVisibility?.({opacityProperty: true, visibilityProperty: true}) ?? true
    );
}

/**
 * What of the page is to be seen, each with its place and what it costs to hide it.
 *
 * @param {boolean} isNarrow on a telephone all but bars is scrolled out from below
 */
export function readObstacles(isNarrow) {
    const obstacles = [];
    const add = (selector, cost, isMeant = () => true) => {
        for (const el of document.querySelectorAll(selector)) {
            const {left, right, top, bottom} = el.getBoundingClientRect();
            const isInSight = right > left && bottom > top && top < window.innerHeight;
            if (isInSight && isMeant(el) && isDrawn(el)) {
                obstacles.push({left, right, top, bottom, cost});
            }
        }
    };
    add(FIXED_BARS, NEVER);
    if (isNarrow) {
        return obstacles;
    }
    add(BARS, NEVER);
    add(CONVERSATIONS, PHONE);
    add(BUTTONS, NEVER, (el) => !el.closest(OF_A_PART));
    add(SHEET_BUTTONS, PHONE);
    add(PHONES, PHONE, (el) => !el.closest(".o_list_renderer"));
    add(FIELDS, FIELD, (el) => !el.parentElement.closest(OF_A_PART));
    return obstacles;
}

function meets(one, other) {
    return (
        one.left + SLACK_PX < other.right &&
        other.left + SLACK_PX < one.right &&
        one.top + SLACK_PX < other.bottom &&
        other.top + SLACK_PX < one.bottom
    );
}

/** What it costs to stand in a place. */
export function costOf(box, obstacles) {
    return obstacles.reduce((sum, one) => sum + (meets(box, one) ? one.cost : 0), 0);
}

/**
 * Where the cards hide least: at the side that was chosen if they can, at the bottom or
 * above what is there, and small rather than over a button.
 *
 * @param {Object} page
 * @param {number} page.width of the window
 * @param {number} page.height
 * @param {number} page.top where the page's own buttons end
 * @param {Object[]} page.obstacles as `readObstacles` returns them
 * @param {boolean} [page.isTight] there are only small cards, but for the user's choice
 * @param {Object} cards
 * @param {number} cards.width
 * @param {{wanted: number, least: number}} cards.large their height, and the height
 * below which one would be cut off
 * @param {{wanted: number, least: number}} [cards.small] when all that can be are small
 * @param {boolean} isAtRight the side that was chosen
 * @param {Object} [now] where they are: they stay unless they hide a button
 * @returns {{isAtRight: boolean, lift: number, isSmall: boolean}}
 */
export function findPlace(page, cards, isAtRight, now) {
    const {width, height, top, obstacles, isTight} = page;
    const sizeOf = ({isSmall}) => (isSmall ? cards.small : cards.large);
    const boxOf = (place) => {
        const left = place.isAtRight ? width - cards.width : 0;
        const bottom = height - place.lift;
        const {wanted} = sizeOf(place);
        const tall = Math.min(wanted, bottom - top);
        const isSqueezed = tall < wanted - SLACK_PX;
        return {
            left,
            right: left + cards.width,
            top: bottom - tall,
            bottom,
            isSqueezed,
        };
    };
    const priceOf = (place) => {
        const box = boxOf(place);
        return (
            costOf(box, obstacles) +
            (place.isSmall ? SMALL : 0) +
            (place.isAtRight === isAtRight ? 0 : OTHER_SIDE) +
            (box.isSqueezed ? SQUEEZED : 0) +
            (place.lift ? LIFTED + place.lift / height : 0)
        );
    };
    const sizes = [false, true].filter((isSmall) =>
        cards.small ? isSmall || !isTight : !isSmall,
    );
    const hasRoom = (place) => height - place.lift - top >= sizeOf(place).least;
    // Only cards that cannot be smaller may be cut off, as high as the window is.
    const mayBe = (place) =>
        hasRoom(place) || (!place.lift && place.isSmall === sizes.at(-1));
    // Small for want of room: there may be some now.
    const mayStay = now && !now.isSmall && sizes.includes(false) && mayBe(now);
    if (mayStay && costOf(boxOf(now), obstacles) < PHONE) {
        return now;
    }
    let best = null;
    let lowest = Infinity;
    for (const isSmall of sizes) {
        for (const side of [isAtRight, !isAtRight]) {
            const column = boxOf({isAtRight: side, lift: 0, isSmall});
            const below = obstacles
                .filter((one) => one.cost > FIELD)
                .filter((one) => meets({...column, top, bottom: height}, one))
                .map((one) => ({
                    lift: Math.ceil(height - one.top),
                    // Next to who writes there is more room than above.
                    extra: one.cost < WRITING ? 0 : 2 * OTHER_SIDE,
                }));
            for (const {lift, extra} of [{lift: 0, extra: 0}, ...below]) {
                const place = {isAtRight: side, lift, isSmall};
                if (!mayBe(place)) {
                    continue;
                }
                const price = priceOf(place) + extra;
                if (price < lowest) {
                    [best, lowest] = [place, price];
                }
            }
        }
    }
    return best;
}
