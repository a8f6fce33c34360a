"""The generated client, and what the programs of this folder share. Values are compared and never printed."""

import os
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from rotakey import (
    CreateAPITokenInput,
    GraphQLClientGraphQLMultiError,
    Rotakey,
    RotateAPITokenInput,
    VerificationCode,
    VerifyAPITokenInput,
)

T = TypeVar("T")
URL = os.environ["ROTAKEY_URL"] + "/graphql"


def connect(value: str, user_agent: str = "management") -> Rotakey:
    """A client that holds a value. Its user agent is that of a service that uses the API."""
    return Rotakey(URL, headers={"Authorization": f"Bearer {value}", "User-Agent": user_agent})


operator = connect(os.environ["ROTAKEY_ADMIN"])


def create(settings: CreateAPITokenInput, client: Rotakey = operator) -> tuple[str, str]:
    """The new token's id and value."""
    token = client.create_api_token(settings).create_api_token.token
    return token.id, given(token.value)


def rotate(value: str, **how: Any) -> str:
    """Lets the holder of a value rotate its token, and tells the new value."""
    return given(connect(value).rotate_api_token(RotateAPITokenInput(**how)).rotate_api_token.token.value)


def use(value: str, user_agent: str = "management") -> None:
    """Uses a value, which must work."""
    connect(value, user_agent).current_api_token()


def verdict(value: str) -> VerificationCode:
    """What the protected API is told about a value."""
    return only(operator.verify_api_tokens([VerifyAPITokenInput(value=value)]).verify_api_tokens).code


def refused(call: Callable[[], object]) -> dict[str, Any]:
    """The extensions of the error of a call that must be refused."""
    try:
        call()
    except GraphQLClientGraphQLMultiError as error:
        return given(error.errors[0].extensions)
    raise AssertionError("it was not refused")


def given(item: T | None) -> T:
    """What may be null in an answer, and must be there."""
    assert item is not None
    return item


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


def ok(step: str) -> None:
    print(f"ok ariadne-codegen: {step}", flush=True)
