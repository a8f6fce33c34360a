"""Sends notices by the real binary to receivers: those of docs/webhooks.md, and others that fail, hang, redirect and lie. Prints a line a
guarantee."""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time

from authority import Authority
from receiver import Receiver, after, hang, raw, relay, status
from server import Server

HERE = pathlib.Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "webhooks.md").read_text()


def passed(what):
    print(f"ok: {what}", flush=True)


def block(language):
    """The one code of the page in this language."""
    [found] = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)
    return found


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def connected(port, seconds=20):
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(ConnectionRefusedError):
            return socket.create_connection(("127.0.0.1", port), timeout=5).close()
        assert time.monotonic() < end, "the receiver does not listen"


class Hook:
    """A webhook whose messages arrive at a path of the receiver. It gets tests only."""

    def __init__(self, server, receiver, path, *answers):
        self.server, self.receiver, self.path = server, receiver, path
        receiver.answers[path] = list(answers)
        made = server.call("POST", "/webhooks", {"url": receiver.url + path, "kinds": ["UNUSED"]})
        self.id = made["webhook"]["id"]
        receiver.keys[path] = [{name: made[name] for name in ("secret", "publicKey")}]

    def test(self):
        self.delivery = self.server.call("POST", f"/webhooks/{self.id}/test")
        return self

    def noted(self, holds):
        """The test's delivery, once this holds of it."""
        def mine(page):
            return next(one for one in page["data"] if one["id"] == self.delivery["id"])

        return mine(self.server.until(f"/webhooks/{self.id}/deliveries", lambda page: holds(mine(page))))

    def delivered(self, attempts):
        """Checks that the message was accepted at this attempt, the same at each but for its time and its signature."""
        messages = self.receiver.wait(self.path, attempts)
        delivery = self.noted(lambda one: one["status"] == "DELIVERED")
        assert delivery["attempts"] == attempts == len(self.receiver.at(self.path)), (self.path, delivery)
        assert {message["headers"]["webhook-id"] for message in messages} == {delivery["noticeId"]}, self.path
        assert len({message["body"] for message in messages}) == 1, self.path
        sent = [int(message["headers"]["webhook-timestamp"]) for message in messages]
        assert all(3 <= later - earlier for earlier, later in zip(sent, sent[1:])), (self.path, sent)
        return messages


