"""A pilot's plan: what is asked and how it will be judged, fixed before the first case."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from baas.pilots.terms import DataClass, DltUse
from baas.wire import In

#: Numbers that JSON can carry: Python's reader lets NaN and Infinity through.
Finite = Annotated[float, Field(allow_inf_nan=False)]
Margin = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Sentence = Annotated[str, StringConstraints(min_length=10, max_length=2000, strip_whitespace=True)]


class Plan(In):
    """What is frozen. Times in seconds unless the name says otherwise; `mid` in the primary metric's unit."""

    problem: Sentence = Field(description="completes «For …»: whose problem, in which procedure")
    hypothesis: Sentence
    alternative: Sentence = Field(
        description="why the existing service might be enough: it is the null hypothesis"
    )
    incumbent: str = Field("timestamp", description="the arm that the chain is compared with")
    primary: str = "time_to_evidence"
    mid: Finite = Field(gt=0, description="minimum important difference of the primary metric")
    guardrails: dict[str, Margin] = Field(default_factory=dict, description="metric: margin")
    secondary: list[str] = Field(default_factory=list)
    pairs: int = Field(
        60, ge=6, le=1_000, description="cases; evaluating them takes memory that grows with the square"
    )
    interval: Finite = Field(
        0.25, gt=0, le=3600, description="a new case is due every so many seconds (open loop)"
    )
    timeout: Finite = Field(30.0, gt=0, le=600)
    clock_limit_ms: Finite = Field(2000.0, gt=0)
    seed: int = Field(ge=0, le=2**53 - 1, description="of the cases' order and of the resampling")
    exclusions: str = Field("none", description="which cases would be left out, and why; nothing else is")
    stop: str = Field("after the planned cases", description="when the run ends")
    data_class: DataClass = DataClass.SYNTHETIC
    dlt_use: DltUse = DltUse.NO

    @field_validator("data_class")
    @classmethod
    def not_personal(cls, value: DataClass) -> DataClass:
        if value is DataClass.REAL_PERSONAL:
            raise ValueError(
                "real personal data are refused in this release: use synthetic or non-personal data"
            )
        return value
