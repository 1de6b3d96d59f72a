import {_t} from "@web/core/l10n/translation";
import {hasTouch} from "@web/core/browser/feature_detection";
import {useService} from "@web/core/utils/hooks";
import {patch} from "@web/core/utils/patch";
import {
    formPhoneField,
    PhoneField,
    phoneField,
} from "@web/views/fields/phone/phone_field";

import {CallButton} from "./call_button";

patch(PhoneField, {
    components: {...PhoneField.components, CallButton},
    defaultProps: {...PhoneField.defaultProps, enableCall: true},
    props: {...PhoneField.props, enableCall: {type: Boolean, optional: true}},
});

patch(PhoneField.prototype, {
    setup() {
        super.setup(...arguments);
        this.pbxDesk = useService("cloud_pbx.desk");
    },

    /** On a touch screen the device itself can dial: its link stays beside the button. */
    get hasTelLink() {
        return hasTouch();
    },

    /** Who has a phone at the PBX dials through it, and not by a `tel:` link. */
    get hasPbxCall() {
        return this.props.enableCall && this.pbxDesk.hasPhone;
    },
});

// The form has a description of its own, made from the other one before this.
for (const description of [phoneField, formPhoneField]) {
    patch(description, {
        extractProps({options}) {
            const props = super.extractProps(...arguments);
            props.enableCall = options.enable_call;
            return props;
        },
        supportedOptions: [
            ...description.supportedOptions,
            {
                label: _t("Enable Calls"),
                name: "enable_call",
                type: "boolean",
                default: true,
            },
        ],
    });
}