def receivers_of_the_page(server, receiver, folder):
    """Creates webhooks by the command of the page, and starts its receivers. Returns the processes, by their paths."""
    setting, command = block("sh").splitlines()
    assert setting.startswith("export TOKEN=rk_…")
    (folder / "receiver.py").write_text(block("python"))
    (folder / "receiver.mjs").write_text(block("js"))
    (folder / "node_modules").symlink_to(HERE.resolve() / "node_modules")
    started = {}
    for name, start in {"receiver.py": sys.executable, "receiver.mjs": "node"}.items():
        path, port = f"/{name}", free_port()
        line = command.replace("http://127.0.0.1:8080", server.url).replace("https://hooks.example.com/rotakey", receiver.url + path)
        assert line.count(server.url) == line.count(path) == 1, line
        said = subprocess.run(["sh", "-c", line], env={**os.environ, "TOKEN": server.token}, capture_output=True, text=True, timeout=30)
        made = json.loads(said.stdout)["data"]["createWebhook"]
        receiver.keys[path] = [{key: made[key] for key in ("secret", "publicKey")}]
        receiver.answers[path] = [relay(f"http://127.0.0.1:{port}/rotakey")]
        code = (folder / name).read_text()
        assert code.count("9000") == 1, name
        (folder / name).write_text(code.replace("9000", str(port)))
        environment = {**os.environ, "WEBHOOK_SECRET": made["secret"]}
        log = open(folder / "receivers", "a")
        process = subprocess.Popen([start, name], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        started[path] = process
        connected(port)
    return started


def check_receivers_of_the_page(server, receiver, started):
    revoked = {}
    for owner in ["other", "acme"]:
        token = server.call("POST", "/api-tokens", {"name": "reports", "owner": owner})
        server.call("DELETE", f"/api-tokens/{token['id']}?reason=found%20in%20a%20public%20repository")
        revoked[owner] = token["id"]
    for path, process in started.items():
        [message] = receiver.wait(path, 1)
        data = json.loads(message["body"])["data"]
        assert data["token"] == {"id": revoked["acme"], "name": "reports", "owner": "acme", "kind": "PRIVATE"}, data
        assert data["eventId"].startswith("evt_"), data
        # Who did it, and why, is in the audit log only; and the value nowhere.
        assert not any(hidden in message["body"] for hidden in ["public repository", token["value"], "actor"]), data
        # It is relayed while it is not yet answered.
        webhook = next(one for one in server.call("GET", "/webhooks")["data"] if one["url"].endswith(path))
        server.until(f"/webhooks/{webhook['id']}/deliveries", lambda page: page["data"][0]["status"] == "DELIVERED")
        assert message["relayed"] == [401, 401, 401, 204, 204], (path, message["relayed"])
        process.terminate()
        said, _ = process.communicate(timeout=20)
        assert said == f"api_token.revoked {message['headers']['webhook-id']}\n", (path, said)
        passed(f"the page's {path[1:]} takes what Rotakey signed, once, and refuses what was changed")


def rotation(hook):
    """After a rotation, a message is right for both secrets; for one after the next, of which the oldest is gone; for one without overlap."""
    keys = hook.receiver.keys
    for overlap, kept in [(1440, 1), (1440, 1), (0, 0)]:
        made = hook.server.call("POST", f"/webhooks/{hook.id}/rotate-secret", {"overlapMinutes": overlap})
        keys[hook.path] = [{name: made[name] for name in ("secret", "publicKey")}, *keys[hook.path][:kept]]
        before = len(hook.receiver.at(hook.path))
        hook.test()
        messages = hook.receiver.wait(hook.path, before + 1)
        assert len(messages) == before + 1
        hook.noted(lambda one: one["status"] == "DELIVERED")
    counts = [len(message["headers"]["webhook-signature"].split()) for message in hook.receiver.at(hook.path)]
    assert counts == [4, 4, 2], counts
    again = hook.server.call("POST", f"/webhook-deliveries/{hook.delivery['id']}/resend")
    messages = hook.receiver.wait(hook.path, 4)
    assert messages[3]["headers"]["webhook-id"] == messages[2]["headers"]["webhook-id"] == again["noticeId"]
    assert messages[3]["body"] == messages[2]["body"]
    passed("after a rotation each message is right for the new and for the old secret, and without overlap for the new one only")


def difficult_receivers(server, receiver):
    trap = {"Location": receiver.url + "/trap"}
    lies = {
        "/lies-too-long": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort"),
        "/lies-too-short": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + b"x" * 1_000_000),
        "/lies-chunks": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\nx"),
        "/endless": raw(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10_000_000),
    }
    accepted = {path: Hook(server, receiver, path, answer).test() for path, answer in lies.items()}
    body_hangs = Hook(server, receiver, "/hang-body", hang(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx")).test()
    failing = {
        "/hang": hang(),
        "/error": status(500),
        "/not-found": status(404),
        "/garbage": raw(b"HELLO\r\n\r\n"),
        "/two-lengths": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nxxx"),
        "/long-head": raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000 + b"\r\n\r\n"),
        "/closed": raw(b""),
        "/redirect-301": status(301, **trap),
        "/redirect-307": status(307, **trap),
    }
    failed = {path: Hook(server, receiver, path, answer).test() for path, answer in failing.items()}
    gone = Hook(server, receiver, "/gone", status(410)).test()

    rotation(Hook(server, receiver, "/rotation"))
    assert not any("gave_up_after" in message for message in receiver.at("/hang")), "others waited for the one that hangs"
    passed("a receiver that hangs does not delay the others")

    delivery = gone.noted(lambda one: one["status"] == "DEAD")
    webhook = server.call("GET", f"/webhooks/{gone.id}")
    assert (delivery["attempts"], delivery["lastStatus"]) == (1, 410), delivery
    assert (webhook["status"], webhook["disabledBecause"]) == ("DISABLED", "GONE"), webhook
    server.call("POST", f"/webhooks/{gone.id}/enable")
    gone.test()
    receiver.wait("/gone", 2)
    gone.noted(lambda one: one["status"] == "DELIVERED")
    passed("one that answers 410 is disabled at once, and can be enabled")

    for hook in accepted.values():
        hook.delivered(1)
    passed("one that lies about the length of its body, or sends without end, has accepted the message")
    for path, hook in failed.items():
        hook.delivered(2)
    for path, expected in {"/error": 500, "/redirect-307": 307}.items():
        assert str(expected) in server.call("GET", f"/webhooks/{failed[path].id}")["lastFailure"], path
    passed("one that fails, hangs or sends no HTTP gets the same message with the same id again")
    assert receiver.at("/trap") == []
    passed("a redirect is not followed")
    body_hangs.delivered(1)
    for message in [receiver.at("/hang")[0], receiver.at("/hang-body")[0]]:
        assert 8 < message["gave_up_after"] < 14, message["gave_up_after"]
    passed("the server waits ten seconds, and not longer")


def restarts(server, receiver):
    held = threading.Event()
    drained = Hook(server, receiver, "/drained", after(held, status(204))).test()
    pending = Hook(server, receiver, "/pending-at-the-stop", status(500)).test()
    receiver.wait(drained.path, 1)
    pending.noted(lambda one: one["lastStatus"] == 500)
    server.process.send_signal(signal.SIGTERM)
    # It says so once it listens no more; the message that it waits for is answered then.
    held.set()
    assert server.process.wait(30) == 0, server.log()
    assert len(receiver.at(pending.path)) == 1
    server.start()
    pending.delivered(2)
    drained.delivered(1)
    passed("a notice that is pending at SIGTERM arrives after the restart, and one on its way is waited for")

    never = threading.Event()
    claimed = Hook(server, receiver, "/on-its-way-at-the-kill", after(never, status(204))).test()
    pending = Hook(server, receiver, "/pending-at-the-kill", status(500)).test()
    receiver.wait(claimed.path, 1)
    pending.noted(lambda one: one["lastStatus"] == 500)
    server.kill()
    never.set()
    # The claim of the process that was killed ends after a minute. Here it began a minute earlier.
    with contextlib.closing(sqlite3.connect(server.folder / "rotakey.db")) as database, database:
        sql = """UPDATE webhook_delivery SET claimed_until = claimed_until - 60000, next_attempt_at = next_attempt_at - 60000
            WHERE webhook_id = ? AND claim IS NOT NULL"""
        assert database.execute(sql, [claimed.id]).rowcount == 1
    server.start()
    pending.delivered(2)
    messages = receiver.wait(claimed.path, 2)
    assert claimed.noted(lambda one: one["status"] == "DELIVERED")["attempts"] == 2
    assert len({(message["headers"]["webhook-id"], message["body"]) for message in messages}) == 1
    passed("a notice that is pending or on its way at kill -9 arrives after the restart, with the same id")


def private_addresses(server):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0)
        port = listening.getsockname()[1]
        hosts = ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "[fd00::1]", "0x7f.1", "2130706433"]
        for url in [f"http://127.0.0.1:{port}/", *(f"https://{host}:{port}/" for host in hosts)]:
            code, answer = server.ask("POST", "/webhooks", {"url": url})
            assert code == 400 and answer["field"] == "url", (url, code, answer)
        made = server.call("POST", "/webhooks", {"url": f"https://localhost:{port}/"})
        test = server.call("POST", f"/webhooks/{made['webhook']['id']}/test")
        page = server.until(f"/webhooks/{made['webhook']['id']}/deliveries", lambda page: page["data"][0]["lastError"])
        assert page["data"][0]["id"] == test["id"]
        assert "no address that may be connected to" in page["data"][0]["lastError"], page
        try:
            listening.accept()
        except BlockingIOError:
            passed("private addresses are refused without --webhook-allow-networks, also behind a name")
        else:
            raise AssertionError("it connected")


