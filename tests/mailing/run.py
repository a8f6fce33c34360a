"""Sends mail digests by the real binary to mail servers that accept, fail, hang and break off. Prints a line a guarantee."""

import contextlib
import datetime
import logging
import pathlib
import signal
import sqlite3
import ssl
import sys
import threading
import time
import warnings

from postbox import PASSWORD, Mailbox, free_port, serve, with_password
from server import Server

FROM = "Rotakey <rotakey@example.org>"


def passed(what):
    print(f"ok: {what}", flush=True)


class Digest:
    """A mail digest with an address of its own, which gets tests only."""

    def __init__(self, server, name, **settings):
        self.server, self.address = server, f"{name}@example.com"
        settings = {"kinds": ["UNUSED"], "frequency": "WEEKLY", **settings}
        made = server.call("POST", "/mail-digests", {"address": self.address, **settings})
        self.path = f"/mail-digests/{made['id']}"
        self.id = made["id"]

    def test(self):
        self.server.call("POST", f"{self.path}/test")
        return self

    def until(self, holds, seconds=30):
        return self.server.until(self.path, holds, seconds)

    def accepted(self):
        return self.until(lambda digest: digest["lastSuccessAt"] and digest["status"] == "ACTIVE")


def same(mails):
    """Checks that these are one mail, sent several times."""
    assert len({mail["mail"]["Message-ID"] for mail in mails}) == 1, [mail["mail"]["Message-ID"] for mail in mails]
    assert len({mail["raw"] for mail in mails}) == 1, [mail["raw"] for mail in mails]


def what_a_mail_says(server, mailbox):
    digest = Digest(server, "ops", kinds=["REVOKED", "EXPIRING"], owners=["acme", "أحمد"])
    other = server.call("POST", "/api-tokens", {"name": "of somebody else", "owner": "other"})
    server.call("DELETE", f"/api-tokens/{other['id']}")
    values, tokens = [], []
    for name, owner in [("reports", "acme"), ("<script>alert(1)</script>", "acme"), ("تقارير", "أحمد")]:
        made = server.call("POST", "/api-tokens", {"name": name, "owner": owner})
        server.call("DELETE", f"/api-tokens/{made['id']}?reason=found%20in%20a%20repository")
        values.append(made["value"])
        tokens.append(made["id"])
    digest.test()
    [got] = mailbox.wait(digest.address, 1)
    mail = got["mail"]
    digest.accepted()
    assert got["from"] == "rotakey@example.org", got["from"]
    headers = {"From": FROM, "To": digest.address, "Subject": "Rotakey: 3 tokens revoked, test", "Auto-Submitted": "auto-generated"}
    for name, content in headers.items():
        assert mail[name] == content, (name, mail[name])
    assert mail["Message-ID"].startswith("<eml_") and mail["Message-ID"].endswith("@example.org>"), mail["Message-ID"]
    assert mail["List-Id"] == f"<{digest.id}.example.org>", mail["List-Id"]
    assert abs(mail["Date"].datetime.timestamp() - time.time()) < 60, mail["Date"]
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    text, html = (mail.get_body([kind]).get_content() for kind in ("plain", "html"))
    for token in tokens:
        assert token in text and token in html, token
    assert "* <script>alert(1)</script> of acme: " in text, text
    assert "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;</bdi>" in html and "<script" not in html, html
    assert "<bdi>تقارير</bdi>" in html and "تقارير of أحمد" in text, text
    assert not any(loaded in html for loaded in ["src=", "href=", "url(", "@import"]), html
    for hidden in [*values, "repository", "of somebody else"]:
        assert hidden not in text and hidden not in html and hidden.encode() not in got["raw"], hidden
    assert got["raw"].isascii() and max(map(len, got["raw"].splitlines())) <= 998
    passed("a mail says in text and in HTML what happened, to its owners only, and holds no value")


