"""`baas chain`: isolated test chains, and the way to their JSON-RPC."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from baas.chains.snippets import snippets
from baas.client import Client
from baas.terminal.commands.administration import OnlyOf
from baas.terminal.problems import Unusable
from baas.terminal.render import Shown, note, printable, record, table
from baas.terminal.session import connect, here, public_url

app = typer.Typer(help="Chains: isolated, permissioned test chains.")
Chain = Annotated[str, typer.Argument(help="The chain's id, or its chain id in decimal.")]
FIELDS = ("id", "label", "chain_id", "engine", "desired", "observed", "head.number", "created")
ALL = (
    *(*FIELDS, "head.hash", "genesis_hash", "sealing_key", "rpc", "rpc_admin"),
    *("expires", "seconds_left", "deletion", "sleeps_at", "warnings"),
)


@app.command()
def create(
    ctx: typer.Context,
    administration: Annotated[str, typer.Argument(help="Code of the administration that owns it.")],
    label: Annotated[str, typer.Argument(help="What it is for.")],
    engine: Annotated[str, typer.Option(help="The software that runs it (baas engine list).")] = "embedded",
    endpoint: Annotated[
        str, typer.Option(help="With the engine remote: the name that the operator gave to the address.")
    ] = "",
    faucet: Annotated[
        bool, typer.Option(help="With an account that can give test ether (baas chain faucet).")
    ] = True,
) -> Shown:
    """Make a chain, awake, with one technical account that may send and deploy."""
    with connect(ctx) as client:
        made = client.create_chain(administration, label, engine=engine, faucet=faucet, endpoint=endpoint)
        return record(made, *ALL)


@app.command("list")
def list_(ctx: typer.Context, administration: OnlyOf = None) -> Shown:
    """The chains that you may see, without the deleted ones."""
    with connect(ctx) as client:
        return table(client.chains(administration), *FIELDS)


@app.command()
def show(ctx: typer.Context, chain: Chain) -> Shown:
    """One chain: what is desired, what is observed, its newest block."""
    with connect(ctx) as client:
        return record(client.chain(chain), *ALL)


@app.command()
def start(ctx: typer.Context, chain: Chain) -> Shown:
    """Wake a stopped chain."""
    with connect(ctx) as client:
        return record(client.start_chain(chain), *ALL)


@app.command()
def stop(ctx: typer.Context, chain: Chain) -> Shown:
    """End a chain's processes; what was accepted stays on disk."""
    with connect(ctx) as client:
        return record(client.stop_chain(chain), *ALL)


@app.command()
def extend(
    ctx: typer.Context,
    chain: Chain,
    days: Annotated[int, typer.Argument(help="Its new end, in days from now.", min=1)],
) -> Shown:
    """Give a chain more time; one that expired runs again. For admins."""
    with connect(ctx) as client:
        return record(client.extend_chain(chain, days), *ALL)


@app.command()
def delete(
    ctx: typer.Context,
    chain: Chain,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask: needed where there is no terminal.")
    ] = False,
) -> Shown:
    """Delete a chain's blocks for good. Receipts stay valid; its chain id is never used again."""
    with connect(ctx) as client:
        found = client.chain(chain)
        if not yes and not sys.stdin.isatty():
            raise Unusable("there is no terminal to ask on whether to delete it for good: say so with --yes")
        if not yes:
            question = f"Delete chain {found['chain_id']} ({printable(found['label'])}) for good?"
            typer.confirm(question, abort=True, err=True)
        client.delete_chain(found["id"])
    return Shown({"deleted": found["id"]}, f"chain {found['chain_id']} is deleted")


@app.command()
def send(
    ctx: typer.Context,
    chain: Chain,
    account: Annotated[str, typer.Argument(help="The label of the account that signs.")],
    function: Annotated[
        str | None, typer.Argument(help="A function of the template that is deployed at --to.")
    ] = None,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(help="Its arguments: JSON where it reads as JSON, else text such as 0x…"),
    ] = None,
    to: Annotated[str | None, typer.Option(help="The address; without it, a contract is created.")] = None,
    data: Annotated[str | None, typer.Option(help="The data, 0x and hex, instead of a function.")] = None,
    value: Annotated[str, typer.Option(help="Wei to send along.")] = "0",
    gas: Annotated[int | None, typer.Option(help="Gas limit; gas is free.", min=21_000)] = None,
    key: Annotated[
        str | None, typer.Option(help="Idempotency key: the same again sends nothing twice.")
    ] = None,
) -> Shown:
    """Send a transaction of a custodial account: its hash, once it is on disk. Nonces are kept in order.

    Its receipt: baas chain rpc CHAIN eth_getTransactionReceipt HASH.
    """
    call = {"function": function, "arguments": [_parameter(each) for each in arguments or []]}
    given = {
        "to": to,
        "data": data,
        "call": call if function else None,
        "value": value,
        "gas": gas,
    }
    body = {"account": account} | {name: each for name, each in given.items() if each is not None}
    with connect(ctx) as client:
        return record(client.send_transaction(chain, body, key=key), "hash", "sender", "nonce")


