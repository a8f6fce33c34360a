"""What both clients of this folder do with the server, and what they must see. Values are compared and never printed."""

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

EXPIRY = datetime(2100, 1, 1, tzinfo=UTC)
URL = os.environ["ROTAKEY_URL"] + "/graphql"


@dataclass
class Refusal(Exception):
    """What a call was refused for. The status is of the HTTP answer, where the library tells it."""

    code: str
    retry_after_seconds: int | None = None
    status: int | None = None


@dataclass
class Token:
    id: str
    name: str
    status: str
    expires_at: datetime | None


class Client(Protocol):
    """One library, holding one value."""

    def create(self, name: str, expires_at: datetime) -> tuple[str, str]:
        """The new token's id and value."""

    def list(self, after: str | None) -> tuple[list[Token], str | None]:
        """A page of the tokens that work, and the cursor of the next one."""

    def rotate(self, idempotency_key: str | None = None) -> tuple[int, str]:
        """The new generation and value."""

    def current(self) -> tuple[str, str, int]:
        """The caller's id, status and generation."""

    def revoke(self, id: str) -> str:
        """The status of the token afterwards."""


def journey(library: str, connect: Callable[[str], Client], status_when_revoked: int | None) -> None:
    """Goes from a new token to its revocation, with a client for each value."""

    def ok(step: str) -> None:
        print(f"ok {library}: {step}", flush=True)

    def refused(call: Callable[[], object]) -> Refusal:
        try:
            call()
        except Refusal as refusal:
            return refusal
        raise SystemExit(f"FAIL {library}: the server did not refuse")

    admin = connect(os.environ["ROTAKEY_ADMIN"])
    id, first = admin.create(library, EXPIRY)
    ok("create")

    listed, after = admin.list(None)
    while after:
        page, after = admin.list(after)
        listed += page
    assert [token for token in listed if token.id == id] == [Token(id, library, "ACTIVE", EXPIRY)]
    ok("list")

    generation, second = connect(first).rotate()
    assert generation == 2 and second != first
    ok("rotate")

    previous = connect(second)
    assert previous.current() == (id, "ACTIVE", 2)
    ok("use")

    key = str(uuid.uuid4())
    _, lost = previous.rotate(key)
    conflict = refused(previous.rotate)
    assert conflict.code == "ROTATION_CONFLICT" and 1 <= (conflict.retry_after_seconds or 0) <= 10
    ok("lost answer: without its key, to be asked for again later")

    generation, recovered = previous.rotate(key)
    assert generation == 3 and recovered == lost
    ok("recover: the same key gives the same value")

    last = connect(recovered)
    assert last.current() == (id, "ACTIVE", 3)
    assert refused(previous.rotate).code == "VALUE_SUPERSEDED"
    ok("use the recovered value, after which the previous one cannot rotate")

    assert last.revoke(id) == "REVOKED"
    assert refused(last.current) == Refusal("TOKEN_REVOKED", status=status_when_revoked)
    ok("revoke")


def issued(value: str | None) -> str:
    """The value in an answer that issues one, where it is never null."""
    assert value is not None
    return value
