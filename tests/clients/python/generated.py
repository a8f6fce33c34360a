"""The operations by the client that ariadne-codegen generates."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from journey import URL, Refusal, Token, issued, journey
from rotakey import (
    APITokenFilter,
    APITokenStatus,
    CreateAPITokenInput,
    GraphQLClientGraphQLMultiError,
    GraphQLClientHttpError,
    RevokeAPITokenInput,
    Rotakey,
    RotateAPITokenInput,
)


# docs:begin errors
@contextmanager
def refusals() -> Iterator[None]:
    try:
        yield
    except GraphQLClientGraphQLMultiError as error:
        extensions = error.errors[0].extensions or {}
        raise Refusal(extensions["code"], extensions.get("retryAfterSeconds")) from error
    except GraphQLClientHttpError as error:
        # A refused credential fails the whole request, with status 401 or 403.
        extensions = error.response.json()["errors"][0]["extensions"]
        raise Refusal(extensions["code"], status=error.status_code) from error
        # docs:end


class Generated:
    def __init__(self, value: str) -> None:
        # docs:begin connect
        rotakey = Rotakey(URL, headers={"Authorization": f"Bearer {value}"})
        # docs:end
        self.rotakey = rotakey

    def create(self, name: str, expires_at: datetime) -> tuple[str, str]:
        token = self.rotakey.create_api_token(CreateAPITokenInput(name=name, expires_at=expires_at)).create_api_token.token
        return token.id, issued(token.value)

    def list(self, after: str | None) -> tuple[list[Token], str | None]:
        page = self.rotakey.api_tokens(APITokenFilter(status=[APITokenStatus.ACTIVE]), first=2, after=after).api_tokens
        nodes = [edge.node for edge in page.edges]
        tokens = [Token(node.id, node.name, node.status.value, node.expires_at) for node in nodes]
        return tokens, page.page_info.end_cursor if page.page_info.has_next_page else None

    def rotate(self, idempotency_key: str | None = None) -> tuple[int, str]:
        rotakey = self.rotakey
        with refusals():
            # docs:begin rotate
            rotated = rotakey.rotate_api_token(RotateAPITokenInput(idempotency_key=idempotency_key))
            token = rotated.rotate_api_token.token
            # docs:end
        return token.generation, issued(token.value)

    def current(self) -> tuple[str, str, int]:
        with refusals():
            token = self.rotakey.current_api_token().current_api_token
        return token.id, token.status.value, token.generation

    def revoke(self, id: str) -> str:
        return self.rotakey.revoke_api_token(RevokeAPITokenInput(id=id)).revoke_api_token.token.status.value


journey("ariadne-codegen", Generated, status_when_revoked=401)
