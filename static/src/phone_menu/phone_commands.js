import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {escapeRegExp} from "@web/core/utils/strings";

import {isNumber, isWorthSearching} from "./contact_finder";

/** What is behind “Call” in what somebody types: a name or a number, else nothing. */
export function whomToCall(text) {
    const typed = text.trim();
    if (isNumber(typed)) {
        return typed;
    }
    const words = ["Call", String(_t("Call"))].map(escapeRegExp).join("|");
    const [, whom = ""] = typed.match(new RegExp(`^(?:${words})\\s+(.+)$`, "iu")) || [];
    return whom;
}

/** The command palette: “Call Anna”, or a number. */
registry.category("command_provider").add("cloud_pbx.call", {
    async provide(env, {searchValue = ""} = {}) {
        const {"cloud_pbx.desk": desk, orm} = env.services;
        const whom = whomToCall(searchValue);
        if (!desk.hasPhone || !isWorthSearching(whom)) {
            return [];
        }
        const command = (name, number, about) => ({
            name,
            action: () => {
                desk.dial(number, about);
            },
        });
        const typed = isNumber(whom) ? [command(_t("Call %s", whom), whom)] : [];
        const found = await orm.silent.call("pbx.desk", "search_callers", [whom]);
        return [
            ...typed,
            ...found
                .filter(({phone}) => phone)
                .map(({name, phone, model, id}) =>
                    command(
                        _t("Call %(name)s (%(number)s)", {name, number: phone}),
                        phone,
                        {
                            resModel: model,
                            resId: id,
                        },
                    ),
                ),
        ];
    },
});
