// As OCA's template has it, for the files the browser loads. CommonJS, because the
// packages are in the cache and only `require` looks into NODE_PATH.
const js = require("@eslint/js");
const globals = require("globals");

const languageOptions = {
    ecmaVersion: 2024,
    sourceType: "module",
    globals: {...globals.browser, luxon: "readonly", odoo: "readonly", owl: "readonly"},
};

module.exports = [
    js.configs.recommended,
    {
        files: ["static/**/*.js"],
        languageOptions,
        rules: {
            "array-callback-return": "error",
            curly: ["error", "all"],
            "dot-notation": "error",
            eqeqeq: ["error", "always", {null: "ignore"}],
            "no-console": "error",
            "no-duplicate-imports": "error",
            "no-eval": "error",
            "no-implicit-coercion": ["error", {allow: ["!!"]}],
            "no-shadow": "error",
            "no-unused-vars": ["error", {argsIgnorePattern: "^_"}],
            "no-useless-return": "error",
            "no-var": "error",
            "object-shorthand": "error",
            "prefer-const": "error",
            "prefer-template": "error",
        },
    },
    {
        // The pages of the fake PBX and of the Asterisk.
        files: ["dev/{fake_zadarma,fake_beeline,fake_pbx,asterisk}/**/*.js"],
        languageOptions,
        rules: {eqeqeq: "error", "no-var": "error", "prefer-const": "error"},
    },
];
