"""People's browsers in front of a started Odoo, and calls that come in meanwhile.

Browsers     all browsers of one test; whatever breaks in a page fails the test
Tab          one page: its cards, what it asked the server, what it played
FakePbx  the fake PBX, whose calls the test steers
"""

import re
import time

from playwright.sync_api import expect

from lib import debian
from lib.rpc import request_json

# A page comes back, or is told something: a moment, on a busy machine a long one.
PATIENCE = 40_000
# The first page of a server has its scripts put together first.
OPENED_MS = 120_000
START = "/odoo/calls"
# Stays text wherever it is shown: as a tag it would open a window, or miss a picture.
HOSTILE = """<b>Olga</b> <img src="x" onerror="alert('hacked')">"""
# What a test wants to know and no page tells: how often it was heard, and what the
# desktop was told. And Playwright has every page believe that somebody works in it.
PREPARE = """
window.played = 0;
HTMLMediaElement.prototype.play = function () {
    window.played++;
    return Promise.resolve();
};
window.notifications = [];
window.Notification = class extends EventTarget {
    // Granted from the start, Odoo would subscribe to what this browser has not.
    static get permission() {
        return window.inUse ? "default" : "granted";
    }
    constructor(title) {
        super();
        window.notifications.push(title);
    }
    close() {}
};
window.inUse = true;
Document.prototype.hasFocus = () => window.inUse;
Object.defineProperty(Document.prototype, "hidden", {get: () => !window.inUse});
"""
LOOK = """yes => {
    window.inUse = yes;
    document.dispatchEvent(new Event("visibilitychange", {bubbles: true}));
}"""
FOLLOW = """(element, attribute) => {
    window.followed = [];
    new MutationObserver(() => {
        const value = element.getAttribute(attribute);
        if (window.followed.at(-1) !== value) {
            window.followed.push(value);
        }
    }).observe(element, {attributeFilter: [attribute]});
}"""
CONNECTED = """() => window.odoo?.__WOWL_DEBUG__?.root.env.services.bus_service
    .workerState === "CONNECTED" """
ACT = """action => odoo.__WOWL_DEBUG__.root.env.services.action
    .doAction(action, {clearBreadcrumbs: true})"""
expect.set_options(timeout=PATIENCE)


class Browsers:
    """Opens a browser for each person; `told` tells what went wrong in any."""

    def __init__(self, chromium, odoo):
        self.chromium, self.odoo = chromium, odoo
        self.contexts, self.problems, self.harmless = [], [], []

    def open(self, user: str, **options):
        """A browser of its own with `user` logged in; add tabs by `tab`."""
        options = {"viewport": {"width": 1366, "height": 850}, **options}
        context = self.chromium.new_context(**options)
        context.set_default_timeout(PATIENCE)
        context.add_init_script(PREPARE)
        for cookie in self.odoo.login(user).cookies:
            told = {"name": cookie.name, "value": cookie.value, "url": self.odoo.url}
            context.add_cookies([told])
        self.contexts.append(context)
        return context

    def tab(self, context, path: str = START) -> "Tab":
        return Tab(self, context.new_page(), path)

    def one(self, user: str, path: str = START) -> "Tab":
        """A browser with a single tab."""
        return self.tab(self.open(user), path)

    def note(self, kind: str, text: str) -> None:
        if not any(re.search(pattern, text) for pattern in self.harmless):
            self.problems.append(f"{kind}: {text}")

    def told(self) -> list[str]:
        """What went wrong in any page since this was asked last."""
        told, self.problems = self.problems, []
        return told

    def close(self) -> None:
        for context in self.contexts:
            context.close()


