"""Webhooks, from their creation to their deletion, with a receiver that verifies what it gets."""

import base64
import hashlib
import hmac
import json
import queue
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer

from client import create, ok, only, operator, refused, until
from rotakey import (
    CreateAPITokenInput,
    CreateWebhookInput,
    DeleteWebhookInput,
    EnableWebhookInput,
    NoticeKind,
    RefetchNodeWebhook,
    ResendWebhookDeliveryInput,
    RevokeAPITokenInput,
    RotateWebhookSecretInput,
    TestWebhookInput,
    UpdateWebhookInput,
    WebhookDeliveriesWebhookDeliveriesNodes,
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
created = operator.create_webhook(settings).create_webhook
secret, webhook = created.secret, created.webhook
assert secret.startswith("whsec_") and created.public_key.startswith("whpk_")
assert (webhook.url, webhook.kinds, webhook.owners) == (url, [NoticeKind.REVOKED], ["notices"])
assert (webhook.status, webhook.disabled_because) == (WebhookStatus.ACTIVE, None)
change = UpdateWebhookInput(id=webhook.id, description=None, kinds=[NoticeKind.REVOKED, NoticeKind.TEST])
changed = operator.update_webhook(change).update_webhook.webhook
assert (changed.description, set(changed.kinds)) == (None, {NoticeKind.REVOKED, NoticeKind.TEST})
assert webhook.id in [each.id for each in operator.webhooks(first=200).webhooks.nodes]
node = operator.refetch(webhook.id).node
assert isinstance(node, RefetchNodeWebhook) and node.url == url


def delivered(count: int) -> list[WebhookDeliveriesWebhookDeliveriesNodes]:
    """The deliveries, newest first, once the receiver has accepted so many."""

    def holds(deliveries: list[WebhookDeliveriesWebhookDeliveriesNodes]) -> bool:
        return sum(each.status == WebhookDeliveryStatus.DELIVERED for each in deliveries) == count

    return until(f"{count} notices delivered", lambda: operator.webhook_deliveries(webhook.id).webhook_deliveries.nodes, holds)


test = operator.test_webhook(TestWebhookInput(id=webhook.id)).test_webhook.delivery
assert (test.kind, test.token_id) == (NoticeKind.TEST, None)
delivery = only(delivered(1))
assert (delivery.id, delivery.attempts, delivery.last_status, delivery.next_attempt_at) == (test.id, 1, 204, None)
message = messages.get(timeout=30)
assert (message.headers["webhook-id"], json.loads(message.body)["type"]) == (test.notice_id, "webhook.test")
assert message.is_signed(secret)
state = operator.read_webhook(webhook.id).webhook
assert state and state.last_success_at and state.last_failure is None
ok("create a webhook, and test it")

rotated = operator.rotate_webhook_secret(RotateWebhookSecretInput(id=webhook.id, overlap_minutes=60)).rotate_webhook_secret
assert rotated.secret != secret and rotated.webhook.previous_secret_until is not None
id, _ = create(CreateAPITokenInput(name="leaked", owner="notices"))
operator.revoke_api_token(RevokeAPITokenInput(id=id, reason="it leaked"))
notice = delivered(2)[0]
assert (notice.kind, notice.token_id) == (NoticeKind.REVOKED, id)
message = messages.get(timeout=30)
told = json.loads(message.body)
assert (told["type"], told["data"]["token"]["id"]) == ("api_token.revoked", id)
assert message.is_signed(secret) and message.is_signed(rotated.secret)
again = operator.resend_webhook_delivery(ResendWebhookDeliveryInput(id=notice.id)).resend_webhook_delivery.delivery
assert again.notice_id == notice.notice_id == messages.get(timeout=30).headers["webhook-id"]
ok("be told of a revocation, signed with the old and the new secret")

assert operator.enable_webhook(EnableWebhookInput(id=webhook.id)).enable_webhook.webhook.status == WebhookStatus.ACTIVE
assert operator.delete_webhook(DeleteWebhookInput(id=webhook.id)).delete_webhook.deleted_id == webhook.id
assert refused(lambda: operator.read_webhook(webhook.id))["code"] == "NOT_FOUND"
receiver.shutdown()
ok("delete the webhook")
