import {registry} from "@web/core/registry";
import {stepUtils} from "@web_tour/tour_utils";

/** An agent looks at a customer's calls, opens one, and writes down what was agreed. */
registry.category("web_tour.tours").add("cloud_pbx_contact_calls", {
    steps: () => [
        {
            trigger:
                ".o-form-buttonbox button[name=action_view_pbx_calls]:contains('2')",
        },
        {trigger: ".o_notebook .nav-link[name=pbx_calls]", run: "click"},
        {
            content: "A missed call is red",
            trigger:
                ".o_field_widget[name=pbx_last_call_ids] .o_pbx_direction.text-danger",
        },
        {
            content: "What each phone did, in small",
            trigger:
                ".o_field_widget[name=pbx_last_call_ids] .o_data_row:contains('1:01') .o_pbx_timeline_compact li[title$='spoke for 1:01']",
        },
        {
            trigger:
                ".o_field_widget[name=pbx_last_call_ids] .o_data_row:contains('1:01') .o_data_cell[name=start]",
            run: "click",
        },
        {trigger: ".o_pbx_call_form h1:contains('Olga Petrova')"},
        {
            content: "And in the call's form, above all else",
            trigger:
                ".o_pbx_call_form .o_pbx_timeline_phone:contains('Anna'):contains('Spoke for 1:01')",
        },
        {
            trigger: ".o_field_widget[name=note] textarea",
            run: "edit Wants the offer by Friday.",
        },
        ...stepUtils.saveForm(),
        {
            content: "Back to the contact",
            trigger: ".o_breadcrumb .o_back_button a",
            run: "click",
        },
        {trigger: ".o-form-buttonbox button[name=action_view_pbx_calls]", run: "click"},
        {trigger: ".o_pbx_call_list .o_data_row:nth-child(2)"},
    ],
});

/** Somebody unknown called: the contact is made from the call. */
registry.category("web_tour.tours").add("cloud_pbx_unknown_caller", {
    url: "/odoo/calls",
    steps: () => [
        {
            trigger:
                ".o_pbx_call_list .o_data_row:contains('+44 20 7946 0777') .o_data_cell[name=start]",
            run: "click",
        },
        {trigger: ".o_pbx_call_form h1:contains('+44 20 7946 0777')"},
        {
            trigger:
                ".o_field_widget[name=number_country_id]:contains('United Kingdom')",
        },
        {
            trigger: ".o_statusbar_buttons button[name=action_create_contact]",
            run: "click",
        },
        {
            content: "The number is there already",
            trigger: ".o_field_widget[name=phone] input:value('+44 20 7946 0777')",
        },
        {
            trigger: ".o_field_widget[name=name] .o_input",
            run: "edit Nora Quinn",
        },
        {
            content: "A company that is created on the way",
            trigger: ".o_field_widget[name=parent_id] input",
            run: "edit Quinn & Co",
        },
        {
            trigger: ".ui-autocomplete .o_m2o_dropdown_option_create a",
            run: "click",
        },
        ...stepUtils.saveForm(),
        {
            content: "One more contact from the same form",
            trigger: ".o_form_button_create",
            run: "click",
        },
        {
            trigger: ".o_form_view:not(:contains('Nora Quinn'))",
        },
        {
            trigger: ".o_field_widget[name=name] .o_input",
            run: "edit Another One",
        },
        ...stepUtils.saveForm(),
        {
            trigger: ".o_breadcrumb .o_back_button a",
            run: "click",
        },
        {trigger: ".o_pbx_call_form h1:contains('Nora Quinn')"},
        {trigger: ".o_form_view:not(:has(button[name=action_create_contact]))"},
    ],
});

/** A number of two contacts: one click says who it was. */
registry.category("web_tour.tours").add("cloud_pbx_several_matches", {
    steps: () => [
        {
            trigger:
                ".o_field_widget[name=candidate_ids] .o_data_row:contains('Rowan Ellis')",
        },
        {
            trigger:
                ".o_field_widget[name=candidate_ids] .o_data_row:contains('Haddad Print') button[name=action_pbx_pick]",
            run: "click",
        },
        {trigger: ".o_pbx_call_form h1:contains('Haddad Print')"},
        {trigger: ".o_form_view:not(:has(.o_field_widget[name=candidate_ids]))"},
    ],
});