@app.command()
def faucet(
    ctx: typer.Context,
    chain: Chain,
    address: Annotated[str, typer.Argument(help="The account that gets it: 0x and 40 hex digits.")],
    ether: Annotated[str, typer.Option(help="How much: a decimal number, at most 1000 at once.")] = "1",
) -> Shown:
    """Give an account test ether, for contracts that are sent value. It is worth nothing; gas is free without it."""
    with connect(ctx) as client:
        given = client.give_test_ether(chain, address, ether)
    note(given["note"])
    return record(given, "address", "amount", "transaction")


@app.command()
def fleet(ctx: typer.Context) -> Shown:
    """How many chains are in which state, and why those that failed did. For AOC's operators."""
    with connect(ctx) as client:
        found = client.fleet()
    lines = [record(found, "awake", "bound", *(f"observed.{state}" for state in found["observed"])).text]
    lines += [f"\n{each['chain']} failed:\n{printable(each['reason'])}" for each in found["failures"]]
    return Shown(found, "\n".join(lines))


@app.command()
def clone(
    ctx: typer.Context,
    chain: Chain,
    label: Annotated[str, typer.Argument(help="What the clone is for.")],
    snapshot: Annotated[
        str | None,
        typer.Option(help="Begin with this snapshot's state; absent: with the state as it is now."),
    ] = None,
) -> Shown:
    """Make another chain, with a chain id of its own, that begins with this one's state."""
    with connect(ctx) as client:
        return record(client.clone_chain(chain, label, snapshot), *ALL)


@app.command()
def export(
    ctx: typer.Context,
    chain: Chain,
    to: Annotated[Path, typer.Argument(help="The file to write; it must not be there yet.")],
    keys: Annotated[
        bool,
        typer.Option("--keys", help="The accounts' keys go along, each under a password that is asked for."),
    ] = False,
) -> Shown:
    """Write a chain to a zip that runs elsewhere. Without --keys no key is in it."""
    if to.exists():
        raise Unusable(f"{to} is there already: choose another name")
    password = _password(confirm=True) if keys else None
    with connect(ctx) as client:
        size = client.export_chain(chain, to, password)
    return Shown({"file": str(to), "bytes": size}, f"{to} has {size} bytes")


@app.command("import")
def import_(
    ctx: typer.Context,
    administration: Annotated[str, typer.Argument(help="Code of the administration that is to own it.")],
    label: Annotated[str, typer.Argument(help="What it is for.")],
    archive: Annotated[Path, typer.Argument(help="A chain's zip.", exists=True, dir_okay=False)],
    as_clone: Annotated[
        bool, typer.Option("--as-clone", help="Under a new chain id, as a clone of its newest block.")
    ] = False,
    sealing_key: Annotated[
        str | None, typer.Option(help="The key that must have signed it, known by another way.")
    ] = None,
    keys: Annotated[
        bool,
        typer.Option("--keys", help="Bring its accounts' keys in, under the password that is asked for."),
    ] = False,
) -> Shown:
    """Bring in a chain that was exported elsewhere; it is checked to the last byte."""
    password = _password(confirm=False) if keys else None
    with connect(ctx) as client:
        made = client.import_chain(
            administration, label, archive, as_clone=as_clone, sealing_key=sealing_key, password=password
        )
    return record(made, *ALL)


@app.command()
def clock(
    ctx: typer.Context,
    chain: Chain,
    move: Annotated[
        int | None, typer.Option(help="Seconds to move it by: forward, or back with a minus sign.")
    ] = None,
) -> Shown:
    """Show how far a chain's clock is from real time, or move it: every later receipt states that it was."""
    with connect(ctx) as client:
        found = client.chain_clock(chain) if move is None else client.move_clock(chain, move)
    return record(found, "acts", "offset_ms")


@app.command()
def operations(ctx: typer.Context, chain: Chain) -> Shown:
    """What administrators did with a chain's state and clock, the newest first."""
    with connect(ctx) as client:
        return table(client.operations(chain), "at_ms", "actor", "act", "detail")


def _password(*, confirm: bool) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=confirm, err=True))


