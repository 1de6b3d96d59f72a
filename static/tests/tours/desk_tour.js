import {registry} from "@web/core/registry";
import {stepUtils} from "@web_tour/tour_utils";

import {pbxTells} from "./webhooks";

const tours = registry.category("web_tour.tours");

const card = (state, rest = "") => `.o_pbx_card[data-state=${state}] ${rest}`;
const NO_CARD = "body:not(:has(.o_pbx_card))";
const tagButton = (name, isOn) =>
    `.o_pbx_card_tags button[aria-pressed=${isOn}]:contains('${name}')`;
const RINGS = ["NOTIFY_START", "NOTIFY_INTERNAL"];

/** The page is there, and will not be loaded again. */
const openPage = {
    content: "A page that knows nothing of the call",
    trigger: `${NO_CARD} .o_view_controller`,
    run: () => {
        window.isTheSamePage = true;
    },
};
const samePage = {
    content: "It is still the same page, and the same view",
    trigger: ".o_breadcrumb:contains('Contacts')",
    run: () => {
        if (!window.isTheSamePage) {
            throw new Error("The page was loaded again");
        }
    },
};

/** A customer calls, is spoken with, and what they want is written down meanwhile. */
tours.add("cloud_pbx_desk_answered", {
    steps: () => [
        openPage,
        {trigger: ".o_menu_systray .o_pbx_phone_menu"},
        pbxTells(...RINGS),
        {trigger: card("ringing", ".o_pbx_card_title:contains('Olga Petrova')")},
        {trigger: card("ringing", ".o_pbx_card_number:contains('+44 20 7946 0201')")},
        {trigger: card("ringing", ".o_pbx_card_line:contains('Support')")},
        {trigger: card("ringing", ".o_pbx_card_state:contains('Incoming call')")},
        pbxTells("NOTIFY_ANSWER"),
        {trigger: card("ongoing", ".o_pbx_card_state:contains('Talking')")},
        {
            content: "The timer runs",
            trigger: card("ongoing", "[role=timer]:contains('0:02')"),
        },
        {
            trigger: card("ongoing", "textarea"),
            run: "edit Wants the offer by Friday.",
        },
        {trigger: card("ongoing", ".o_pbx_card_saved:contains('Saved')")},
        pbxTells("NOTIFY_END"),
        {trigger: card("done", ".o_pbx_card_state:contains('Ended')")},
        {trigger: card("done", "button[aria-label='Close this card']"), run: "click"},
        {trigger: NO_CARD},
        samePage,
    ],
});

/** What a talk was about is said with one press; the card goes when it would have gone. */
// A press while an answer is on its way is passed over.
const serverHasTags = {
    content: "The server has it",
    trigger: card("done", ".o_pbx_card_tags[aria-busy=false]"),
};

tours.add("cloud_pbx_desk_tagged", {
    steps: () => [
        openPage,
        pbxTells(...RINGS, "NOTIFY_ANSWER"),
        {trigger: card("ongoing")},
        {content: "Not yet", trigger: "body:not(:has(.o_pbx_card_tag))"},
        pbxTells("NOTIFY_END"),
        {trigger: card("done", tagButton("Sale", false)), run: "click"},
        {trigger: card("done", tagButton("Sale", true))},
        serverHasTags,
        {trigger: card("done", tagButton("Spam", false)), run: "click"},
        {trigger: card("done", tagButton("Spam", true))},
        serverHasTags,
        {trigger: card("done", tagButton("Spam", true)), run: "click"},
        {trigger: card("done", tagButton("Spam", false))},
        serverHasTags,
        {trigger: card("done", "button[aria-label='Close this card']"), run: "click"},
        {trigger: NO_CARD},
        samePage,
    ],
});

/** The card asks until a tag is chosen, and then goes by itself. */
tours.add("cloud_pbx_desk_asks", {
    steps: () => [
        openPage,
        pbxTells(...RINGS, "NOTIFY_ANSWER", "NOTIFY_END"),
        {trigger: card("done", "[role=group]:contains('What was it about?')")},
        {trigger: "body:not(:has(button[aria-label='Close this card']))"},
        {trigger: card("done", tagButton("Support", false)), run: "click"},
        {trigger: card("done", tagButton("Support", true))},
        {trigger: NO_CARD},
        samePage,
    ],
});

