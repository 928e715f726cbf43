"""Settings of the service: environment variables `BAAS_…`, each with a default that works on one machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from baas.errors import SettingsError


class Settings(BaseSettings):
    """What one service process needs to know; constructor arguments win over the environment."""

    model_config = SettingsConfigDict(env_prefix="BAAS_", frozen=True, extra="forbid")

    data: Path = Field(
        default_factory=lambda: Path.home() / ".local/share/baas-sandbox",
        description="the data directory: the service's database and the chains; only one process at a time",
    )
    master_key_file: Path | None = Field(
        None,
        description="the file of the master key, which the keys of accounts are under; without it, `master.key` in the "
        "data directory, made there at the first start. Keep it apart from backups of that directory, and keep it: "
        "without it the keys are lost",
    )
    erasures_file: Path | None = Field(
        None,
        description="the file of the ledger of erasures; without it, `erasures.jsonl` in the data directory. It holds "
        "ids only and is applied at each start: keep it where no restored backup puts an older one in its place",
    )
    host: str = Field("127.0.0.1", description="the address that the service listens on")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        8080, description="its port; 0 lets the system choose"
    )
    exchange_port: Annotated[int, Field(ge=0, le=65535)] | None = Field(
        None,
        description="the port of the embedded exchange service, which speaks HTTPS alone; without it, the next one after "
        "the port, and any that is free where that is 0",
    )
    origin: str = Field(
        "baas-sandbox.example",
        pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$",
        description="the name under which this installation signs: the first line of its checkpoints, "
        "and the host in the `type` of its problem documents",
    )
    operator: str = Field(
        "",
        description="who runs this installation, as trust roots name it beside those who run witnesses; without it, "
        "the origin",
    )
    witnesses_file: Path | None = Field(
        None, description="the path of the file of witnesses elsewhere (guide: witnesses)"
    )
    language: Literal["ca", "es", "en"] = Field("ca", description="the console's language")
    body_limit: Annotated[int, Field(ge=1024)] = Field(
        4 * 1024 * 1024, description="the largest request body, in bytes"
    )
    token_days: Annotated[int, Field(ge=1, le=365)] = Field(
        90, description="how long a new token lasts, in days"
    )
    sealers: Annotated[int, Field(ge=0, le=256)] = Field(
        0, description="the embedded engine's processes that make blocks; 0 is one per core, at least two"
    )
    readers: Annotated[int, Field(ge=0, le=256)] = Field(
        0, description="the embedded engine's processes that answer reads; 0 is two more than the sealers'"
    )
    hibernate_after: Annotated[float, Field(gt=0)] = Field(
        900.0, description="seconds without use after which a chain goes to sleep; its next request wakes it"
    )
    awake_chains: Annotated[int, Field(ge=1)] = Field(
        1_000,
        description="how many chains are awake at once, at most; fewer where the limit of open files allows fewer",
    )
    chain_days: Annotated[int, Field(ge=1)] = Field(90, description="how long a new chain lives, in days")
    chain_days_most: Annotated[int, Field(ge=1)] = Field(
        365, description="how far from now an admin may set the end of a chain, in days"
    )
    chain_grace_days: Annotated[int, Field(ge=0)] = Field(
        30, description="how long an expired chain's data is kept before it is deleted, in days"
    )
    quota_chains: Annotated[int, Field(ge=0)] = Field(
        20, description="chains of one administration, unless an operator said otherwise of it"
    )
    quota_requests: Annotated[int, Field(ge=1)] = Field(
        2_000,
        description="calls per second of one administration, of the API and of JSON-RPC, unless said otherwise",
    )
    quota_bytes: Annotated[int, Field(ge=0)] = Field(
        2 * 1024**3, description="bytes of one administration's chains together, unless said otherwise"
    )
    quota_gas: Annotated[int, Field(ge=0)] = Field(
        200 * 10**9, description="gas of one administration's chains in a period, unless said otherwise"
    )
    quota_gas_hours: Annotated[int, Field(ge=1, le=24 * 366)] = Field(
        24, description="the length of that period, in hours"
    )
    metrics_on_loopback: bool = Field(
        False, description="whether /metrics answers this machine without a token of AOC's staff"
    )
    timestamp_url: str | None = Field(
        None,
        description="the RFC 3161 time-stamp service that is asked for a token on each checkpoint; without it, the test "
        "authority that is built in, which no law gives any weight",
    )
    timestamp_root: Path | None = Field(
        None, description="the PEM file of that service's root certificate, needed with its address"
    )
    psis_url: str | None = Field(
        None,
        description="the address of PSIS' DSS service, which seals and validates in a pilot's arm `seal`; without it, the "
        "embedded trust service, which no law gives any weight",
    )
    psis_root: Path | None = Field(
        None,
        description="the PEM file of the root certificates under which PSIS' answers and its seals are judged, needed with "
        "its address",
    )
    pci_url: str | None = Field(
        None,
        description="the address of the exchange service (PCI) that a pilot's arm `exchange` asks; without it, the "
        "embedded exchange service, whose answers are about nobody",
    )
    pci_root: Path | None = Field(
        None,
        description="the PEM file of the root certificates of its TLS server and of its evidence, needed with its address",
    )
    pci_keys: Path | None = Field(
        None,
        description="the directory of the administrations' application keys, needed with its address: `CODE.pem` has the "
        "private key, its certificate and the certificates above it",
    )
    services_environment: Literal["preproduction", "production"] = Field(
        "preproduction",
        description="which of their environments the addresses above (time-stamps, PSIS, PCI) belong to; reports say it",
    )
    algorithm_ends: str = Field(
        "",
        pattern=r"^([a-z0-9-]+=\d{4}-\d\d-\d\d( +|$))*$",
        description="from which day on (UTC) an algorithm is not relied on, as `sha-256=2035-01-01`, several with blanks "
        "in between: it goes into trust roots, and what rests on one is renewed before then or never",
    )
    write_timeout: Annotated[float, Field(gt=0)] = Field(
        10.0, description="how long a write waits for the database before the answer 503, in seconds"
    )


def load_settings(**given: object) -> Settings:
    """The settings from the environment, with `given` before it; SettingsError names each wrong variable."""
    try:
        return Settings(**given)  # type: ignore[arg-type]  # pydantic checks them
    except ValidationError as error:
        wrong = "; ".join(
            f"BAAS_{str(each['loc'][0]).upper()}: {each['msg']}, got {each['input']!r}"
            for each in error.errors()
        )
        raise SettingsError(f"settings that cannot be used: {wrong}") from None
