import {registry} from "@web/core/registry";

const PLAYER = ".o_field_widget[name=recording_ids] .o_pbx_player";

const audio = () => document.querySelector(`${PLAYER} audio`);

/** Wait for something that the browser's sound does in its own time. */
const until = async (what, holds) => {
    for (let turn = 0; turn < 100; turn++) {
        if (holds()) {
            return;
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`It did not happen: ${what}`);
};

/** An agent hears a call, and goes to another place of it. */
registry.category("web_tour.tours").add("cloud_pbx_recording", {
    steps: () => [
        {trigger: ".o_notebook .nav-link[name=recordings]", run: "click"},
        {
            content: "Nothing is loaded yet",
            trigger: `${PLAYER}:has(input[type=range]:disabled)`,
            run: () => {
                if (audio().readyState || audio().networkState === 2) {
                    throw new Error("The sound was loaded by opening the form");
                }
            },
        },
        {trigger: `${PLAYER} button[aria-label=Play]`, run: "click"},
        {
            content: "It plays, and its length is known",
            trigger: `${PLAYER} .o_pbx_duration:contains('/ 1:0')`,
            run: () => until("it plays", () => audio().currentTime > 0),
        },
        {
            trigger: `${PLAYER} input[type=range]:enabled`,
            run: async ({anchor}) => {
                anchor.value = "45";
                anchor.dispatchEvent(new Event("input", {bubbles: true}));
                await until(
                    "it goes on from there",
                    () => audio().currentTime > 45 && !audio().seeking,
                );
            },
        },
        {
            content: "The form is still there: the player's clicks are its own",
            trigger: `.o_pbx_call_form ${PLAYER} .o_pbx_duration:contains('0:4')`,
        },
        {trigger: `${PLAYER} .o_pbx_player_speed`, run: "click"},
        {trigger: `${PLAYER} .o_pbx_player_speed:contains('1.25')`},
        {trigger: `${PLAYER} button[aria-label=Pause]`, run: "click"},
        {
            trigger: `${PLAYER} button[aria-label=Play]`,
            run: () => until("it is quiet", () => audio().paused),
        },
    ],
});

/** The same from a contact's last calls, without opening one. */
registry.category("web_tour.tours").add("cloud_pbx_contact_recording", {
    steps: () => [
        {trigger: ".o_notebook .nav-link[name=pbx_calls]", run: "click"},
        {
            trigger: ".o_field_widget[name=pbx_last_call_ids] button[aria-label=Play]",
            run: "click",
        },
        {
            trigger:
                ".o_field_widget[name=pbx_last_call_ids] .o_pbx_duration:contains('/ 1:0')",
        },
        {
            trigger: ".o_field_widget[name=pbx_last_call_ids] button[aria-label=Pause]",
            run: "click",
        },
        {trigger: ".o-form-buttonbox button[name=action_view_pbx_calls]"},
    ],
});
