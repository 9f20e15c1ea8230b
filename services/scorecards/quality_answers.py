"""The model and an example of the answer about data quality, for the OpenAPI document."""

from datetime import date
from typing import Any, Final

from pydantic import Field

from services.assessment.data_quality import FIGURES
from services.http.answers import Answer
from services.scorecards.answers import EventName, PartOfList
from services.text import quality_words


class FaultyDocument(Answer):
    """The document that a finding is about. Only the numbers that it has are given."""

    type: str = Field(description="kind of document: order, receipt, inspection, ...")
    number: str | None = Field(default=None, description="number of the document")
    order_no: str | None = Field(default=None, description="number of its order")
    line_no: str | None = Field(default=None, description="number of the line in the order")


class Finding(Answer):
    """Something that was accepted or refused and looks wrong."""

    kind: str = Field(description="kind of finding, as in the query parameter `kind`")
    buyer_id: str | None = Field(description="buyer whose data it is in; null: unknown")
    supplier_id: str | None = Field(description="supplier that it is about; null: none")
    document: FaultyDocument = Field(description="the document that it is about")
    since: date = Field(description="day on which it began")
    figures: list[str] = Field(description="keys of the figures that it affects")
    message: str = Field(description="what looks wrong and why, in English")
    remedy: str = Field(description="what to send to put it right, in English")
    events: list[EventName] = Field(description="the events behind it")


class FindingPutRight(Finding):
    """A finding that was put right, as it was when it was noted."""

    put_right_on: date = Field(description="day on which it was found to be put right")


class PutRight(Answer):
    """The newest findings that were put right."""

    since: date = Field(description="first day of the days that are counted")
    total: int = Field(description="number of findings put right since then")
    findings: list[FindingPutRight] = Field(description="the newest of them")


class Findings(PartOfList):
    """A part of the findings, by kind; in each kind those that began last come first."""

    as_of: date = Field(description="the findings began by this day")
    buyer_id: str | None = Field(description="buyer whose data was asked for; null: all")
    supplier_id: str | None = Field(description="supplier that was asked for; null: any")
    counts: dict[str, int] = Field(description="number of findings by kind")
    findings: list[Finding] = Field(description="the findings")
    put_right: PutRight = Field(description="findings put right lately")


_EXAMPLE: Final = {
    "as_of": "2026-11-01",
    "buyer_id": "AHM",
    "supplier_id": None,
    "total": 1,
    "next_offset": None,
    "counts": {"number_reused": 1},
    "findings": [
        {
            "kind": "number_reused",
            "buyer_id": "AHM",
            "supplier_id": "IKM-CPR-01",
            "document": {"type": "receipt", "number": "GR-0001"},
            "since": "2026-09-18",
            "figures": list(FIGURES["number_reused"]),
            "message": "The number was used on 8 Jun 2026 and again on 18 Sep 2026 for other "
            "lines: ...",
            "remedy": quality_words.WORDS["number_reused"].remedy,
            "events": [
                {"source": "/erp/AHM/sap-prd", "id": "y-2"},
                {"source": "/erp/AHM/sap-prd", "id": "y-4"},
            ],
        }
    ],
    "put_right": {"since": "2026-08-03", "total": 0, "findings": []},
}
QUALITY_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": Findings, "content": {"application/json": {"example": _EXAMPLE}}}
}
