"""The event that Rantai itself sends: a supplier's published grade or stage has changed.

It is never accepted as input: it has an envelope of its own and is not a member of the union of
incoming events, so nobody can send a grade to Rantai.
"""

from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from schemas.envelope import EventId, ExtensionName, ExtensionValue
from schemas.fields import BusinessDate, Document, Instant, NonEmptyText

READINESS_CHANGED: Final = "id.rantai.readiness.changed.v1"
READINESS_SOURCE: Final = "/rantai/readiness"

GradeLetter = Literal["A", "B", "C", "D"]
StageWord = Literal["Pemula", "Madya", "Pra-Mandiri", "Mandiri"]
Standing = Literal[GradeLetter, StageWord]

_GRADES: Final = ("A", "B", "C", "D")

# Unlike `schemas.fields.Identifier`, this allows no white space around it: Rantai writes it.
Identifier = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$"),
    Field(description="1 to 64 of A-Z a-z 0-9 . _ -"),
]
# Strict: Rantai writes JSON numbers, and a number as text would be a mistake of our own.
Score = Annotated[float, Field(strict=True, ge=0, le=100)]
ScoreDifference = Annotated[float, Field(strict=True, ge=-100, le=100)]


class Change(Document):
    """What changed, from where to where, and what moved it."""

    # `from` is a keyword of Python, so the field has another name here. Fields with a default are
    # always written too, and the schema says so.
    model_config = ConfigDict(
        populate_by_name=True, json_schema_serialization_defaults_required=True
    )

    what: Literal["published_grade", "stage"]
    assessor: NonEmptyText | None = Field(
        default=None, description="of a stage: whose assessment; null of a grade"
    )
    from_: Standing | None = Field(
        alias="from", description="the grade (A to D) or stage before; null where there was none"
    )
    to: Standing | None = Field(
        description="the grade or stage after; null where there is none any more"
    )
    kpi: Identifier | None = Field(
        default=None,
        description=(
            "key of the figure that moved it: the one whose part of the score changed most, or"
            " the one behind a gate or limit; null where no figure did"
        ),
    )
    change: ScoreDifference | None = Field(
        default=None,
        description=(
            "by how many points of the score that figure moved it, -100 to 100; null for gates"
            " and stages"
        ),
    )
    gates: list[NonEmptyText] = Field(
        default_factory=list, description="of a grade: the gates in force, such as `line_stops`"
    )
    limits: list[NonEmptyText] = Field(
        default_factory=list,
        description=(
            "of a stage: the rules that limit it: certificates by name, `five_r`,"
            " `buyer_concentration`"
        ),
    )

    @model_validator(mode="after")
    def _says_one_thing(self) -> "Change":
        if self.from_ == self.to:
            raise ValueError("from and to must differ: otherwise nothing changed")
        of_grade = self.what == "published_grade"
        if any(
            word is not None and (word in _GRADES) != of_grade for word in (self.from_, self.to)
        ):
            raise ValueError(f"from and to must be words of a {self.what}")
        if of_grade == (self.assessor is not None):
            raise ValueError("a stage has an assessor, a grade has none")
        if self.limits if of_grade else self.gates:
            raise ValueError("gates are those of a grade, limits are those of a stage")
        if self.change is not None and (self.kpi is None or not of_grade):
            raise ValueError("change needs the kpi that moved a grade")
        return self


class AssessedStage(Document):
    """How independent a supplier is in the opinion of one assessor."""

    assessor: NonEmptyText
    value: StageWord


class ReadinessChanged(Document):
    """A supplier's published grade or stage of independence changed, and what moved it.

    It also says how the supplier stands after the change: the latest record of a supplier says all.
    """

    supplier_id: Identifier
    as_of: BusinessDate = Field(description="how things stood when this day began at the site")
    policy_version: NonEmptyText = Field(description="the policy that judged")
    changed: Change
    published: GradeLetter | None = Field(
        description="the grade after the change, A to D; null where there is none"
    )
    stages: list[AssessedStage] = Field(
        description="the stages after the change, one an assessor; empty where none assessed"
    )
    score: Score | None = Field(
        description="the performance score, 0 to 100, unrounded; null where no figure has a value"
    )

    @model_validator(mode="after")
    def _ends_where_it_stands(self) -> "ReadinessChanged":
        stands: dict[str, StageWord] = {one.assessor: one.value for one in self.stages}
        if len(stands) != len(self.stages):
            raise ValueError("an assessor appears twice in stages")
        change = self.changed
        now = self.published if change.assessor is None else stands.get(change.assessor)
        if change.to != now:
            raise ValueError("changed.to must be equal to published, or to its entry in stages")
        return self


def _in_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


class ReadinessEvent(Document):
    """The envelope of what Rantai sends: CloudEvents 1.0, structured.

    Further attributes are CloudEvents extensions, which a broker on the way may add.
    """

    model_config = ConfigDict(
        extra="allow", json_schema_extra={"propertyNames": {"pattern": "^[a-z0-9]{1,64}$"}}
    )
    __pydantic_extra__: dict[ExtensionName, ExtensionValue] = Field(init=False)

    specversion: Literal["1.0"]
    id: EventId = Field(description="together with source it identifies the event, forever")
    source: Literal["/rantai/readiness"]
    type: Literal["id.rantai.readiness.changed.v1"]
    time: Annotated[
        Instant,
        AfterValidator(_in_utc),
        Field(
            description="RFC 3339 time in UTC, with Z",
            json_schema_extra={"pattern": "^[0-9T:.-]+Z$"},
        ),
    ]
    subject: Identifier = Field(description="the `supplier_id`")
    datacontenttype: Literal["application/json"]
    data: ReadinessChanged

    @model_validator(mode="after")
    def _is_about_its_subject(self) -> "ReadinessEvent":
        if self.subject != self.data.supplier_id:
            raise ValueError("subject must be the supplier_id of data")
        return self


def readiness_event(data: ReadinessChanged, *, id: str, time: datetime) -> bytes:
    """Return the event as it is written to the topic: structured JSON in UTF-8, on one line.

    `id`: the same for the same change, so that a change written twice is known to be one event.
    `time`: when the change was announced, with an offset; written in UTC.
    Raises ValueError if the time has no offset, or if CloudEvents does not allow the id.
    """
    event = ReadinessEvent(
        specversion="1.0",
        id=id,
        source=READINESS_SOURCE,
        type=READINESS_CHANGED,
        time=time,
        subject=data.supplier_id,
        datacontenttype="application/json",
        data=data,
    )
    # Nulls stay: the topic is compacted, so a record must also say which fields have no value.
    return event.model_dump_json(by_alias=True).encode()