@app.command()
def rpc(
    ctx: typer.Context,
    chain: Chain,
    method: Annotated[
        str | None, typer.Argument(help="A JSON-RPC method to call, such as eth_blockNumber.")
    ] = None,
    params: Annotated[
        list[str] | None,
        typer.Argument(
            help="Its parameters: JSON where it reads as JSON, else text, so that latest and 0x10 need no quotes."
        ),
    ] = None,
    wallet: Annotated[
        bool,
        typer.Option(
            "--wallet", help="Make a token for wallets, of this chain's RPC alone, and print its URL."
        ),
    ] = False,
    admin: Annotated[
        bool,
        typer.Option(
            "--admin",
            help="The administrator's address, with the methods that change the chain: for admins and developers.",
        ),
    ] = False,
    days: Annotated[int | None, typer.Option(help="How long the wallet's token lasts.", min=1)] = None,
) -> Shown:
    """Print a chain's RPC address with ready snippets, or call one METHOD and print its result.

    Without METHOD: the address, and programs for web3.py, ethers 6, viem 2, cast and Hardhat 3 that deploy a contract
    and call it; they read the token from BAAS_TOKEN and the key of an account from SANDBOX_KEY.
    With METHOD: the result; an error of the chain ends the command with 1.
    """
    if method and (wallet or days):
        raise Unusable("expected a METHOD to call, or --wallet to make an address for wallets: got both")
    if days and not wallet:
        raise Unusable("--days says how long the token of --wallet lasts: give both")
    with connect(ctx) as client:
        if method:
            return _call(client, chain, method, params or [], admin=admin)
        found = client.chain(chain)
        base = public_url(here(ctx))
        shown = {
            "chain_id": found["chain_id"],
            "url": base + found["rpc_admin" if admin else "rpc"],
            "wallet_url": None,
            "expires": None,
        }
        if wallet:
            made = client.create_rpc_token(chain, days=days, admin=admin)
            shown |= {"wallet_url": base + made["url"], "expires": made["expires"]}
            note(
                "the wallet's URL holds its token: whoever has it may "
                + ("change" if admin else "send to")
                + " this chain, and it is shown this once"
            )
    programs = snippets(str(shown["url"]), found["chain_id"])
    lines = [record(shown, "chain_id", "url", *(["wallet_url", "expires"] if wallet else [])).text]
    lines += [f"\n# {title}\n{text}" for title, text in programs.items()]
    return Shown(shown | {"snippets": programs}, "\n".join(lines).rstrip())


@app.command()
def explain(
    ctx: typer.Context,
    chain: Chain,
    sender: Annotated[str | None, typer.Option("--from", help="The address that would send it.")] = None,
    to: Annotated[str | None, typer.Option(help="Its target; without one it creates a contract.")] = None,
    data: Annotated[str | None, typer.Option(help="Its payload, 0x and hexadecimal digits.")] = None,
    value: Annotated[int | None, typer.Option(help="Its value in wei.", min=0)] = None,
    raw: Annotated[
        str | None,
        typer.Option(help="A signed transaction instead of the others, 0x and hexadecimal digits."),
    ] = None,
) -> Shown:
    """Say what the chain would do with a transaction, by which rule, and how to ask for access. Nothing is sent."""
    said = {
        "raw": raw,
        "from": sender,
        "to": to,
        "data": data,
        "value": None if value is None else str(value),
    }
    with connect(ctx) as client:
        found = client.explain(chain, **{key: each for key, each in said.items() if each is not None})
    lines = [f"{each['outcome']:<11}  {each['rule']}" for each in found["checks"]]
    lines.append(
        "allowed" if found["allowed"] else f"refused by {found['rule']}: {found['message']} ({found['code']})"
    )
    if found["how_to_ask"]:
        lines.append(printable(found["how_to_ask"]))
    return Shown(found, "\n".join(lines), "ok" if found["allowed"] else "refused")


@app.command()
def refusals(
    ctx: typer.Context,
    chain: Chain,
    rule: Annotated[str | None, typer.Option(help="Only by this rule.")] = None,
    sender: Annotated[str | None, typer.Option(help="Only of this address.")] = None,
    summary: Annotated[
        bool, typer.Option("--summary", help="How often which rule refused whom, instead.")
    ] = False,
) -> Shown:
    """What the chain's gateway did not let pass."""
    with connect(ctx) as client:
        if not summary:
            shown = ("id", "code", "rule", "sender", "target", "selector", "value", "method", "detail")
            return table(client.refusals(chain, rule, sender), *shown)
        found = client.refusal_summary(chain)
    rows = table(found["by_rule_and_sender"], "rule", "sender", "number")
    days = table(found["by_day"], "day", "rule", "endpoint", "number")
    return Shown(found, f"{rows.text}\n\n{days.text}")


def _call(client: Client, chain: str, method: str, params: list[str], *, admin: bool) -> Shown:
    answer = client.rpc(chain, method, *map(_parameter, params), admin=admin)
    if "error" in answer:
        error = answer["error"]
        data = f" {json.dumps(error['data'], ensure_ascii=False)}" if error.get("data") is not None else ""
        note(f"the chain refused: {error['message']} ({error['code']}){data}")
        return Shown(answer, "", "refused")
    result = answer["result"]
    text = result if isinstance(result, str) else json.dumps(result, indent=2, ensure_ascii=False)
    return Shown(answer, text)


def _parameter(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