/** Or until somebody says that there is nothing to say. */
tours.add("cloud_pbx_desk_nothing_to_say", {
    steps: () => [
        openPage,
        pbxTells(...RINGS, "NOTIFY_ANSWER", "NOTIFY_END"),
        {
            trigger: card("done", "button:contains('Nothing to say')"),
            run: "click",
        },
        {trigger: NO_CARD},
        samePage,
    ],
});

/** A colleague lifts: the card says so, and goes by itself. */
tours.add("cloud_pbx_desk_taken", {
    steps: () => [
        openPage,
        pbxTells(...RINGS, "NOTIFY_INTERNAL"),
        {trigger: card("ringing", ".o_pbx_card_title:contains('Olga Petrova')")},
        pbxTells("NOTIFY_ANSWER"),
        {trigger: card("taken", ".o_pbx_card_state:contains('Taken by Boris')")},
        {trigger: NO_CARD},
        pbxTells("NOTIFY_END"),
        samePage,
    ],
});

/** Nobody lifts; then one click calls back, and the card shows how that goes. */
tours.add("cloud_pbx_desk_missed", {
    steps: () => [
        openPage,
        pbxTells(...RINGS),
        {trigger: card("ringing")},
        pbxTells("NOTIFY_END"),
        {trigger: card("done", ".o_pbx_card_state:contains('Missed')")},
        {trigger: card("done", "button:contains('Call back')"), run: "click"},
        {trigger: card("ringing", ".o_pbx_card_state:contains('Your phone 100')")},
        {
            content: "It was lifted: now the other party is called",
            trigger: card("ringing", ".o_pbx_card_state:contains('Calling…')"),
        },
        {trigger: card("ongoing", "[role=timer]")},
        {trigger: card("done", ".o_pbx_card_state:contains('Ended')")},
        {
            content: "They were spoken with: nobody need call back any more",
            trigger: "body:not(:has(.o_pbx_card button:contains('Call back')))",
        },
        samePage,
    ],
});

/** A lost caller stands in the list, is called back by Next, and is gone from it. */
tours.add("cloud_pbx_call_back", {
    steps: () => [
        {content: "Nobody waits", trigger: ".o_list_view .o_view_nocontent"},
        pbxTells(...RINGS),
        {trigger: card("ringing")},
        pbxTells("NOTIFY_END"),
        {
            content: "The list follows by itself, and the clock runs",
            trigger:
                ".o_data_row:contains('Olga Petrova') .o_pbx_deadline:contains('left')",
        },
        {trigger: card("done", ".o_pbx_card_promise:contains('promised until')")},
        {
            trigger: ".o_menu_systray .o_pbx_phone_counter:contains('1')",
        },
        {trigger: ".o_control_panel .o_pbx_next", run: "click"},
        {trigger: card("ringing", ".o_pbx_card_state:contains('Your phone 100')")},
        {trigger: card("ongoing", "[role=timer]")},
        {trigger: card("done", ".o_pbx_card_state:contains('Ended')")},
        {trigger: ".o_list_view .o_view_nocontent"},
        {trigger: ".o_menu_systray:not(:has(.o_pbx_phone_counter))"},
        {
            content: "What was kept is a filter away",
            trigger: ".o_searchview_dropdown_toggler",
            run: "click",
        },
        {trigger: ".o_filter_menu .o-dropdown-item:contains('Kept')", run: "click"},
        {trigger: ".o_data_row:contains('Olga Petrova'):contains('In time')"},
    ],
});