def difficult_answers(server, mailbox):
    later = Digest(server, "later")
    mailbox.answers[later.address] = ["451 try again", "451 try again"]
    closed = Digest(server, "closed")
    mailbox.answers[closed.address] = ["close"]
    refused = Digest(server, "refused")
    mailbox.recipients[refused.address] = ["550 no such user"]
    content = Digest(server, "content")
    mailbox.answers[content.address] = ["554 looks like spam to me"]
    busy = Digest(server, "busy")
    mailbox.recipients[busy.address] = ["450 greylisted"]
    for digest in [later, closed, refused, content, busy]:
        digest.test()

    for digest, status in [(refused, 550), (content, 554)]:
        failed = digest.until(lambda digest: digest["status"] == "FAILING")
        assert f"status {status}" in failed["lastFailure"], failed
        assert not any(said in failed["lastFailure"] for said in ["no such", "spam"]), failed
    failed = later.until(lambda digest: digest["status"] == "FAILING" or len(mailbox.to(later.address)) > 1)
    assert failed["lastFailure"] is None or "status 451" in failed["lastFailure"], failed
    mailbox.wait(later.address, 3)
    later.accepted()
    same(mailbox.to(later.address))
    busy.accepted()
    assert len(mailbox.to(busy.address)) == 1
    passed("a mail that is refused for now is sent again, the same")

    same(mailbox.wait(closed.address, 2))
    closed.accepted()
    passed("a mail whose answer is lost is sent again, with the same Message-ID")

    assert (len(mailbox.to(refused.address)), len(mailbox.to(content.address))) == (0, 1), "not before an hour"
    for digest, before in [(refused, 0), (content, 1)]:
        digest.test()
        mails = mailbox.wait(digest.address, before + 2)
        same(mails[: before + 1])
        assert mails[-1]["mail"]["Message-ID"] != mails[0]["mail"]["Message-ID"], "the second test is in the next mail"
        digest.accepted()
    passed("a mail that is refused is kept, and sent by the next test, the same")


def passwords(server, mailbox):
    digest = Digest(server, "password")
    mailbox.password = b"another one"
    digest.test()
    failed = digest.until(lambda digest: digest["status"] == "FAILING")
    assert "user and the password" in failed["lastFailure"] and "535" in failed["lastFailure"], failed
    assert not mailbox.to(digest.address)
    mailbox.password = PASSWORD
    mailbox.wait(digest.address, 1)
    digest.accepted()
    passed("a wrong password is reported, and nothing is lost until it is right")


def restarts(server, mailbox):
    held = threading.Event()
    drained = Digest(server, "drained")
    mailbox.answers[drained.address] = [held]
    drained.test()
    mailbox.wait(drained.address, 1)
    server.process.send_signal(signal.SIGTERM)
    threading.Timer(2, held.set).start()
    assert server.process.wait(30) == 0, server.log()
    server.start()
    drained.accepted()
    assert len(mailbox.to(drained.address)) == 1
    passed("a mail on its way at SIGTERM is waited for")

    never = threading.Event()
    killed = Digest(server, "killed")
    mailbox.answers[killed.address] = [never]
    killed.test()
    mailbox.wait(killed.address, 1)
    server.kill()
    never.set()
    # The claim of the process that was killed ends after two minutes. Here it began two minutes earlier.
    with contextlib.closing(sqlite3.connect(server.folder / "rotakey.db")) as database, database:
        sql = "UPDATE mail_digest SET due_at = due_at - 120000 WHERE id = ? AND claim IS NOT NULL"
        assert database.execute(sql, [killed.id]).rowcount == 1
    server.start()
    same(mailbox.wait(killed.address, 2))
    killed.accepted()
    passed("a mail on its way at kill -9 is sent again after the restart, with the same Message-ID")


def without_starttls(binary, folder, port):
    """A server that must not send in clear text, and one that speaks to a port where nobody listens."""
    settings = {"ROTAKEY_SMTP_URL": f"smtp://localhost:{port}?tls=required", "ROTAKEY_MAIL_FROM": FROM}
    server = Server(binary, folder / "plain", **settings)
    digest = Digest(server, "plain").test()
    failed = digest.until(lambda digest: digest["status"] == "FAILING")
    assert failed["lastFailure"] == "the mail server does not offer STARTTLS", failed
    return server


def strangers(binary, folder, common, tls):
    """Mail servers whose certificate is of an authority that is not trusted, or for another host. They learn no password."""
    mailbox, controllers, servers = Mailbox(), [], []
    unknown = {name: value for name, value in common.items() if name != "ROTAKEY_SMTP_CA"}
    implicit = {"ssl_context": tls, **with_password(mailbox, auth_require_tls=False)}
    for name, settings, host, url, mode in [
        ("authority", unknown, "127.0.0.1", "smtps://rotakey@localhost:{}", implicit),
        ("host", common, "127.0.0.2", "smtps://rotakey@127.0.0.2:{}", implicit),
        ("upgraded", unknown, "127.0.0.1", "smtp://rotakey@localhost:{}?tls=required", {"tls_context": tls, **with_password(mailbox)}),
    ]:
        controller, port = serve(mailbox, host=host, **mode)
        controllers.append(controller)
        servers.append(Server(binary, folder / name, ROTAKEY_SMTP_URL=url.format(port), **settings))
        failed = Digest(servers[-1], name).test().until(lambda digest: digest["status"] == "FAILING")
        assert failed["lastFailure"].startswith("the TLS handshake with the mail server failed"), failed
    assert not mailbox.attempts and not mailbox.mails
    passed("a mail server with the certificate of a stranger gets no password and no mail")
    return controllers, servers