def https(binary, folder, servers):
    """Over HTTPS, a receiver is trusted if an authority of --webhook-ca has signed its certificate, for the name in the URL."""
    ours, another = Authority(folder / "ours"), Authority(folder / "another")
    receivers = {
        "trusted": Receiver(ours.context("localhost")),
        "of another authority": Receiver(another.context("localhost")),
        "of another name": Receiver(ours.context("hooks.example.com")),
    }
    settings = {"ROTAKEY_WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8", "ROTAKEY_WEBHOOK_CA": str(ours.certificate)}
    servers.append(Server(binary, folder / "https", **settings))
    hooks = {name: Hook(servers[-1], receiver, "/hook").test() for name, receiver in receivers.items()}
    hooks["trusted"].delivered(1)
    # Without the setting, only what is publicly trusted.
    settings.pop("ROTAKEY_WEBHOOK_CA")
    servers.append(Server(binary, folder / "https-public", **settings))
    hooks["without the setting"] = Hook(servers[-1], receivers["trusted"], "/public").test()
    for name in ["of another authority", "of another name", "without the setting"]:
        delivery = hooks[name].noted(lambda one: one["lastError"])
        assert "the TLS handshake failed" in delivery["lastError"], (name, delivery)
        assert hooks[name].receiver.at(hooks[name].path) == [], name
    assert not any(receiver.problems for receiver in receivers.values()), [receiver.problems for receiver in receivers.values()]
    passed("over HTTPS, a receiver gets messages if an authority of --webhook-ca has signed its certificate, for its name, and no other does")


def verified_by_node(receiver):
    lines = "\n".join(json.dumps({key: message[key] for key in ("headers", "body", "keys")}) for message in receiver.messages)
    done = subprocess.run(["node", HERE / "verify.mjs"], input=lines, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len(receiver.messages) > 25, done.stdout
    assert receiver.problems == [], receiver.problems
    passed(f"all {len(receiver.messages)} messages were verified by the libraries of PyPI and npm, HMAC and Ed25519")


def main(binary, folder):
    began = time.monotonic()
    receiver, servers, started = Receiver(), [], {}
    try:
        server = Server(binary, folder / "allowed", ROTAKEY_WEBHOOK_ALLOW_NETWORKS="127.0.0.0/8")
        servers.append(server)
        started = receivers_of_the_page(server, receiver, folder)
        check_receivers_of_the_page(server, receiver, started)
        difficult_receivers(server, receiver)
        restarts(server, receiver)
        servers.append(Server(binary, folder / "public"))
        private_addresses(servers[-1])
        https(binary, folder, servers)
        verified_by_node(receiver)
        for server in servers:
            server.stop()
            log = server.log()
            assert "panicked" not in log, log
            secrets = [server.token, *(key["secret"] for keys in receiver.keys.values() for key in keys)]
            assert not any(secret in log for secret in secrets), "a secret is in the log"
        passed(f"no secret is in the log; {time.monotonic() - began:.0f} seconds")
    finally:
        for process in [*(server.process for server in servers), *started.values()]:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]))
