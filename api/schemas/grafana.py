"""Shapes of Grafana's JSON data source (simpod-json-datasource 0.7); what it adds is ignored."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from api.schemas.shape import Answer, Instant


def _text(given: object) -> object:
    """Refuse numbers: pydantic would take them for seconds, or for milliseconds."""
    if not isinstance(given, str):
        message = "give a time as RFC 3339 text"
        raise ValueError(message)  # noqa: TRY004 - pydantic turns only this one into a 422
    return given


Moment = Annotated[Instant, BeforeValidator(_text)]
Text = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")]


class Asked(BaseModel):
    """What Grafana sends: versions differ in what they add."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class Search(Asked):
    """A search for metrics; empty finds all."""

    target: Text = ""
    metric: Text = ""
    payload: dict[str, Any] | None = None


class Span(Asked):
    """The time range of a panel."""

    start: Moment = Field(alias="from")
    end: Moment = Field(alias="to")


class Payload(Asked):
    """What the builder offers beside the metric."""

    aggregation: Text = "mean"
    quality: Text = "good"


class Target(Asked):
    """A line of a panel: `target` is a datastream, optionally with an aggregate: 12 or 12:max."""

    target: Text | Annotated[int, Field(strict=True)] | None = None
    refId: Text | None = None  # noqa: N815
    hide: Annotated[bool, Field(strict=True)] = False
    payload: Payload | Text | None = None


class Query(Asked):
    """A panel asks for its lines."""

    range: Span
    intervalMs: Annotated[int, Field(ge=0, le=2**53, strict=True)] = 0  # noqa: N815
    maxDataPoints: Annotated[int, Field(ge=0, le=2**53, strict=True)] = 1000  # noqa: N815
    targets: Annotated[list[Target], Field(max_length=50)]


class Line(Answer):
    """The points of a line, [value, milliseconds since 1970]."""

    target: str
    refId: str | None = None  # noqa: N815
    datapoints: list[tuple[float | None, int]]


class Option(Answer):
    """A metric, or a choice of a payload."""

    label: str
    value: str


class PayloadField(Answer):
    """A field of the builder."""

    label: str
    name: str
    type: str
    options: list[Option]
    defaultValue: str  # noqa: N815


class Metric(Option):
    """A metric with the fields of its builder."""

    payloads: list[PayloadField]


class SearchResult(Answer):
    """A metric of the older search."""

    text: str
    value: str