class Tab:
    """A page with Odoo's web client in it."""

    def __init__(self, browsers, page, path):
        self.browsers, self.page = browsers, page
        self.asked = []  # (model, method) of each call to the server
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: browsers.note("error", str(error)))
        page.on("dialog", self._on_dialog)
        page.on("request", self._on_request)
        page.goto(browsers.odoo.url + path, timeout=OPENED_MS)
        page.wait_for_selector(".o_action_manager > .o_action", timeout=OPENED_MS)
        page.wait_for_function(CONNECTED, timeout=OPENED_MS)

    def act(self, action) -> None:
        """Do an action of Odoo's, as a menu does."""
        self.page.evaluate(ACT, action)

    def show(self, model: str, record: int = 0) -> None:
        """Go to a record's form, or to the list of all."""
        view = "form" if record else "list"
        action = {
            "type": "ir.actions.act_window",
            "res_model": model,
            "res_id": record,
            "views": [[False, view]],
        }
        self.act(action)

    def _on_console(self, message):
        if message.type == "error":
            self.browsers.note("console", f"{message.text} {message.location}")

    def _on_dialog(self, dialog):
        self.browsers.note("dialog", dialog.message)
        dialog.dismiss()

    def _on_request(self, request):
        if not request.url.startswith((self.browsers.odoo.url, "data:", "blob:")):
            self.browsers.note("request", request.url)
        if found := re.search(r"/web/dataset/call_kw/([\w.]+)/(\w+)", request.url):
            self.asked.append(found.groups())

    @property
    def cards(self):
        return self.page.locator(".o_pbx_card")

    def card(self, state: str | None = None):
        """The only card there is, in that state."""
        expect(self.cards).to_have_count(1)
        if state:
            expect(self.cards).to_have_attribute("data-state", state)
        return self.cards

    def no_card(self) -> None:
        expect(self.cards).to_have_count(0)

    def close_cards(self) -> None:
        self.button("Close this card").evaluate_all("all => all.map(el => el.click())")
        self.no_card()

    def timer(self) -> int:
        """Seconds that the card says the conversation lasts."""
        told = self.page.locator("[data-state=ongoing]").get_by_role("timer")
        minutes, seconds = told.inner_text().split(":")
        return int(minutes) * 60 + int(seconds)

    def heard(self) -> int:
        """How often a tone was begun."""
        return self.page.evaluate("window.played")

    def notified(self) -> list[str]:
        """Titles of the desktop's notifications."""
        return self.page.evaluate("window.notifications")

    def look(self, yes: bool) -> None:
        """The person works in this page, or it is hidden behind others."""
        self.page.evaluate(LOOK, yes)
        if yes:
            self.page.bring_to_front()  # else it is drawn now and then only

    def follow(self, element, attribute: str) -> None:
        """Note what an attribute becomes from now on."""
        element.evaluate(FOLLOW, attribute)

    def followed(self) -> list[str]:
        return self.page.evaluate("window.followed")

    def button(self, name: str):
        return self.page.get_by_role("button", name=name)


class FakePbx:
    """The fake PBX: calls that do what the test says."""

    def __init__(self, pbx):
        self.pbx = pbx

    def online(self, *extensions: str) -> None:
        """These phones are connected, and no others."""
        known = request_json(f"{self.pbx.url}/control/settings")["extensions"]
        online = {number: {"online": number in extensions} for number in known}
        self.pbx.post("/control/settings", {"extensions": online})

    def ring(self, caller: str, *extensions: str) -> "Ringing":
        """Somebody calls, and those phones ring."""
        self.online(*extensions)
        call = self.pbx.post("/control/calls", {"caller": caller})
        assert call["ringing"] == list(extensions), call
        return Ringing(self.pbx, call["id"])

    def dialled(self, number: str) -> int:
        """How often it was asked to dial a number."""
        entries = request_json(f"{self.pbx.url}/control/log?kind=api&limit=1000")
        return sum(
            "request/callback" in entry["path"] and entry["params"]["to"] == number
            for entry in entries
        )


class Ringing:
    """A call that goes on until the test ends it."""

    def __init__(self, pbx, ident):
        self.pbx, self.path = pbx, f"/control/calls/{ident}"
        self.lifted = None

    def answer(self, extension: str) -> None:
        self.pbx.post(f"{self.path}/answer", {"extension": extension})
        self.lifted = time.time()

    def hand_to(self, extension: str) -> None:
        """Whoever speaks hands the call on."""
        self.pbx.post(f"{self.path}/transfer", {"to": extension})

    def hang_up(self) -> None:
        self.pbx.post(f"{self.path}/hangup")

    def seconds(self) -> int:
        """How long it has been talked."""
        return int(time.time() - self.lifted)


def launch(chromium, *options):
    """The system's Chromium, without a window; `chromium` is Playwright's."""
    return chromium.launch(
        executable_path=debian.browser(), args=["--no-sandbox", *options]
    )
