"""`baas` on the command line."""


def main() -> None:
    raise SystemExit("not yet")
