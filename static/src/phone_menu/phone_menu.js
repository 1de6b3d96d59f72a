import {Component, useEffect, useRef, useState} from "@odoo/owl";
import {useDiscussSystray} from "@mail/utils/common/hooks";
import {useCommand} from "@web/core/commands/command_hook";
import {_t} from "@web/core/l10n/translation";
import {usePopover} from "@web/core/popover/popover_hook";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";

import {PhonePanel} from "./phone_panel";

const MAX_COUNTED = 99;

/**
 * The phone beside Discuss: how many missed calls wait, and the panel to call from.
 *
 * No `Dropdown`: that is a menu to screen readers, and takes the arrow keys for its
 * items; this is a small window with a field, a switch and lists.
 */
export class PhoneMenu extends Component {
    static template = "cloud_pbx.PhoneMenu";
    static props = {};

    setup() {
        this.desk = useService("cloud_pbx.desk");
        this.systray = useDiscussSystray();
        this.toggler = useRef("toggler");
        this.state = useState({isOpen: false});
        const {systray} = this;
        this.popover = usePopover(PhonePanel, {
            animation: false,
            arrow: false,
            position: "bottom-end",
            setActiveElement: false,
            get popoverClass() {
                return `o_pbx_phone_popover ${systray.menuClass}`;
            },
            onClose: () => this.onClosed(),
        });
        useCommand(_t("Phone"), () => this.toggle(), {
            category: "smart_action",
            hotkey: "alt+shift+p",
            global: true,
            hotkeyOptions: {bypassEditableProtection: true},
            isAvailable: () => this.desk.hasPhone,
        });
        useCommand(_t("Next call-back"), () => this.desk.takeNext(), {
            category: "smart_action",
            global: true,
            isAvailable: () => this.desk.hasPhone && this.desk.missed > 0,
        });
        // The phone may be taken away while its panel is open.
        useEffect(
            (hasPhone) => {
                if (!hasPhone) {
                    this.popover.close();
                }
            },
            () => [this.desk.hasPhone],
        );
    }

    toggle() {
        if (this.popover.isOpen) {
            this.popover.close();
        } else {
            this.popover.open(this.toggler.el, {});
            this.state.isOpen = true;
        }
    }

    onClosed() {
        this.state.isOpen = false;
        // What had the focus goes with the panel.
        if (document.activeElement?.closest(".o_pbx_phone")) {
            this.toggler.el?.focus();
        }
    }

    get counter() {
        const {missed} = this.desk;
        return missed > MAX_COUNTED ? _t("%s+", MAX_COUNTED) : String(missed);
    }

    get label() {
        const {missed, preferences} = this.desk;
        const parts = [_t("Phone")];
        if (preferences.do_not_disturb) {
            parts.push(_t("do not disturb"));
        }
        if (missed === 1) {
            parts.push(_t("1 caller to call back"));
        } else if (missed) {
            parts.push(_t("%s callers to call back", this.counter));
        }
        return parts.join(", ");
    }
}

registry
    .category("systray")
    .add("cloud_pbx.phone_menu", {Component: PhoneMenu}, {sequence: 22});
