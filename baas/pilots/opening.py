"""Opens the arms that a plan names: where their services are, with what the plan fixed for them, delayed if it says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from urllib.parse import urlsplit

from baas.connectors import Connector, ConnectorSettings, Subject, connectors
from baas.errors import Conflict, Invalid
from baas.metrics import CHAIN
from baas.pilots.arms import Arm, ArmFacts, DelayedArm, IncumbentArm
from baas.pilots.plan import Plan
from baas.pilots.relay import Relay

#: Says where an arm's service is: its slug, the administration's code. Conflict where that is not known yet.
SettingsOf = Callable[[str, str], ConnectorSettings]


class Opening:
    """What opens connectors for a plan and an administration. Opening asks no service anything."""

    def __init__(self, settings_of: SettingsOf) -> None:
        self.settings_of = settings_of

    def connector(self, slug: str, plan: Plan, administration: str) -> Connector:
        """An incumbent, given up at the plan's time limit, as the chain is: what is late counts the same."""
        return self._opened(slug, plan, self._settings(slug, plan, administration))

    def as_it_is(self, slug: str, administration: str) -> Connector:
        """An incumbent without any plan, with what its connector takes by itself."""
        opened: Connector = connectors()[slug].open(self.settings_of(slug, administration))
        return opened

    def incumbents(self, stack: ExitStack, plan: Plan, administration: str) -> list[IncumbentArm]:
        """The plan's incumbents, open until `stack` ends."""
        return [
            IncumbentArm(stack.enter_context(closing(self.connector(slug, plan, administration))))
            for slug in plan.incumbents
        ]

    def facts(self, plan: Plan, administration: str) -> list[ArmFacts]:
        """What there is to say of the plan's incumbents, in its order. Raises as `connector` does."""
        with ExitStack() as stack:
            return [each.facts for each in self.incumbents(stack, plan, administration)]

    def disturbed(self, stack: ExitStack, plan: Plan, administration: str, chain: Arm) -> list[Arm]:
        """The chain and the plan's incumbents, of which the plan's disturbance delays one.

        An incumbent is delayed on its way to its service, by a relay, on each request. The chain, which is asked within
        this process, is held back before each act, and so is a service behind TLS: a relay would count its handshake.
        """
        seconds = plan.disturbance.delay_ms / 1000 if plan.disturbance else 0.0
        delayed = plan.disturbance.arm if plan.disturbance else ""
        arms: list[Arm] = [DelayedArm(chain, seconds) if delayed == CHAIN else chain]
        for slug in plan.incumbents:
            settings = self._settings(slug, plan, administration)
            if slug == delayed and not _behind_relay(settings.url):
                opened = stack.enter_context(closing(self._opened(slug, plan, settings)))
                arms.append(DelayedArm(IncumbentArm(opened), seconds))
                continue
            if slug == delayed:
                relay = stack.enter_context(Relay.before(settings.url, delay=seconds))
                settings = replace(settings, url=relay.url_of(settings.url))
            arms.append(IncumbentArm(stack.enter_context(closing(self._opened(slug, plan, settings)))))
        return arms

    def _settings(self, slug: str, plan: Plan, administration: str) -> ConnectorSettings:
        """Where the arm's service is; a service between administrations knows both of the plan's by their own keys."""
        settings = self.settings_of(slug, administration)
        if plan.counterpart and Subject.HAND_OVER in connectors()[slug].subjects:
            other = self.settings_of(slug, plan.counterpart)
            settings = replace(
                settings,
                signers={**other.signers, **settings.signers},
                options={**settings.options, "counterpart_name": other.options.get("name", "")},
            )
        return settings

    def _opened(self, slug: str, plan: Plan, settings: ConnectorSettings) -> Connector:
        options = {**settings.options, **options_of(plan)}
        try:
            opened: Connector = connectors()[slug].open(
                replace(settings, timeout=plan.timeout, options=options)
            )
        except ValueError as error:  # an option that the arm cannot do, said in its own words
            raise Invalid(f"/plan/{_FIELD.get(slug, 'arms')}", str(error)[:300], f"{slug!r}") from error
        return opened


def _behind_relay(url: str) -> bool:
    return urlsplit(url).scheme == "http"


#: Which field of a plan an arm's options come from.
_FIELD = {"seal": "seal", "log": "log_period"}


#: The settings by which an arm asks a real service. The log and the codes have no such: AOC offers neither to others.
NEEDS: Mapping[str, tuple[str, ...]] = {
    "timestamp": ("BAAS_TIMESTAMP_URL", "BAAS_TIMESTAMP_ROOT"),
    "seal": ("BAAS_PSIS_URL", "BAAS_PSIS_ROOT"),
    "exchange": ("BAAS_PCI_URL", "BAAS_PCI_ROOT", "BAAS_PCI_KEYS"),
}


def options_of(plan: Plan) -> dict[str, str]:
    """What the plan fixed for its arms, as their connectors read it; one that has no use for an option leaves it."""
    return {
        "format": plan.seal.format.value,
        "level": plan.seal.level.value,
        "policy": plan.seal.policy,
        "log_period": f"{plan.log_period:g}",
        "legacy_sha1": "true" if plan.legacy_sha1 else "false",
        "subject": plan.subject.value,
        "counterpart": plan.counterpart,
    }


def require_laboratory(plan: Plan, facts: list[ArmFacts]) -> None:
    """Conflict where a plan disturbs an arm whose service is not a laboratory's: nobody else's is held back."""
    if plan.disturbance is None:
        return
    for each in facts:
        if each.arm == plan.disturbance.arm and not each.environment.in_laboratory:
            raise Conflict(
                f"a disturbance is for a laboratory: {each.arm} is {each.environment.value} here; leave it out of the "
                "plan, or let the arm be the embedded one"
            )
