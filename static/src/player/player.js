import {Component, onWillUnmount, useRef, useState} from "@odoo/owl";
import {browser} from "@web/core/browser/browser";
import {_t} from "@web/core/l10n/translation";

import {formatDuration} from "../common/duration";

const SPEEDS = [1, 1.25, 1.5, 2];
// How far an arrow key goes.
const STEP_SECONDS = 5;
// One is heard at a time, in whatever form or list it stands.
let heard = null;

/** Whether somebody hears a recording on this page, or has stopped in its middle. */
export function isHearing() {
    const sounds = [...document.querySelectorAll(".o_pbx_player audio")];
    return sounds.some(
        (audio) => !audio.paused || (audio.currentTime > 0 && !audio.ended),
    );
}

/** Plays one recording. Nothing is loaded before somebody wants to hear it. */
export class Player extends Component {
    static template = "cloud_pbx.Player";
    static props = {
        url: String,
        compact: {type: Boolean, optional: true},
        /** What tells it from another one beside it. */
        about: {type: String, optional: true},
    };

    setup() {
        this.audio = useRef("audio");
        this.state = useState({
            playing: false,
            loading: false,
            position: 0,
            total: 0,
            speed: SPEEDS[0],
            error: "",
        });
        onWillUnmount(() => this.pause());
    }

    get downloadUrl() {
        return `${this.props.url}?download=1`;
    }

    get playLabel() {
        const {about} = this.props;
        return about ? _t("Play: %s", about) : _t("Play");
    }

    get times() {
        const {position, total} = this.state;
        return total
            ? `${formatDuration(Math.floor(position))} / ${formatDuration(total)}`
            : "";
    }

    get spokenPosition() {
        return _t("%(position)s of %(total)s", {
            position: formatDuration(Math.floor(this.state.position)),
            total: formatDuration(this.state.total),
        });
    }

    get speedLabel() {
        return _t("Speed: %s×", this.state.speed);
    }

    async toggle() {
        const audio = this.audio.el;
        if (!audio.paused) {
            audio.pause();
            return;
        }
        if (this.state.error) {
            // What failed once is asked for anew.
            this.state.error = "";
            audio.load();
        }
        audio.playbackRate = this.state.speed;
        try {
            await audio.play();
        } catch (error) {
            // What cannot be loaded has an event of its own; a pause is no error.
            if (error.name === "NotAllowedError") {
                this.state.error = _t("Your browser does not let it play.");
            }
        }
    }

    pause() {
        this.audio.el?.pause();
        if (heard === this) {
            heard = null;
        }
    }

    goTo(seconds) {
        const {total} = this.state;
        const position = Math.min(Math.max(seconds, 0), total);
        this.audio.el.currentTime = position;
        this.state.position = position;
    }

    nextSpeed() {
        const place = SPEEDS.indexOf(this.state.speed);
        this.state.speed = SPEEDS[(place + 1) % SPEEDS.length];
        this.audio.el.playbackRate = this.state.speed;
    }

    onSeek(ev) {
        this.goTo(Number(ev.target.value));
    }

    onSeekKey(ev) {
        const steps = {
            ArrowLeft: -STEP_SECONDS,
            ArrowDown: -STEP_SECONDS,
            ArrowRight: STEP_SECONDS,
            ArrowUp: STEP_SECONDS,
        };
        if (ev.key in steps) {
            ev.preventDefault();
            this.goTo(this.state.position + steps[ev.key]);
        }
    }

    onPlay() {
        if (heard !== this) {
            heard?.pause();
            heard = this;
        }
        Object.assign(this.state, {playing: true, loading: true});
    }

    onPause() {
        Object.assign(this.state, {playing: false, loading: false});
    }

    onLength() {
        const {duration} = this.audio.el;
        this.state.total = Number.isFinite(duration) ? duration : 0;
    }

    onTime() {
        this.state.position = this.audio.el.currentTime;
    }

    async onError() {
        this.onPause();
        this.state.error = _t("This recording cannot be played now.");
        const reason = await this.askWhy();
        if (reason) {
            this.state.error = reason;
        }
    }

    /** A media element does not say what the server said: ask once more. */
    async askWhy() {
        try {
            const answer = await browser.fetch(this.props.url, {
                headers: {Range: "bytes=0-0"},
                redirect: "manual",
            });
            const type = answer.headers.get("Content-Type") || "";
            return answer.status >= 400 && type.startsWith("text/plain")
                ? await answer.text()
                : "";
        } catch {
            return _t("Odoo cannot be reached. Check your connection.");
        }
    }
}
