import {registry} from "@web/core/registry";

const figure = (name, text) =>
    `.o_pbx_figure[data-figure=${name}] button.o_pbx_figure_value:contains(/${text}$/)`;

/** An agent looks at the figures, filters them, and sees the calls behind one. */
registry.category("web_tour.tours").add("cloud_pbx_figures", {
    url: "/odoo/calls",
    steps: () => [
        {
            trigger:
                ".o_menu_sections button[data-menu-xmlid='cloud_pbx.pbx_report_menu']",
            run: "click",
        },
        {
            trigger:
                ".o-dropdown--menu a[data-menu-xmlid='cloud_pbx.pbx_figures_menu']",
            run: "click",
        },
        {
            content: "Of the last thirty days, unless something else is asked",
            trigger: ".o_facet_value:contains('Last 30 days')",
        },
        {trigger: figure("inbound", "3")},
        {trigger: figure("outbound", "1")},
        {trigger: ".o_searchview_dropdown_toggler", run: "click"},
        {trigger: ".o_menu_item:contains('Incoming calls')", run: "click"},
        {
            content: "Every filter of calls is one of the figures",
            trigger: figure("outbound", "0"),
        },
        {trigger: ".o_add_favorite", run: "click"},
        {trigger: ".o_favorite_menu input[type=text]", run: "edit Who calls us"},
        {trigger: ".o_favorite_menu .o_save_favorite", run: "click"},
        {trigger: ".o_facet_value:contains('Who calls us')"},
        {trigger: ".o_searchview_dropdown_toggler", run: "click"},
        {trigger: "body:not(:has(.o_search_bar_menu))"},
        {
            content: "A figure opens its calls",
            trigger: figure("lost", "2"),
            run: "click",
        },
        {trigger: ".o_breadcrumb .active:contains('Lost calls')"},
        {
            trigger:
                ".o_list_view .o_list_table:has(.o_data_row:eq(1)):not(:has(.o_data_row:eq(2)))",
        },
        {
            content: "Back, with what was searched",
            trigger:
                ".o_breadcrumb .o_back_button a, .breadcrumb-item a:contains('Overview')",
            run: "click",
        },
        {trigger: ".o_facet_value:contains('Who calls us')"},
        {trigger: figure("outbound", "0")},
        {
            content: "So does each number of a table",
            trigger:
                ".o_pbx_figure_table[aria-label=People] td[data-figure=answered] button",
            run: "click",
        },
        {trigger: ".o_breadcrumb .active:contains('Answered calls, Anna')"},
        {trigger: ".o_list_view .o_data_row"},
    ],
});
