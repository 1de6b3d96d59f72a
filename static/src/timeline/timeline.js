/**
 * What each phone did in a call, on one axis of time. All times are milliseconds.
 *
 * A PBX tells when a phone began to ring and when it was lifted, and seldom when it fell
 * silent or handed the call on. Of such a part only its latest end is known: the part is
 * `open`, and who shows it must not claim that it lasted so long.
 *
 * @typedef {Object} Part
 * @property {number} from
 * @property {number} to
 * @property {boolean} [open] it ended at `to` or before
 * @property {number} [sure] until then it did not end
 * @property {boolean} [going] it has not ended yet
 *
 * @typedef {Object} Phone
 * @property {boolean} dialled it was this phone that called
 * @property {boolean} spoke
 * @property {Part|null} ring ringing; of the phone that called, waiting
 * @property {Part|null} talk
 * @property {number|null} talked how long, where it is known
 * @property {Phone|null} next who went on with the call
 */

const SPOKEN = "answered";

/** The phone that called; of a call from outside none did. */
function diallerOf(call, legs) {
    if (call.direction === "inbound") {
        return null;
    }
    const callers = legs.filter(
        ({number}) => call.direction !== "internal" || number !== call.number,
    );
    const named = callers.find(({extension}) => extension === call.extension);
    return (call.extension && named) || callers[0] || null;
}

/**
 * What the outcome of the leg says counts. It is not written before the end, nor of the
 * phone that a colleague called.
 */
function hasSpoken(call, leg, dialled) {
    if (leg.outcome) {
        return leg.outcome === SPOKEN;
    }
    const answered =
        leg.answer ?? (dialled && call.direction === "outbound" ? call.answer : null);
    return answered !== null && (call.state !== "done" || call.outcome === SPOKEN);
}

/**
 * @param {Object} call direction, state, outcome, number; extension: id of who dialled,
 *  or spoke last; start, answer, stop: null where unknown; talk: 0 where unknown
 * @param {Object[]} legs number, extension (id), outcome; start, answer, stop
 * @param {number} now
 * @returns {{from: number, to: number, isOver: boolean, phones: Phone[]}} `phones` in the
 *  order of `legs`
 */
export function makeTimeline(call, legs, now) {
    const isOver = call.state === "done";
    const known = [call, ...legs]
        .flatMap(({start, answer, stop}) => [start, answer, stop])
        .filter((moment) => moment !== null);
    const from = call.start ?? Math.min(...known, now);
    const last = Math.max(from, ...known, ...(isOver ? [] : [now]));
    const to = Math.max(from, isOver && call.stop !== null ? call.stop : last);
    const end = {to, isOver, isTold: isOver && call.stop !== null};
    // Clocks and receipts may be a little off.
    const place = (moment) =>
        moment === null ? null : Math.min(Math.max(moment, from), to);
    const dialler = diallerOf(call, legs);
    const phones = legs.map((leg) => ({
        dialled: leg === dialler,
        spoke: hasSpoken(call, leg, leg === dialler),
        start: place(leg.start),
        lifted: place(leg.answer),
        stop: place(leg.stop),
        isLast: Boolean(leg.extension) && leg.extension === call.extension,
    }));
    const speakers = phones.filter(({spoke}) => spoke);
    const [alone] = speakers.length === 1 ? speakers : [];
    const answer = place(call.answer);
    if (alone && answer !== null && answer >= (alone.start ?? from)) {
        // The call was answered, and by nobody else.
        alone.lifted ??= answer;
    }
    for (const phone of phones) {
        phone.next = whoWentOn(call, speakers, phone);
        phone.ring = ringOf(phone, speakers, end);
        phone.talk = talkOf(phone, speakers, end);
        const isWhole = phone.lifted === answer && phone.talk?.to === to;
        const reported = phone === alone || isWhole ? call.talk * 1000 : 0;
        phone.talked = lengthOf(phone.talk, reported);
    }
    return {from, to, isOver, phones};
}

/** The other side speaks to one after the other; a phone that called, to all of them. */
function whoWentOn(call, speakers, phone) {
    const inTurn = speakers
        .filter(({lifted}) => lifted !== null)
        .filter(({dialled}) => !(dialled && call.direction === "internal"))
        .sort((a, b) => a.lifted - b.lifted || a.isLast - b.isLast);
    const turn = inTurn.indexOf(phone);
    return turn < 0 ? null : inTurn[turn + 1] || null;
}

function ringOf({start, lifted, stop, spoke, dialled}, speakers, end) {
    if (start === null) {
        return null;
    }
    const isKnown = spoke && lifted !== null;
    if (isKnown && lifted <= start) {
        // History does not tell of the ringing: both are the start of the talk then.
        return null;
    }
    const lifts = speakers
        .map((speaker) => speaker.lifted)
        .filter((moment) => moment !== null && moment >= start);
    const first = Math.min(...lifts);
    if (isKnown && (dialled || lifted === first)) {
        return {from: start, to: lifted};
    }
    if (!isKnown && stop > start) {
        return {from: start, to: stop};
    }
    if (lifts.length && !dialled) {
        // Somebody else lifted. A phone may ring again after that: nobody tells when.
        return {from: start, to: first, open: true};
    }
    if (!end.isOver) {
        return {from: start, to: end.to, going: true};
    }
    // A voicemail may have lifted; but a phone that called was there until the end.
    return {from: start, to: end.to, open: spoke || !dialled || !end.isTold};
}

function talkOf({lifted, stop, spoke, next}, speakers, end) {
    if (!spoke || lifted === null) {
        return null;
    }
    if (stop > lifted) {
        return {from: lifted, to: stop};
    }
    if (next) {
        // Nobody else was in the call before the next phone began to ring.
        const sure = Math.min(Math.max(next.start ?? lifted, lifted), next.lifted);
        return {from: lifted, to: next.lifted, open: true, sure};
    }
    if (!end.isOver) {
        return {from: lifted, to: end.to, going: true};
    }
    const isLast = speakers.every((speaker) => speaker.lifted !== null);
    return {from: lifted, to: end.to, open: !(end.isTold && isLast)};
}

function lengthOf(talk, reported) {
    if (!talk || talk.open || talk.going) {
        return null;
    }
    return reported || talk.to - talk.from;
}
