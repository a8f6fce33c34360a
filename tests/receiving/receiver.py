"""A receiver of webhooks that does at each path what it is told, and verifies all that it gets with published libraries."""

import base64
import http.server
import threading
import time
import urllib.error
import urllib.request

from nacl.signing import VerifyKey
from standardwebhooks.webhooks import Webhook

opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def status(code, **headers):
    def answer(handler, message):
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()

    return answer


def raw(content):
    """Sends these bytes, and ends the connection."""

    def answer(handler, message):
        try:
            handler.wfile.write(content)
        except ConnectionError:
            pass  # it reads no more than it wants

    return answer


def hang(beginning=b""):
    """Sends this, and then nothing until the server gives up."""

    def answer(handler, message):
        handler.wfile.write(beginning)
        began = time.monotonic()
        handler.connection.settimeout(25)
        try:
            assert handler.rfile.read(1) == b""
        except ConnectionError:
            pass
        message["gave_up_after"] = time.monotonic() - began

    return answer


def after(event, answer):
    """Answers so once this has happened."""

    def answer_after(handler, message):
        if event.wait(25):
            try:
                answer(handler, message)
            except ConnectionError:
                pass  # the server was killed

    return answer_after


def send(url, message):
    """The status that a receiver answers to a message."""
    headers = {name: value for name, value in message["headers"].items() if name.startswith("webhook-")}
    request = urllib.request.Request(url, message["body"].encode(), {"content-type": "application/json", **headers})
    try:
        with opener.open(request, timeout=10) as response:
            return response.status
    except urllib.error.HTTPError as refused:
        return refused.code


def relay(url):
    """Gives the message to another receiver: changed, as it is, and once more."""

    def answer(handler, message):
        changed = {**message, "body": message["body"].replace('":"', '": "', 1)}
        other_id = {**message, "headers": {**message["headers"], "webhook-id": "ntc_other"}}
        unsigned = {**message, "headers": {**message["headers"], "webhook-signature": "v1,AAAA v1a,AAAA"}}
        message["relayed"] = [send(url, one) for one in [changed, other_id, unsigned, message, message]]
        status(204)(handler, message)

    return answer


def verify(message):
    """Checks every signature with the libraries: one of each kind for each key, and no other."""
    headers, body, keys = message["headers"], message["body"], message["keys"]
    signatures = headers["webhook-signature"].split(" ")
    assert len(signatures) == 2 * len(keys), signatures
    for key in keys:
        Webhook(key["secret"]).verify(body, headers)
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
    # The current secret comes first.
    for key, signature in zip(keys, signatures[1::2], strict=True):
        kind, _, text = signature.partition(",")
        assert kind == "v1a", signatures
        VerifyKey(base64.b64decode(key["publicKey"].removeprefix("whpk_"))).verify(signed, base64.b64decode(text))


class Receiver:
    """What to answer at each path, 204 after that, and what arrived. With `tls`, over HTTPS."""

    def __init__(self, tls=None):
        self.answers, self.keys, self.messages, self.problems = {}, {}, [], []
        self.changed = threading.Condition()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            timeout = 25

            def do_POST(self):
                receiver.receive(self)

            do_GET = do_POST

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        if tls:
            # A client that does not trust the certificate ends the handshake, and nothing arrives.
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
            self.url = f"https://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def receive(self, handler):
        headers = {name.lower(): value for name, value in handler.headers.items()}
        body = handler.rfile.read(int(headers.get("content-length", 0))).decode()
        message = {"path": handler.path, "method": handler.command, "headers": headers, "body": body}
        message["keys"] = list(self.keys.get(handler.path, []))
        try:
            verify(message)
            assert handler.command == "POST" and headers["content-type"] == "application/json", message
        except Exception as problem:
            self.problems.append(f"{handler.path}: {problem!r}")
        with self.changed:
            self.messages.append(message)
            waiting = self.answers.get(handler.path, [])
            answer = waiting.pop(0) if waiting else status(204)
            self.changed.notify_all()
        handler.close_connection = True
        try:
            answer(handler, message)
        except Exception as problem:
            self.problems.append(f"{handler.path}: {problem!r}")

    def at(self, path):
        return [message for message in self.messages if message["path"] == path]

    def wait(self, path, count, seconds=25):
        """The messages at this path, once there are so many."""
        with self.changed:
            arrived = self.changed.wait_for(lambda: len(self.at(path)) >= count, seconds)
        assert arrived, f"{path}: {len(self.at(path))} instead of {count} messages within {seconds} seconds; {self.problems}"
        return self.at(path)
