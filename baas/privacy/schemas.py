"""What goes over the wire about erasures, series, retention and DPIA records."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from baas.privacy.erasures import BASES, MOST_ENTRIES
from baas.privacy.model import DataClass, ErasureState
from baas.wire import In, Label, Moment, Out


class ErasureIn(In):
    basis: Literal[BASES] = Field(  # type: ignore[valid-type]  # a tuple of literals, checked by pydantic
        description="why: art. 17(1) GDPR, the retention date of the series, or a court; it stays in the log"
    )


class RowErasureIn(ErasureIn):
    indexes: list[int] = Field(
        min_length=1,
        max_length=MOST_ENTRIES,
        description="the versions' indexes in the log: a key may be a person's number, and a request is kept",
    )
    keep_key: bool = Field(
        False,
        description="leave the rows' keys where they are: only for keys that are nobody's, such as 2024/0287",
    )


class ErasureOut(Out):
    """From its acceptance on, nothing finds what was erased; `erased` when no file of the database holds it either."""

    id: str
    administration_id: str
    log: str
    count: int = Field(description="how many entries")
    basis: str
    keep_key: bool
    actor_id: str
    state: ErasureState
    requested: Moment
    erased: Moment | None


class SeriesIn(In):
    administration: str = Field(description="the owner's INE10 or DIR3 code")
    name: Label
    code: Label = Field(description="the code in the TAAD, or the administration's own")
    years: int | None = Field(None, ge=0, le=300, description="kept so long from each entry's acceptance")
    until: date | None = Field(None, description="or kept until this day, all of it; neither: kept for good")
    data_class: DataClass
    legal_basis: Label = Field(description="why it is held at all, such as the law and its article")


class SeriesOut(Out):
    id: str
    administration_id: str
    name: str
    code: str
    years: int | None
    until: date | None
    data_class: DataClass
    legal_basis: str
    has_dpia: bool
    subjects: list[str] = Field(description="what belongs to it: `documents`, or registers' ids")
    created: Moment


class SeriesUseIn(In):
    subject: str = Field(description="`documents`, or a register's id")


class DueOut(Out):
    """Entries of one log that are past the retention date of their series."""

    series: str
    administration_id: str
    name: str
    code: str
    subject: str
    log: str
    count: int
    oldest: Moment
    newest: Moment


class RetentionOut(Out):
    items: list[DueOut]
    checked: Moment | None = Field(description="when the service last looked by itself, once a day")


class ErasuresOut(Out):
    items: list[ErasureOut]


Text = Annotated[str, StringConstraints(min_length=20, max_length=20_000, strip_whitespace=True)]
Level = Literal["low", "medium", "high"]


class RiskIn(In):
    risk: Label
    likelihood: Level
    severity: Level
    measures: list[Label] = Field(min_length=1, max_length=50)
    residual: Level = Field(description="what is left of it with the measures")


class AlternativeIn(In):
    name: Label
    assessment: Text


class RightsIn(In):
    """How each right is answered."""

    information: Text
    access: Text
    rectification: Text
    erasure: Text
    objection: Text


class DpiaRolesIn(In):
    controller: Label
    processor: Label
    data_protection_officer: Label


class DpiaIn(In):
    """A DPIA record (art. 35 GDPR): what an admin writes of a series; the product adds what is where, and its measures."""

    operations: Text = Field(description="what is done with which data, and for what")
    data_subjects: list[Label] = Field(min_length=1, max_length=50)
    data_categories: list[Label] = Field(min_length=1, max_length=50)
    necessity: Text = Field(description="why the processing is necessary and proportionate")
    why_chain: Text = Field(description="why a chain at all, and of which kind")
    timestamp_and_signed_log: Text = Field(
        description="why the first alternative, a time-stamp and a signed log without a chain, is not enough; or that it is"
    )
    other_alternatives: list[AlternativeIn] = Field(default=[], max_length=20)
    risks: list[RiskIn] = Field(min_length=1, max_length=100)
    rights: RightsIn
    roles: DpiaRolesIn
    automated_decisions: str = Field("", max_length=20_000, description="empty: contracts only record")
    algorithm_failure: str = Field("", max_length=20_000, description="empty: receipts are renewed")
    prior_consultation: str = Field(
        "",
        max_length=20_000,
        description="what the supervisory authority (APDCAT) answered; needed when a risk stays high",
    )

    @model_validator(mode="after")
    def _consulted(self) -> Self:
        if any(each.residual == "high" for each in self.risks) and not self.prior_consultation.strip():
            raise ValueError(
                "a risk stays high with its measures: the authority is consulted before (art. 36 GDPR), and "
                "prior_consultation says what it answered"
            )
        return self


class DpiaOut(Out):
    version: int
    written: Moment
    author: str
    content: dict[str, Any]
