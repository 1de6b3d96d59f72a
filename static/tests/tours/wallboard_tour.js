import {registry} from "@web/core/registry";

import {pbxTells} from "./webhooks";

const PERSON = ".o_pbx_wallboard_people li:contains(Anna)";
const CALL = ".o_pbx_wallboard_calls li:contains(Olga Petrova)";

registry.category("web_tour.tours").add("cloud_pbx_wallboard", {
    steps: () => [
        {
            content: "It takes the whole page, and nobody calls",
            trigger:
                "body:not(:has(.o_main_navbar)) .o_pbx_wallboard:contains(No calls right now)",
        },
        {trigger: `${PERSON}[data-state=free]`},
        pbxTells("NOTIFY_START", "NOTIFY_INTERNAL"),
        {trigger: `${CALL}[data-state=ringing]:contains(Anna):contains(Support)`},
        {trigger: `${PERSON}[data-state=ringing]`},
        pbxTells("NOTIFY_ANSWER"),
        {trigger: `${CALL}[data-state=ongoing]:contains(Anna)`},
        {
            content: "Clocks run",
            trigger: `${PERSON}[data-state=talking] .o_pbx_duration:contains(/:0[2-9]$/)`,
        },
        pbxTells("NOTIFY_END"),
        {trigger: ".o_pbx_wallboard_calls:contains(No calls right now)"},
        {trigger: `${PERSON}[data-state=free]`},
        {trigger: "[data-figure=answered] .o_pbx_wallboard_number:contains(/^1/)"},
        {
            content: "There is a way out",
            trigger: ".o_pbx_wallboard_leave",
            run: "click",
        },
        {trigger: ".o_main_navbar"},
    ],
});
