"""What a route depends on: who calls, in which transaction, with which parameters.

Scope is enforced here and nowhere else: a route states its action with `reads` or
`writes` and passes every single object through `Access.see`; lists ask the store for
`Access.prefix` only.

The transaction is opened around the route function inside one worker thread, not by a
yielding dependency: that would hold a connection while waiting for a free thread, and
with more requests than connections both run out for good.
"""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.directory import Directory
from api.errors import RepeatedParameter, UnknownParameter, WrongMediaType
from api.visitors import Visitors
from models.errors import Forbidden, Unauthenticated
from models.person import Action, Person, permit
from models.place import scope_prefix
from models.platform import Platform
from models.store import people
from models.store.database import ReadTx, WriteTx

Tx = TypeVar("Tx", bound=ReadTx, covariant=True)
AnyTx = TypeVar("AnyTx", bound=ReadTx)
P = ParamSpec("P")
R = TypeVar("R")

_bearer = HTTPBearer(auto_error=False, description="Token from POST /v1/auth/token")


class Placed(Protocol):
    """Anything that lies in a region."""

    @property
    def region_code(self) -> str:
        """Division code."""


Thing = TypeVar("Thing", bound=Placed)


@dataclass(frozen=True, slots=True)
class Access(Generic[Tx]):
    """A person admitted to one action, inside a transaction."""

    person: Person
    action: Action
    tx: Tx
    platform: Platform
    directory: Directory
    token: str

    @property
    def prefix(self) -> str:
        """Division-code prefix that bounds every list of this person."""
        return scope_prefix(self.person.region_code)

    def may(self, action: Action) -> bool:
        """Tell whether the person's role includes another action."""
        try:
            permit(self.person, action)
        except Forbidden:
            return False
        return True

    def inside(self, region_code: str) -> None:
        """Pass if the action may be done in that region, else raise `Forbidden`."""
        permit(self.person, self.action, region_code)

    def see(self, thing: Thing) -> Thing:
        """Hand a thing on if it lies in the person's region, else raise `Forbidden`."""
        self.inside(thing.region_code)
        return thing


Reading = Access[ReadTx]
Writing = Access[WriteTx]


@dataclass(frozen=True, slots=True)
class Entrant:
    """A person admitted to one action, for routes whose work opens its own transactions."""

    at: "Door"
    person: Person
    action: Action

    @property
    def platform(self) -> Platform:
        """The platform served."""
        return self.at.platform

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """Open a read-only transaction of this person."""
        with self.at.platform.database.reading() as tx:
            yield _access(tx, self.at, self.person, self.action)

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """Open a transaction of this person that commits when the block ends well."""
        with self.at.platform.database.writing() as tx:
            yield _access(tx, self.at, self.person, self.action)


@dataclass(frozen=True, slots=True)
class Door:
    """Where a request stands before anyone is admitted."""

    platform: Platform
    directory: Directory
    visitors: Visitors
    token: str


Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def door(request: Request, bearer: Bearer) -> Door:
    """Take the token of the request; without one there is nothing to look up."""
    if bearer is None:
        raise Unauthenticated
    state = request.app.state
    return Door(state.platform, state.directory, state.visitors, bearer.credentials)


def _admit(tx: AnyTx, at: Door, action: Action) -> "Access[AnyTx]":
    person = people.person_of(tx, at.token) if at.token.isascii() else None
    if person is None:
        raise Unauthenticated
    permit(person, action)
    return _access(tx, at, person, action)


def _access(tx: AnyTx, at: Door, person: Person, action: Action) -> "Access[AnyTx]":
    return Access(person, action, tx, at.platform, at.directory, at.token)


def reads(action: Action) -> Callable[[Callable[Concatenate[Reading, P], R]], Callable[..., R]]:
    """Run a route as a person who may do ``action``, in a read-only transaction."""

    def admitted(route: Callable[Concatenate[Reading, P], R]) -> Callable[..., R]:
        @functools.wraps(route)
        def run(*, at: Door, **given: Any) -> R:  # noqa: ANN401
            with at.platform.database.reading() as tx:
                return route(_admit(tx, at, action), **given)  # type: ignore[call-arg]

        return _entered(run, route)

    return admitted


