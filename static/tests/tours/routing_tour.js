import {registry} from "@web/core/registry";
import {stepUtils} from "@web_tour/tour_utils";

function openConfiguration(menu) {
    return [
        {
            trigger:
                ".o_menu_sections button[data-menu-xmlid='cloud_pbx.pbx_config_menu']",
            run: "click",
        },
        {
            trigger: `.o-dropdown--menu a[data-menu-xmlid='cloud_pbx.${menu}']`,
            run: "click",
        },
    ];
}

/** A supervisor makes a rule, and tries it on the page of the cloud PBX. */
registry.category("web_tour.tours").add("cloud_pbx_routing", {
    url: "/odoo/calls",
    steps: () => [
        ...openConfiguration("pbx_route_menu"),
        {
            content: "An empty list says what rules are for",
            trigger: ".o_view_nocontent:contains('Who takes which call?')",
        },
        {trigger: ".o_list_button_add", run: "click"},
        {
            trigger: ".o_field_widget[name=name] input",
            run: "edit Anna first",
        },
        {trigger: ".o_field_widget[name=target] input", run: "click"},
        {trigger: ".o_select_menu_item:text('Person')", run: "click"},
        {
            trigger: ".o_field_widget[name=user_id] input",
            run: "edit Anna",
        },
        {
            trigger: ".o-autocomplete--dropdown-item:contains('Anna')",
            run: "click",
        },
        {
            content: "The rule reads as a sentence",
            trigger:
                ".o_field_widget[name=sentence]:contains('Everybody → Person: Anna')",
        },
        ...stepUtils.saveForm(),
        ...openConfiguration("pbx_provider_menu"),
        {trigger: ".o_data_row td[name=name]:contains('Harbour')", run: "click"},
        {
            trigger: ".o_pbx_route_trial input[name=number]",
            run: "edit 020 7946 0201",
        },
        {trigger: ".o_pbx_route_trial button[type=submit]", run: "click"},
        {
            content: "The rule decides, and says for whom",
            trigger:
                ".o_pbx_route_result li[data-code=chosen]:contains('Anna first'):contains('Anna (100)')",
        },
        {
            content: "What the PBX reads is there",
            trigger: ".o_pbx_route_result code:contains('redirect')",
        },
        {
            trigger: ".o_pbx_route_trial input[name=at]",
            run: "edit half past soon",
        },
        {trigger: ".o_pbx_route_trial button[type=submit]", run: "click"},
        {
            content: "A moment that cannot be read is no other one",
            trigger: ".o_notification:contains('half past soon')",
        },
        {
            content: "It stays, and is marked",
            trigger:
                ".o_pbx_route_trial .o_field_invalid input[aria-invalid=true]:value('half past soon')",
        },
        {trigger: ".o_pbx_route_trial:not(:has(.o_pbx_route_result))"},
        {
            trigger: ".o_pbx_route_trial input[name=at]",
            run: "edit +1d",
        },
        {trigger: ".o_pbx_route_trial button[type=submit]", run: "click"},
        {
            content: "One that can be read is taken",
            trigger: ".o_pbx_route_result li[data-code=chosen]",
        },
        {trigger: ".o_pbx_route_trial:not(:has(.o_field_invalid))"},
        {
            trigger: ".o_pbx_route_trial input[name=number]",
            run: "edit nobody",
        },
        {trigger: ".o_pbx_route_trial button[type=submit]", run: "click"},
        {trigger: ".modal:contains('nobody') footer button", run: "click"},
        {
            content: "What was read of another caller is gone",
            trigger:
                "body:not(:has(.modal)) .o_pbx_route_trial:not(:has(.o_pbx_route_result))",
        },
        {
            trigger: ".o_pbx_route_trial input[name=number]",
            run: "edit 020 7946 0201",
        },
        {trigger: ".o_pbx_route_trial button[type=submit]", run: "click"},
        {
            trigger: ".o_pbx_route_result li button:contains('Anna first')",
            run: "click",
        },
        {trigger: ".o_field_widget[name=name] input:value('Anna first')"},
    ],
});

/** The call says which rule decided. */
registry.category("web_tour.tours").add("cloud_pbx_routed_call", {
    steps: () => [
        {
            trigger:
                ".o_field_widget[name=route_reason]:contains('Anna first: Anna (100)')",
        },
    ],
});
