"""The shape of every error (RFC 9457)."""

from typing import Any

from pydantic import Field

from api.schemas.shape import Answer


class Place(Answer):
    """A part of the request that does not fit."""

    in_: str = Field(alias="in", description="body, query, path or header")
    field: str
    message: str


class Problem(Answer):
    """RFC 9457 problem details."""

    type: str = Field(examples=["urn:heitu:problem:not-found"])
    title: str
    status: int
    detail: str
    instance: str
    errors: list[Place] | None = None
    id: str | None = None


_HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}, "required": True}},
    429: {"Retry-After": {"schema": {"type": "integer"}, "required": True}},
    503: {"Retry-After": {"schema": {"type": "integer"}, "required": True}},
}
_WORDS = {
    400: "Unknown or repeated query parameter, bad cursor, or a body that cannot be parsed",
    401: "Not logged in",
    403: "The role or the region of the account does not allow it",
    404: "No such thing",
    409: "It exists already, or clashes with what exists",
    413: "Body above 1 MiB",
    415: "Body is not JSON",
    422: "Input does not fit; `errors` names the places",
    429: "Too many failed attempts",
    503: "Database or another part unavailable",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Declare problem answers of a route in the OpenAPI document."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": _WORDS[status],
            "content": {"application/problem+json": {"schema": schema}},
            **({"headers": _HEADERS[status]} if status in _HEADERS else {}),
        }
        for status in (400, *statuses, 422, 503)
    }


READ_PROBLEMS = problems(401, 403)
ONE_PROBLEMS = problems(401, 403, 404)
WRITE_PROBLEMS = problems(401, 403, 404, 409, 413, 415)
PUBLIC_PROBLEMS = problems()
