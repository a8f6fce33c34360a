"""Finding tokens: metadata, every condition and every order, counts; and what a token may be besides active: suspended, or not yet
valid."""

import inspect
from datetime import UTC, datetime, timedelta
from typing import Any

from client import connect, good, issued, ok, operator, verdict, verified
from rotakey_client.api.api_tokens import (
    count_api_tokens,
    create_api_token,
    list_api_tokens,
    resume_api_token,
    rotate_api_token,
    suspend_api_token,
    verify_api_tokens,
)
from rotakey_client.models import (
    APIToken,
    APITokenKind,
    APITokenOrder,
    APITokenStatus,
    CreateAPITokenInput,
    ErrorCode,
    MetadataEntry,
    Permission,
    SuspendAPITokenInput,
    VerificationCode,
    VerifyAPITokenInput,
    VerifyAPITokensInput,
)


def year(number: int) -> datetime:
    return datetime(number, 1, 1, tzinfo=UTC)


permissions = [Permission.API_TOKEN_READ, Permission.API_TOKEN_MODIFY, Permission.API_TOKEN_VERIFY]
settings = CreateAPITokenInput(name="maker", permissions=permissions, scopes=["read", "write"])
maker = good(create_api_token.sync(client=operator, body=settings))
caller = connect(issued(maker))


def create(settings: CreateAPITokenInput) -> APIToken:
    return good(create_api_token.sync(client=caller, body=settings))


lemon = create(
    CreateAPITokenInput(
        name="lemon",
        owner="citrus",
        description="sour, and yellow",
        scopes=["read"],
        permissions=[Permission.API_TOKEN_VERIFY],
        metadata=[MetadataEntry(key="team", value="Zürich"), MetadataEntry(key="plan", value="gold")],
        expires_at=year(2090),
        rotation_period_minutes=120,
    )
)
melon = create(
    CreateAPITokenInput(
        name="melon", kind=APITokenKind.PUBLIC, allowed_origins=["https://*.example.com"], rotation_period_minutes=60
    )
)
apple = create(
    CreateAPITokenInput(clone_settings_from=lemon.id, name="apple", owner="orchard", metadata=[], expires_at=year(2080))
)
plum = create(CreateAPITokenInput(name="plum", not_before=year(2070), scopes=["write"]))
assert (melon.status, melon.expires_at) == (APITokenStatus.ACTIVE, None)
assert (plum.status, plum.not_before) == (APITokenStatus.NOT_YET_VALID, year(2070))
assert (apple.rotation_period_minutes, apple.description, apple.metadata) == (120, "sour, and yellow", [])
# Apple's overlap runs, and melon is used.
assert good(rotate_api_token.sync(apple.id, client=caller)).generation == 2
inputs = [
    VerifyAPITokenInput(value=issued(melon), origin="https://shop.example.com"),
    VerifyAPITokenInput(value=issued(melon), origin="https://evil.example"),
    VerifyAPITokenInput(value=issued(plum)),
]
results = good(verify_api_tokens.sync(client=caller, body=VerifyAPITokensInput(inputs=inputs))).verifications
codes = [VerificationCode.VALID, VerificationCode.ORIGIN_REFUSED, VerificationCode.NOT_YET_VALID]
assert [result.code for result in results] == codes


def names(**query: Any) -> list[str]:
    page = good(list_api_tokens.sync(client=operator, **{"created_by": maker.id, **query}))
    return [token.name for token in page.data]


finds: dict[str, tuple[Any, list[str]]] = {
    "created_by": (maker.id, ["lemon", "melon", "apple", "plum"]),
    "status": ([APITokenStatus.NOT_YET_VALID, APITokenStatus.REVOKED], ["plum"]),
    "name": ("LEM", ["lemon"]),
    "text": ("yellow", ["lemon", "apple"]),
    "owner": ("orchard", ["apple"]),
    "kind": (APITokenKind.PUBLIC, ["melon"]),
    "scope": ("write", ["plum"]),
    "permission": (Permission.API_TOKEN_VERIFY, ["lemon", "apple"]),
    "metadata": (["team=Zürich", "plan=gold"], ["lemon"]),
    "expires_after": (year(2085), ["lemon"]),
    "expires_before": (year(2085), ["apple"]),
    "rotate_by_before": (datetime.now(UTC) + timedelta(minutes=90), ["melon"]),
    "unused_since": (plum.created_at + timedelta(milliseconds=1), ["lemon", "apple", "plum"]),
    "overlap_running": (True, ["apple"]),
    # Nobody has used the previous value.
    "previous_value_used_within_minutes": (5, []),
}
others = {"client", "first", "after", "last", "before", "order_by", "include"}
assert set(inspect.signature(list_api_tokens.sync).parameters) - others == set(finds), "a condition is not tested"
for condition, (value, expected) in finds.items():
    assert names(**{condition: value}) == expected, condition
ok("found tokens by every condition")

orders = {
    APITokenOrder.CREATED_AT: ["lemon", "melon", "apple", "plum"],
    APITokenOrder.CREATED_AT_DESC: ["plum", "apple", "melon", "lemon"],
    APITokenOrder.NAME: ["apple", "lemon", "melon", "plum"],
    APITokenOrder.NAME_DESC: ["plum", "melon", "lemon", "apple"],
    APITokenOrder.EXPIRES_AT: ["apple", "lemon", "melon", "plum"],
    APITokenOrder.EXPIRES_AT_DESC: ["plum", "melon", "lemon", "apple"],
    APITokenOrder.ROTATE_BY: ["melon", "lemon", "apple", "plum"],
    APITokenOrder.ROTATE_BY_DESC: ["plum", "apple", "lemon", "melon"],
    APITokenOrder.LAST_USED_AT: ["lemon", "apple", "plum", "melon"],
    APITokenOrder.LAST_USED_AT_DESC: ["melon", "plum", "apple", "lemon"],
}
assert set(orders) == set(APITokenOrder), "an order is not tested"
for order, expected in orders.items():
    assert names(order_by=order) == expected, order
    assert names(order_by=order, first=1) == expected[:1] and names(order_by=order, last=1) == expected[-1:], order
end = good(list_api_tokens.sync(client=operator, created_by=maker.id, last=2))
cursor = end.page_info.start_cursor
assert cursor is not None and end.page_info.has_previous_page
rest = good(list_api_tokens.sync(client=operator, created_by=maker.id, last=2, before=cursor))
assert [[token.name for token in page.data] for page in (end, rest)] == [["apple", "plum"], ["lemon", "melon"]]
assert not rest.page_info.has_previous_page
ok("listed tokens in every order, forwards and backwards")

counts = good(count_api_tokens.sync(client=operator, owners=100))
assert sum(each.count for each in counts.by_status) == sum(each.count for each in counts.by_kind) == counts.total
assert sum(each.count for each in counts.by_owner) + counts.of_other_owners + counts.without_owner == counts.total
assert {each.status for each in counts.by_status} == set(APITokenStatus)
ok("counted tokens")

why = SuspendAPITokenInput(reason="the customer has not paid", evidence_url="https://tickets.example.com/4713")
suspended = good(suspend_api_token.sync(lemon.id, client=operator, body=why))
assert suspended.status == APITokenStatus.SUSPENDED and suspended.suspended_at is not None
assert verdict(connect(issued(lemon))) == ErrorCode.TOKEN_SUSPENDED
resumed = good(resume_api_token.sync(lemon.id, client=operator))
assert (resumed.status, resumed.suspended_at) == (APITokenStatus.ACTIVE, None)
verified(connect(issued(lemon)))
ok("suspended and resumed a token")
