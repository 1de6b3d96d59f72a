"""A user's login in a running Odoo, through the calls its own web client makes."""

import http.cookiejar
import itertools
import json
import time
import urllib.error
import urllib.request

TIMEOUT_SECONDS = 120


class OdooError(Exception):
    """Odoo refused a call. `name` is the server's exception, dotted."""

    def __init__(self, error: dict):
        data = error.get("data") or {}
        self.name = data.get("name", "")
        self.debug = data.get("debug", "")
        super().__init__(data.get("message") or error.get("message"))


class Login:
    """One user, logged in. The password is kept to log in again after a restart."""

    def __init__(self, url: str, database: str, user: str, password: str):
        self.url, self.database = url, database
        self.user, self.password = user, password
        self.numbers = itertools.count(1)
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(
            # No proxy: these servers are our own, on this machine.
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPCookieProcessor(self.cookies),
        )
        answer = self._post(
            "/web/session/authenticate", db=database, login=user, password=password
        )
        self.uid: int = answer["uid"]

    def again(self) -> "Login":
        """The same user once more, for another thread."""
        return Login(self.url, self.database, self.user, self.password)

    def call(self, model: str, method: str, *args, **kwargs):
        """Call a method of a model as this user; raises OdooError."""
        path = f"/web/dataset/call_kw/{model}/{method}"
        return self._post(path, model=model, method=method, args=args, kwargs=kwargs)

    def run_job(self, job: int):
        """Run a job (``ir.cron``) now, as its form's button does.

        Odoo refuses that while it runs the job itself: then once that run is over.

        :return: ``True``, or what Odoo shows of the error with which it failed.
        """
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while True:
            try:
                return self.call("ir.cron", "method_direct_trigger", [job])
            except OdooError as error:
                is_running = "already executing" in str(error)
                if not is_running or time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def get(self, path: str) -> bytes:
        """The body of a page, as this user's browser gets it."""
        with self.opener.open(self.url + path, timeout=TIMEOUT_SECONDS) as answer:
            return answer.read()

    def _post(self, path: str, **params):
        body = {"jsonrpc": "2.0", "id": next(self.numbers), "params": params}
        answer = request_json(self.url + path, body, self.opener)
        if "error" in answer:
            raise OdooError(answer["error"])
        return answer.get("result")


def request_json(url: str, body=None, opener=None, timeout=TIMEOUT_SECONDS):
    """GET, or POST a JSON body; the JSON answer, also of a 4xx or 5xx."""
    opener = opener or urllib.request.build_opener(urllib.request.ProxyHandler({}))
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data, headers)
    try:
        with opener.open(request, timeout=timeout) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            text = error.read().decode(errors="replace")
        try:
            return json.loads(text)
        except ValueError:
            raise OSError(f"{url} answers {error.code}: {text[:500]}") from error
