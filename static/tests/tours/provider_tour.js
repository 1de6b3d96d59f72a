import {registry} from "@web/core/registry";
import {stepUtils} from "@web_tour/tour_utils";

/** An administrator connects a cloud PBX: a minute from the menu to the address. */
registry.category("web_tour.tours").add("cloud_pbx_provider", {
    url: "/odoo/calls",
    steps: () => [
        {
            trigger:
                ".o_menu_sections button[data-menu-xmlid='cloud_pbx.pbx_config_menu']",
            run: "click",
        },
        {
            trigger:
                ".o-dropdown--menu a[data-menu-xmlid='cloud_pbx.pbx_provider_menu']",
            run: "click",
        },
        {trigger: ".o_list_button_add", run: "click"},
        {
            content: "The first thing to enter has the focus",
            trigger: ".o_field_widget[name=name] input:focus",
            run: "edit Main office",
        },
        {
            trigger: ".o_field_widget[name=api_key] input[type=password]",
            run: "edit 4f9ac67f67961b71ab0c",
        },
        {
            trigger: ".o_field_widget[name=api_secret] input[type=password]",
            run: "edit 5fa0200ffca68e15de4f",
        },
        {
            trigger: ".o_field_widget[name=country_id] input",
            run: "edit Fran",
        },
        {
            trigger: ".o-autocomplete--dropdown-item:contains('France')",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=tz] input",
            run: "click",
        },
        {
            trigger: ".o_select_menu_item:contains('Europe/Paris')",
            run: "click",
        },
        {trigger: ".o_field_widget[name=tz] input:value('Europe/Paris')"},
        {
            content: "No address is shown that a save would change",
            trigger: ".o_form_sheet:not(:has(.o_field_widget[name=webhook_url]))",
        },
        ...stepUtils.saveForm(),
        {
            content: "The address is there to be copied",
            trigger:
                ".o_field_widget[name=webhook_url]:contains('/pbx/zadarma/') button",
        },
        {trigger: ".o_form_sheet:contains('No event from the PBX yet')"},
        {
            content: "What to do at Zadarma is said",
            trigger: ".o_notebook .tab-pane:contains('NOTIFY_ANSWER')",
        },
        {trigger: ".o_statusbar_buttons button[name=action_check]"},
        {
            content: "A new token is asked for twice",
            trigger: ".o_statusbar_buttons button[name=action_rotate_token]",
            run: "click",
        },
        {
            trigger: ".modal:contains('the old one stops working') .btn-secondary",
            run: "click",
        },
        {trigger: "body:not(:has(.modal))"},
    ],
});

/** The administrator says whose phone it is, on the user's form. */
registry.category("web_tour.tours").add("cloud_pbx_user_extension", {
    steps: () => [
        {trigger: ".o_notebook .nav-link[name=ip_telephony]", run: "click"},
        {
            trigger: ".o_field_widget[name=pbx_extension_ids] input",
            run: "edit 102",
        },
        {
            trigger: ".o-autocomplete--dropdown-item:contains('102')",
            run: "click",
        },
        {trigger: ".o_field_widget[name=pbx_extension_ids] .o_tag:contains('102')"},
        ...stepUtils.saveForm(),
    ],
});
