"""A pilot's plan: what is asked and how it will be judged, fixed before the first case."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from baas.ades.types import Format, Level
from baas.connectors import Subject
from baas.pilots.terms import DataClass, DltUse
from baas.wire import In

#: Numbers that JSON can carry: Python's reader lets NaN and Infinity through.
Finite = Annotated[float, Field(allow_inf_nan=False)]
Margin = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Sentence = Annotated[str, StringConstraints(min_length=10, max_length=2000, strip_whitespace=True)]
#: The arms and a policy's OID are checked where they are known: with an arm's own words if one cannot be.
Slug = Annotated[str, StringConstraints(min_length=1, max_length=80)]

#: An administration's INE10 or DIR3 code; whether there is such a one is told where it is looked up.
Code = Annotated[str, StringConstraints(max_length=20, strip_whitespace=True)]
#: The subjects that a second administration has a part in.
OF_TWO = frozenset({Subject.PERSON_FACT, Subject.HAND_OVER})

#: Seconds of a night: how often a log such as VÀLid keeps is time-stamped.
NIGHT = 86_400.0


class Seal(In):
    """How the arm `seal` seals: the signature's format and baseline level, and the policy's OID ("" for none)."""

    format: Format = Format.CADES
    level: Level = Level.T
    policy: Annotated[str, StringConstraints(pattern=r"^([0-2](\.\d{1,40}){1,20})?$")] = ""


class Disturbance(In):
    """A delay put before one arm's service on purpose: a laboratory's check that the measurement sees it, and only it."""

    arm: Slug
    delay_ms: Finite = Field(gt=0, le=10_000, description="how long each act of that arm is held back")


class Plan(In):
    """What is frozen. Times in seconds unless the name says otherwise; `mid` in the primary metric's unit."""

    problem: Sentence = Field(description="completes «For …»: whose problem, in which procedure")
    hypothesis: Sentence
    alternative: Sentence = Field(
        description="why the existing service might be enough: it is the null hypothesis"
    )
    subject: Subject = Field(
        Subject.DOCUMENT, description="what each case is about, and so what is asked of each arm"
    )
    counterpart: Code = Field(
        "",
        description="the code of the second administration: to whom an act is handed over, or who asks for the same fact "
        "about a person; whoever writes the plan needs the role of developer there, by its mandate",
    )
    screening: dict[Slug, bool] = Field(
        default_factory=dict,
        max_length=100,
        description="answers to the questions of the screening trees, by their ids; a question without one is open",
    )
    arms: list[Slug] = Field(
        default_factory=lambda: ["timestamp"],
        min_length=1,
        max_length=8,
        description="the existing services that the chain is compared with; the verdict is about each and all of them",
    )
    observed: list[Slug] = Field(
        default_factory=list,
        max_length=8,
        description="arms that run and are shown beside them, and have no part in the verdict",
    )
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
    seal: Seal = Field(default_factory=Seal, description="how the arm `seal` seals")
    log_period: Finite = Field(
        NIGHT,
        gt=0,
        le=NIGHT,
        description="how often the arm `log` is time-stamped; the real one is a night, and a shorter one is a "
        "laboratory's, which the report says",
    )
    legacy_sha1: bool = Field(
        False, description="whether SHA-1 signatures of the past count; the report says so"
    )
    disturbance: Disturbance | None = Field(
        None, description="one arm is delayed on purpose, in a laboratory; the report says so"
    )
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

    @property
    def incumbents(self) -> tuple[str, ...]:
        """Every arm that runs beside the chain: those compared, then those observed."""
        return (*self.arms, *self.observed)

    @property
    def acts(self) -> int:
        """How many acts its run has: each case goes once through the chain and twice through every other arm."""
        return self.pairs * (1 + 2 * len(self.incumbents))
