import {Component} from "@odoo/owl";
import {Dialog} from "@web/core/dialog/dialog";
import {_t} from "@web/core/l10n/translation";

/** Which of the numbers in one field is to be called. */
export class NumberChoice extends Component {
    static template = "cloud_pbx.NumberChoice";
    static components = {Dialog};
    static props = {
        // As the server gives them; `number` is what is dialled.
        choices: {
            type: Array,
            element: {
                type: Object,
                shape: {number: String, readable: String, extension: String},
            },
        },
        choose: Function,
        close: Function,
    };

    get title() {
        return _t("Call which number?");
    }

    extensionText(choice) {
        return _t("then %s", choice.extension);
    }

    onClick(choice) {
        this.props.choose(choice.number);
        this.props.close();
    }
}

/**
 * Ask the user.
 *
 * @param {Object} dialog the service
 * @param {Array} choices
 * @returns {Promise<string|false>} what to dial
 */
export function chooseNumber(dialog, choices) {
    return new Promise((resolve) => {
        dialog.add(
            NumberChoice,
            {choices, choose: resolve},
            {onClose: () => resolve(false)},
        );
    });
}
