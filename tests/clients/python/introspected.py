"""The operations by gql, which asks the server for its schema and checks every operation against it before it is sent."""

from datetime import datetime
from pathlib import Path
from typing import Any

from gql import Client, GraphQLRequest, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXTransport
from journey import URL, Refusal, Token, journey

OPERATIONS = gql((Path(__file__).parent.with_name("operations") / "rotation.graphql").read_text())


class Introspected:
    def __init__(self, value: str) -> None:
        # docs:begin connect
        transport = HTTPXTransport(URL, headers={"Authorization": f"Bearer {value}"})
        client = Client(transport=transport, fetch_schema_from_transport=True)
        # docs:end
        self.client = client

    def create(self, name: str, expires_at: datetime) -> tuple[str, str]:
        input = {"name": name, "expiresAt": expires_at.isoformat()}
        token = self.run("CreateAPIToken", input=input)["createAPIToken"]["token"]
        return token["id"], token["value"]

    def list(self, after: str | None) -> tuple[list[Token], str | None]:
        page = self.run("APITokens", filter={"status": ["ACTIVE"]}, first=2, after=after)["apiTokens"]
        nodes = [edge["node"] for edge in page["edges"]]
        tokens = [Token(node["id"], node["name"], node["status"], time(node["expiresAt"])) for node in nodes]
        return tokens, page["pageInfo"]["endCursor"] if page["pageInfo"]["hasNextPage"] else None

    def rotate(self, idempotency_key: str | None = None) -> tuple[int, str]:
        token = self.run("RotateAPIToken", input={"idempotencyKey": idempotency_key})["rotateAPIToken"]["token"]
        return token["generation"], token["value"]

    def current(self) -> tuple[str, str, int]:
        token = self.run("CurrentAPIToken")["currentAPIToken"]
        return token["id"], token["status"], token["generation"]

    def revoke(self, id: str) -> str:
        return self.run("RevokeAPIToken", input={"id": id})["revokeAPIToken"]["token"]["status"]

    # docs:begin run
    def run(self, operation: str, **variables: Any) -> dict[str, Any]:
        request = GraphQLRequest(OPERATIONS, variable_values=variables, operation_name=operation)
        try:
            return self.client.execute(request)
        except TransportQueryError as error:
            extensions = error.errors[0]["extensions"]
            raise Refusal(extensions["code"], extensions.get("retryAfterSeconds")) from error

    # docs:end


def time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


journey("gql", Introspected, status_when_revoked=None)
