"""The client that openapi-python-client makes of /openapi.json, and what the programs of this folder share. Values are never printed."""

import os
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from rotakey_client import AuthenticatedClient
from rotakey_client.api.verification import verify
from rotakey_client.models import APIToken, Error, ErrorCode, RotatedAPIToken, VerifyError
from rotakey_client.types import UNSET, Unset

T = TypeVar("T")
URL, ADMIN = os.environ["ROTAKEY_URL"], os.environ["ROTAKEY_ADMIN"]


# docs:begin openapi-python-client
def connect(value: str) -> AuthenticatedClient:
    return AuthenticatedClient(base_url=URL, token=value, prefix="", auth_header_name="X-API-Key")
# docs:end


def connect_as(user_agent: str, value: str) -> AuthenticatedClient:
    """A client of the protected API, as its gateway forwards it."""
    return connect(value).with_headers({"User-Agent": user_agent})


operator = connect(ADMIN)


def good(answer: T | Error | None) -> T:
    """The data of an answer that must be a good one."""
    assert answer is not None and not isinstance(answer, Error), answer.code if isinstance(answer, Error) else answer
    return answer


def refused(answer: T | Error | None) -> Error:
    """The error of an answer that must be a refusal."""
    assert isinstance(answer, Error), "it was not refused"
    return answer


def issued(token: APIToken | RotatedAPIToken) -> str:
    """The value in an answer that issues one, where it is always set."""
    assert not isinstance(token.value, Unset)
    return token.value


def given(answer: T | Unset | None) -> T:
    """What may be left out, and must be there."""
    assert answer is not None and not isinstance(answer, Unset)
    return answer


def verified(client: AuthenticatedClient, scopes: list[str] | Unset = UNSET) -> dict[str, str]:
    """The headers of the answer to a gateway that verifies the value of this client, which must be valid."""
    answer = verify.sync_detailed(client=client, scope=scopes)
    assert answer.parsed is None, answer.parsed
    return dict(answer.headers)


def verdict(client: AuthenticatedClient) -> ErrorCode | str:
    """Why the value of this client is refused."""
    answer = verify.sync(client=client)
    assert isinstance(answer, VerifyError), "it was not refused"
    return answer.code


def only(items: Sequence[T]) -> T:
    """The one item of a list that must have one."""
    [item] = items
    return item


def until(what: str, ask: Callable[[], T], holds: Callable[[T], bool], seconds: float = 30) -> T:
    """What a request answers, once this holds of it."""
    end = time.monotonic() + seconds
    while not holds(answer := ask()):
        assert time.monotonic() < end, f"not within {seconds} seconds: {what}"
        time.sleep(0.1)
    return answer


def ok(what: str) -> None:
    print(f"ok   openapi-python-client: {what}", flush=True)