/** Who was lost is settled by hand: spoken with, then open again, then dismissed. */
tours.add("cloud_pbx_call_back_by_hand", {
    steps: () => [
        pbxTells(...RINGS),
        {trigger: card("ringing")},
        pbxTells("NOTIFY_END"),
        {trigger: card("done", "button[aria-label='Close this card']"), run: "click"},
        {trigger: ".o_data_row .o_data_cell:contains('Olga Petrova')", run: "click"},
        {trigger: ".o_form_view .o_pbx_deadline:contains('until')"},
        {trigger: "button:contains('Spoken with…')", run: "click"},
        {trigger: ".modal textarea", run: "edit She came by."},
        {trigger: ".modal footer button.btn-primary", run: "click"},
        {trigger: ".o_arrow_button_current:contains('Kept')"},
        {trigger: ".o_field_widget[name=note]:contains('She came by.')"},
        {trigger: "button:contains('Reopen')", run: "click"},
        {trigger: ".o_arrow_button_current:contains('Open')"},
        {trigger: "button:contains('Dismiss…')", run: "click"},
        {
            content: "A reason is required",
            trigger: ".modal footer button.btn-primary",
            run: "click",
        },
        {trigger: ".modal .o_field_invalid[name=reason]"},
        {trigger: ".modal label:contains('Not needed')", run: "click"},
        {trigger: ".modal footer button.btn-primary", run: "click"},
        {trigger: ".o_arrow_button_current:contains('Dismissed')"},
    ],
});

/** Somebody unknown: the contact is created while they are on the phone. */
tours.add("cloud_pbx_desk_unknown", {
    steps: () => [
        openPage,
        pbxTells(...RINGS),
        {trigger: card("ringing", ".o_pbx_card_title:contains('+44 20 7946 0777')")},
        pbxTells("NOTIFY_ANSWER"),
        {trigger: card("ongoing", "button:contains('Create contact')"), run: "click"},
        {
            content: "The number is there already",
            trigger: ".o_field_widget[name=phone] input:value('+44 20 7946 0777')",
        },
        {trigger: ".o_field_widget[name=name] .o_input", run: "edit Nora Quinn"},
        ...stepUtils.saveForm(),
        {trigger: card("ongoing", ".o_pbx_card_title:contains('Nora Quinn')")},
        {trigger: card("ongoing", "button:contains('Open contact')")},
        pbxTells("NOTIFY_END"),
        {trigger: card("done")},
    ],
});

/** Two have the number: one click says who it is. */
tours.add("cloud_pbx_desk_several", {
    steps: () => [
        openPage,
        pbxTells(...RINGS),
        {trigger: card("ringing", ".o_pbx_card_title:contains('+44 20 7946 0205')")},
        {trigger: card("ringing", ".o_pbx_card_candidates li:contains('Rowan Ellis')")},
        {
            trigger: card("ringing", "button[aria-label='Select Haddad Print Shop']"),
            run: "click",
        },
        {trigger: card("ringing", ".o_pbx_card_title:contains('Haddad Print Shop')")},
        {trigger: "body:not(:has(.o_pbx_card_candidates))"},
        pbxTells("NOTIFY_END"),
        {trigger: card("done")},
        samePage,
    ],
});

/** A new number of somebody who is there already. */
tours.add("cloud_pbx_desk_link", {
    steps: () => [
        openPage,
        pbxTells(...RINGS),
        {
            trigger: card(
                "ringing",
                "button[aria-label='Link to an existing contact']",
            ),
            run: "click",
        },
        {
            content: "The search has the focus",
            trigger: card("ringing", "input[type=search]:focus"),
            run: "edit Rowan",
        },
        {
            trigger: card("ringing", "[role=option]:contains('Rowan Ellis')"),
            run: "click",
        },
        {trigger: card("ringing", ".o_pbx_card_title:contains('Rowan Ellis')")},
        pbxTells("NOTIFY_END"),
        {trigger: card("done", "button:contains('Call back')")},
    ],
});

/** Who has no phone is not disturbed, and dials as Odoo lets everybody. */
tours.add("cloud_pbx_desk_no_phone", {
    steps: () => [
        {trigger: ".o_form_view .o_field_widget[name=phone]:has(a[href^='tel:'])"},
        {trigger: ".o_menu_systray:not(:has(.o_pbx_phone_menu))"},
        pbxTells(...RINGS, "NOTIFY_ANSWER", "NOTIFY_END"),
        {
            content: "Nothing comes, and nothing was asked",
            trigger: `${NO_CARD} .o_field_widget[name=phone]`,
            run: async () => {
                await new Promise((resolve) => setTimeout(resolve, 1000));
                const asked = performance
                    .getEntriesByType("resource")
                    .filter(({name}) => name.includes("/pbx."));
                if (asked.length || document.querySelector(".o_pbx_card")) {
                    throw new Error(`A card, or ${asked.map(({name}) => name)}`);
                }
            },
        },
    ],
});