def writes(action: Action) -> Callable[[Callable[Concatenate[Writing, P], R]], Callable[..., R]]:
    """Run a route as a person who may do ``action``; commits before the answer is sent."""

    def admitted(route: Callable[Concatenate[Writing, P], R]) -> Callable[..., R]:
        @functools.wraps(route)
        def run(*, at: Door, **given: Any) -> R:  # noqa: ANN401
            with at.platform.database.writing() as tx:
                return route(_admit(tx, at, action), **given)  # type: ignore[call-arg]

        return _entered(run, route)

    return admitted


def enters(
    action: Action, *, recently: bool = False
) -> Callable[[Callable[Concatenate[Entrant, P], R]], Callable[..., R]]:
    """Run a route as a person who may do ``action``, outside of any transaction.

    With `recently`, a token seen within the last seconds is not looked up again.
    """

    def admitted(route: Callable[Concatenate[Entrant, P], R]) -> Callable[..., R]:
        @functools.wraps(route)
        def run(*, at: Door, **given: Any) -> R:  # noqa: ANN401
            person = at.visitors.recent(at.token) if recently else None
            if person is None:
                with at.platform.database.reading() as tx:
                    person = _admit(tx, at, action).person
                at.visitors.saw(at.token, person)
            permit(person, action)
            return route(Entrant(at, person, action), **given)  # type: ignore[call-arg]

        return _entered(run, route)

    return admitted


def _entered(run: Callable[..., R], route: Callable[..., R]) -> Callable[..., R]:
    """Show FastAPI the signature of the route with the door in place of the access."""
    signature = inspect.signature(route)
    _, *rest = signature.parameters.values()
    at = inspect.Parameter("at", inspect.Parameter.KEYWORD_ONLY, annotation=At)
    kept = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in rest]
    run.__signature__ = signature.replace(parameters=[at, *kept])  # type: ignore[attr-defined]
    return run


At = Annotated[Door, Depends(door)]


async def known_parameters(request: Request) -> None:
    """Refuse query parameters that the route does not take, and repeated single ones.

    Raises
    ------
    UnknownParameter, RepeatedParameter
        A parameter is unknown, or a single one is given more than once.
    """
    route: APIRoute = request.scope["route"]
    # the page reads its own query (?wall=1), and files take no harm from one
    if not request.url.query or not route.include_in_schema:
        return
    names, many = _parameters(route)
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name not in names:
            raise UnknownParameter(name=name, known=", ".join(sorted(names)) or "-")
        if name in seen and name not in many:
            raise RepeatedParameter(name=name)
        seen.add(name)


# by the id of a route: routes live as long as their modules, and cannot be hashed
_parameters_of: dict[int, tuple[frozenset[str], frozenset[str]]] = {}


def _parameters(route: APIRoute) -> tuple[frozenset[str], frozenset[str]]:
    """Return the query parameters of a route, and those of them that may repeat."""
    held = _parameters_of.get(id(route))
    if held is not None:
        return held
    found = {f.alias: str(f.field_info.annotation) for f in _query_fields(route.dependant)}
    many = [name for name, kind in found.items() if kind.startswith("list")]
    _parameters_of[id(route)] = frozenset(found), frozenset(many)
    return _parameters_of[id(route)]


def _query_fields(dependant: Dependant) -> list[Any]:
    deeper = [f for d in dependant.dependencies for f in _query_fields(d)]
    return [*dependant.query_params, *deeper]


async def known_body(request: Request) -> None:
    """Refuse a body that does not say it is JSON, before its shape is looked at.

    Raises
    ------
    WrongMediaType
        The content type is neither application/json nor a kind of it.
    """
    route: APIRoute = request.scope["route"]
    if route.body_field is None or not await request.body():
        return
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != "application/json" and not (
        given.startswith("application/") and given.endswith("+json")
    ):
        raise WrongMediaType(given=given)
