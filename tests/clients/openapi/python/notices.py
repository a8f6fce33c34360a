"""Webhooks, from their creation to their deletion, with a receiver that verifies what it gets."""

import base64
import hashlib
import hmac
import json
import queue
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer

from client import good, ok, operator, refused, until
from rotakey_client.api.api_tokens import create_api_token, revoke_api_token
from rotakey_client.api.webhooks import (
    create_webhook,
    delete_webhook,
    enable_webhook,
    get_webhook,
    list_webhook_deliveries,
    list_webhooks,
    resend_webhook_delivery,
    rotate_webhook_secret,
    test_webhook,
    update_webhook,
)
from rotakey_client.models import (
    ActorKind,
    CreateAPITokenInput,
    CreateWebhookInput,
    ErrorCode,
    NoticeKind,
    RotateWebhookSecretInput,
    UpdateWebhookInput,
    WebhookDelivery,
    WebhookDeliveryStatus,
    WebhookStatus,
)


@dataclass
class Message:
    headers: dict[str, str]
    body: bytes

    def is_signed(self, secret: str) -> bool:
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        return f"v1,{signature}" in self.headers["webhook-signature"].split()


messages: queue.Queue[Message] = queue.Queue()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        messages.put(Message({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


receiver = HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{receiver.server_port}/rotakey"

settings = CreateWebhookInput(url=url, kinds=[NoticeKind.REVOKED], owners=["notices"], description="the pager")
created = good(create_webhook.sync(client=operator, body=settings))
secret, webhook = created.secret, created.webhook
assert secret.startswith("whsec_") and created.public_key.startswith("whpk_")
assert (webhook.url, webhook.kinds, webhook.owners) == (url, [NoticeKind.REVOKED], ["notices"])
assert (webhook.status, webhook.disabled_because, webhook.created_by.kind) == (WebhookStatus.ACTIVE, None, ActorKind.API_TOKEN)
change = UpdateWebhookInput(description=None, kinds=[NoticeKind.REVOKED, NoticeKind.TEST])
changed = good(update_webhook.sync(webhook.id, client=operator, body=change))
assert (changed.description, set(changed.kinds)) == (None, {NoticeKind.REVOKED, NoticeKind.TEST})
assert webhook.id in [each.id for each in good(list_webhooks.sync(client=operator, first=200)).data]


def delivered(count: int) -> list[WebhookDelivery]:
    """The deliveries, newest first, once the receiver has accepted so many."""

    def holds(deliveries: list[WebhookDelivery]) -> bool:
        return sum(each.status == WebhookDeliveryStatus.DELIVERED for each in deliveries) == count

    return until(f"{count} notices delivered", lambda: good(list_webhook_deliveries.sync(webhook.id, client=operator)).data, holds)


test = good(test_webhook.sync(webhook.id, client=operator))
assert (test.kind, test.token_id) == (NoticeKind.TEST, None)
delivery = delivered(1)[0]
assert (delivery.id, delivery.attempts, delivery.last_status, delivery.next_attempt_at) == (test.id, 1, 204, None)
message = messages.get(timeout=30)
assert (message.headers["webhook-id"], json.loads(message.body)["type"]) == (test.notice_id, "webhook.test")
assert message.is_signed(secret)
ok("created a webhook, and tested it")

rotated = good(rotate_webhook_secret.sync(webhook.id, client=operator, body=RotateWebhookSecretInput(overlap_minutes=60)))
assert rotated.secret != secret and rotated.webhook.previous_secret_until is not None
token = good(create_api_token.sync(client=operator, body=CreateAPITokenInput(name="leaked", owner="notices")))
evidence = "https://tickets.example.com/4712"
assert revoke_api_token.sync_detailed(token.id, client=operator, reason="it leaked", evidence_url=evidence).status_code == 204
notice = delivered(2)[0]
assert (notice.kind, notice.token_id) == (NoticeKind.REVOKED, token.id)
message = messages.get(timeout=30)
told = json.loads(message.body)
assert (told["type"], told["data"]["token"]["id"]) == ("api_token.revoked", token.id)
assert message.is_signed(secret) and message.is_signed(rotated.secret)
again = good(resend_webhook_delivery.sync(notice.id, client=operator))
assert again.notice_id == notice.notice_id == messages.get(timeout=30).headers["webhook-id"]
ok("told of a revocation, signed with the old and the new secret")

assert good(enable_webhook.sync(webhook.id, client=operator)).status == WebhookStatus.ACTIVE
assert delete_webhook.sync_detailed(webhook.id, client=operator).status_code == 204
assert refused(get_webhook.sync(webhook.id, client=operator)).code == ErrorCode.NOT_FOUND
receiver.shutdown()
ok("deleted the webhook")
