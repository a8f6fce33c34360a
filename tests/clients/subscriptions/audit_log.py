"""The audit log as it happens, by Python's gql over a WebSocket. Tokens are created until one is seen."""

import json
import os
import threading
import urllib.request

from gql import Client, gql
from gql.transport.websockets import WebsocketsTransport

URL = os.environ["ROTAKEY_URL"] + "/graphql"
value = os.environ["ROTAKEY_ADMIN"]
seen = threading.Event()


def create_until_seen() -> None:
    query = 'mutation { createAPIToken(input: { name: "seen" }) { token { id } } }'
    headers = {"Content-Type": "application/json", "X-API-Key": value}
    for _ in range(1000):
        if seen.is_set():
            return
        request = urllib.request.Request(URL, json.dumps({"query": query}).encode(), headers)
        urllib.request.urlopen(request, timeout=10).read()
    os._exit(1)


threading.Thread(target=create_until_seen, daemon=True).start()

# docs:begin gql-socket
transport = WebsocketsTransport(
    URL.replace("http", "ws", 1),
    init_payload={"X-API-Key": value},
    # By default, gql also offers an older protocol, and assumes that the server uses that one.
    subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
)
client = Client(transport=transport)
for result in client.subscribe(gql("subscription { auditEvents { action tokenId } }")):
    print(result["auditEvents"])
    # docs:end
    assert result["auditEvents"]["action"] == "API_TOKEN_CREATED", result
    seen.set()
    break
print("ok   gql: a subscription over a WebSocket")