def main(binary, folder):
    # One of the servers speaks TLS from the start, which the library does not count. Others see handshakes that fail, as they should.
    warnings.simplefilter("ignore")
    logging.disable(logging.ERROR)
    began = time.monotonic()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    (folder / "password").write_bytes(PASSWORD + b"\n")
    common = {
        "ROTAKEY_SMTP_CA": str(folder / "ca.pem"),
        "ROTAKEY_SMTP_PASSWORD_FILE": str(folder / "password"),
        "ROTAKEY_MAIL_FROM": FROM,
        "ROTAKEY_NOTICE_EXPIRING": "1m",
    }
    mailbox, started, plain, down = Mailbox(), Mailbox(), Mailbox(), Mailbox()
    controllers, servers = [], []
    try:
        controller, port = serve(mailbox, ssl_context=tls, **with_password(mailbox, auth_require_tls=False))
        controllers.append(controller)
        server = Server(binary, folder / "smtps", ROTAKEY_SMTP_URL=f"smtps://rotakey@localhost:{port}", **common)
        servers.append(server)

        # These take a minute, while the others are checked.
        other = Server(binary, folder / "hang", ROTAKEY_SMTP_URL=f"smtps://rotakey@localhost:{port}", **common)
        servers.append(other)
        slow = Digest(other, "slow")
        mailbox.answers[slow.address] = ["hang"]
        hung_at = time.monotonic()
        slow.test()
        soon = Digest(server, "deadline", kinds=["EXPIRING"])
        expires = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=75)
        server.call("POST", "/api-tokens", {"name": "short-lived", "expiresAt": expires.isoformat()})

        what_a_mail_says(server, mailbox)
        difficult_answers(server, mailbox)
        passwords(server, mailbox)
        restarts(server, mailbox)

        controller, port = serve(started, tls_context=tls, require_starttls=True, **with_password(started))
        controllers.append(controller)
        servers.append(Server(binary, folder / "starttls", ROTAKEY_SMTP_URL=f"smtp://rotakey@127.0.0.1:{port}?tls=required", **common))
        digest = Digest(servers[-1], "starttls").test()
        [got] = started.wait(digest.address, 1)
        assert got["mail"]["Subject"] == "Rotakey: test", got["mail"]["Subject"]
        digest.accepted()
        passed("a mail is sent by STARTTLS, with a password")

        controller, port = serve(plain)
        controllers.append(controller)
        servers.append(without_starttls(binary, folder, port))
        assert not plain.mails and not plain.attempts
        passed("nothing is sent in clear text if STARTTLS is required and not offered")

        more = strangers(binary, folder, common, tls)
        controllers.extend(more[0])
        servers.extend(more[1])

        port = free_port()
        servers.append(Server(binary, folder / "down", ROTAKEY_SMTP_URL=f"smtp://127.0.0.1:{port}", ROTAKEY_MAIL_FROM=FROM))
        digest = Digest(servers[-1], "down").test()
        failed = digest.until(lambda digest: digest["status"] == "FAILING")
        assert failed["lastFailure"].startswith("cannot connect to the mail server"), failed
        controllers.append(serve(down, port)[0])
        down.wait(digest.address, 1)
        digest.accepted()
        passed("a mail waits for a mail server that is down")

        # The claim of the mail that is on its way keeps others from sending it.
        same(mailbox.wait(slow.address, 2, 120))
        assert 55 < time.monotonic() - hung_at < 110, time.monotonic() - hung_at
        slow.accepted()
        passed("a mail server that hangs is waited for a minute, and gets the mail again")

        server.until(soon.path, lambda _: "short-lived" in str(rows(server, soon.id)), 90)
        soon.test()
        [got] = mailbox.wait(soon.address, 1)
        assert got["mail"]["Subject"] == "Rotakey: 1 token expires soon, test", got["mail"]["Subject"]
        passed("a deadline that the settings name is announced")

        for server in servers:
            server.stop()
            log = server.log()
            assert "panicked" not in log, log
            assert not any(secret in log for secret in [server.token, PASSWORD.decode()]), "a secret is in the log"
        passed(f"no secret is in the log; {time.monotonic() - began:.0f} seconds")
    finally:
        for server in servers:
            server.process.kill()
            server.process.wait()
        for controller in controllers:
            controller.stop(no_assert=True)


def rows(server, digest):
    """The names of the tokens that wait for a mail of this digest."""
    with contextlib.closing(sqlite3.connect(f"file:{server.folder}/rotakey.db?mode=ro", uri=True)) as database:
        return database.execute("SELECT name FROM mail_digest_notice WHERE mail_digest_id = ?", [digest]).fetchall()


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]))
