"""A series and its DPIA record, as an administration would write them; fictional."""

from __future__ import annotations

from typing import Any

SERIES: dict[str, Any] = {
    "administration": "9999990001",
    "name": "Decrets",
    "code": "100",
    "years": 5,
    "data_class": "synthetic",
    "legal_basis": "Llei fictícia, art. 1",
}
DPIA: dict[str, Any] = {
    "operations": "Es consulten i s'anoten decrets fictices del registre.",
    "data_subjects": ["persones fictices"],
    "data_categories": ["identificació"],
    "necessity": "La llei obliga a portar el registre, i no es tracta res més.",
    "why_chain": "Cadena amb permisos: es vol provar si aporta res al llibre signat.",
    "timestamp_and_signed_log": "Pot ser suficient; la prova ho ha de dir amb mesures.",
    "risks": [
        {
            "risk": "es coneix la sal",
            "likelihood": "low",
            "severity": "medium",
            "measures": ["supressió"],
            "residual": "low",
        }
    ],
    "rights": dict.fromkeys(
        ("information", "access", "rectification", "erasure", "objection"),
        "S'exerceix davant l'ens, com sempre.",
    ),
    "roles": {
        "controller": "Ajuntament fictici",
        "processor": "AOC (espai de proves)",
        "data_protection_officer": "dpd@vila.example",
    },
}
