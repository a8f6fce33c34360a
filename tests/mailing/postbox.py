"""Mail servers, each in a thread of its own, which keep what they get."""

import asyncio
import email
import email.policy
import socket
import threading
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

USER, PASSWORD = b"rotakey", b"correct horse"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Mailbox:
    """What a mail server does with mails, by their recipient: the answers of an address, then success."""

    def __init__(self):
        self.mails, self.answers, self.recipients, self.changed = [], {}, {}, threading.Condition()
        self.attempts, self.password = 0, PASSWORD

    def authenticate(self, server, session, envelope, mechanism, data):
        self.attempts += 1
        return AuthResult(success=(data.login, data.password) == (USER, self.password), handled=False)

    async def handle_RCPT(self, server, session, envelope, address, options):
        refusals = self.recipients.get(address, [])
        if refusals:
            return refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        [address] = envelope.rcpt_tos
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        with self.changed:
            answers = self.answers.get(address, [])
            answer = answers.pop(0) if answers else "250 kept"
            self.mails.append({"to": address, "from": envelope.mail_from, "mail": mail, "raw": envelope.content, "answer": answer})
            self.changed.notify_all()
        if answer == "close":
            server.transport.abort()
            return "250 never sent"
        if answer == "hang":
            await asyncio.sleep(600)
        if isinstance(answer, threading.Event):
            while not answer.is_set():
                await asyncio.sleep(0.05)
            return "250 kept"
        return answer

    def to(self, address):
        return [mail for mail in self.mails if mail["to"] == address]

    def wait(self, address, count, seconds=30):
        """The mails to this address, once there are so many."""
        end = time.monotonic() + seconds
        with self.changed:
            while len(self.to(address)) < count:
                left = end - time.monotonic()
                assert left > 0, f"{len(self.to(address))} mails to {address} and not {count} within {seconds} seconds"
                self.changed.wait(left)
            return self.to(address)


def serve(mailbox, port=None, host="127.0.0.1", **settings):
    """A mail server of this mailbox. Returns its controller and its port."""
    port = port or free_port()
    controller = Controller(mailbox, hostname=host, port=port, ready_timeout=20, **settings)
    controller.start()
    return controller, port


def with_password(mailbox, **settings):
    """Settings of a server that accepts nothing without the password."""
    return {"authenticator": mailbox.authenticate, "auth_required": True, **settings}
