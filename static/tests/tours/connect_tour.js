import {registry} from "@web/core/registry";

const step = (name, state) => `.o_pbx_checks [data-step=${name}][data-state=${state}]`;

/** An administrator presses Connect: each step says what came of it. */
registry.category("web_tour.tours").add("cloud_pbx_connect", {
    steps: () => [
        {
            trigger:
                ".o_statusbar_buttons button.btn-primary[name=action_connect]:contains('Connect')",
            run: "click",
        },
        {trigger: step("keys", "ok")},
        {trigger: `${step("address", "warning")}:contains('plain HTTP')`},
        {trigger: `${step("extensions", "ok")}:contains('2 internal numbers')`},
        {trigger: `${step("lines", "ok")}:contains('New: +442079460900')`},
        {
            content: "From now on it is a second button",
            trigger:
                ".o_statusbar_buttons button[name=action_connect]:not(.btn-primary):contains('again')",
        },
        {
            trigger: ".o_notebook .nav-link[name=lines]",
            run: "click",
        },
        {trigger: ".o_field_widget[name=line_ids] td:contains('Support')"},
        {
            trigger: ".o_notebook .nav-link[name=health]",
            run: "click",
        },
        {trigger: ".o_field_widget[name=balance]:contains('10.34 USD')"},
        {
            content: "Nothing is given up by one click",
            trigger: ".o_statusbar_buttons button[name=action_disconnect]",
            run: "click",
        },
        {trigger: ".modal .btn-secondary", run: "click"},
        {trigger: "body:not(:has(.modal))"},
    ],
});
