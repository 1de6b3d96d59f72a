import {user} from "@web/core/user";

/**
 * The context of what is done with a call of this company: a phone rings whatever
 * companies its user has ticked.
 *
 * @param {number} companyId
 * @returns {Object}
 */
export function inCompany(companyId) {
    const ticked = user.activeCompanies.map(({id}) => id);
    const others = ticked.filter((id) => id !== companyId);
    return {allowed_company_ids: [companyId, ...others]};
}

/**
 * Tick the company before a form of it opens, or all that the form reads is refused.
 * Odoo does so itself, and loads the page again, where it was refused.
 *
 * @param {number} companyId
 */
export function tickCompany(companyId) {
    const {activeCompanies, allowedCompanies} = user;
    const ticked = activeCompanies.map(({id}) => id);
    const isAllowed = allowedCompanies.some(({id}) => id === companyId);
    if (isAllowed && !ticked.includes(companyId)) {
        user.activateCompanies([...ticked, companyId], {reload: false});
    }
}
