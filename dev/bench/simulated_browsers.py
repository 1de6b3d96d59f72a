"""People with phones, each with a browser that waits for messages of the bus."""

import contextlib
import json
import threading

import requests
import websocket

FIRST_EXTENSION = 201


class Colleague:
    """Does over the wire what the page of somebody does whose phone is rung."""

    def __init__(self, url, user, extension):
        self.url, self.extension = url, extension
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.post(f"{url}/bench/login/{user}", timeout=30).raise_for_status()
        self.socket = websocket.create_connection(
            f"{url.replace('http', 'ws', 1)}/websocket",
            origin=url,
            cookie=f"session_id={self.http.cookies['session_id']}",
            http_no_proxy=["127.0.0.1"],
        )
        subscription = {"channels": [], "last": 0}
        self.socket.send(json.dumps({"event_name": "subscribe", "data": subscription}))
        self.heard, self.leaves, self.error = 0, False, None
        self.thread = threading.Thread(target=self._listen)
        self.thread.start()

    def _listen(self):
        try:
            while text := self.socket.recv():
                messages = [one["message"] for one in json.loads(text)]
                self.heard += len(messages)
                calls = [
                    x["payload"] for x in messages if x["type"] == "cloud_pbx.call"
                ]
                if calls:
                    self._ask_for({call["id"] for call in calls})
        except Exception as error:  # noqa: BLE001
            if not self.leaves:
                self.error = error  # told by close()

    def _ask_for(self, ids):
        """The page asks for the cards of the calls it was told of."""
        call = {"model": "pbx.desk", "method": "cards", "kwargs": {}}
        params = {**call, "args": [sorted(ids)]}
        answer = self.http.post(
            f"{self.url}/web/dataset/call_kw/pbx.desk/cards",
            json={"jsonrpc": "2.0", "id": 1, "params": params},
            timeout=30,
        ).json()
        assert answer["result"]["cards"], answer

    def close(self):
        self.leaves = True
        self.socket.close()
        self.thread.join()
        self.http.close()
        if self.error:
            raise self.error
        assert self.heard, f"nothing was told to {self.extension}"


@contextlib.contextmanager
def open_browsers(server, admin, provider_id, people):
    """So many colleagues at their desks."""
    domain = [("module", "=", "cloud_pbx"), ("name", "=", "group_pbx_user")]
    [group] = admin.call("ir.model.data", "search_read", domain, ["res_id"])
    extensions = [str(FIRST_EXTENSION + place) for place in range(people)]
    users = admin.call(
        "res.users",
        "create",
        [
            {"name": f"Colleague {n}", "login": n, "group_ids": [group["res_id"]]}
            for n in extensions
        ],
    )
    phones = [
        {"number": extension, "provider_id": provider_id, "user_ids": [user]}
        for extension, user in zip(extensions, users, strict=True)
    ]
    admin.call("pbx.extension", "create", phones)
    colleagues = [
        Colleague(server.url, user, extension)
        for user, extension in zip(users, extensions, strict=True)
    ]
    try:
        yield colleagues
    finally:
        for colleague in colleagues:
            colleague.close()
