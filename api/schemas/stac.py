"""Shapes of a STAC search that comes in."""

from typing import Annotated, Any, Literal

from pydantic import Field

from api.schemas.shape import Given

_Name = Annotated[str, Field(max_length=200)]
_Names = Annotated[list[_Name], Field(max_length=200)]
Member = Annotated[str, Field(min_length=1, max_length=100)]


class SortTerm(Given):
    """One term of an order."""

    field: Member
    direction: Literal["asc", "desc"] = "asc"


class FieldsGiven(Given):
    """Members of an item to show or to leave out."""

    include: Annotated[list[Member] | None, Field(max_length=100)] = None
    exclude: Annotated[list[Member] | None, Field(max_length=100)] = None


class SearchGiven(Given):
    """A search by POST (STAC API 1.0 item search with sort, fields and filter)."""

    ids: _Names | None = None
    collections: _Names | None = None
    bbox: Annotated[list[float] | None, Field(min_length=4, max_length=6)] = None
    intersects: dict[str, Any] | None = None
    datetime: Annotated[str | None, Field(max_length=100)] = None
    limit: Annotated[int | None, Field(ge=1)] = None
    token: Annotated[str | None, Field(max_length=2000)] = None
    sortby: Annotated[list[SortTerm] | None, Field(max_length=5)] = None
    fields: FieldsGiven | None = None
    filter: dict[str, Any] | Annotated[str, Field(max_length=8000)] | bool | None = None
    filter_lang: Annotated[Literal["cql2-text", "cql2-json"] | None, Field(alias="filter-lang")] = (
        None
    )
    filter_crs: Annotated[str | None, Field(alias="filter-crs", max_length=200)] = None
