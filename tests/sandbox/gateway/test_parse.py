"""JSON-RPC 2.0, strictly: the specification's own examples, and what clients and attackers send."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import RpcError
from sandbox.gateway.parse import MAX_BATCH, MAX_BODY, parse


def one(body):
    parsed = parse(body if isinstance(body, bytes) else body.encode())
    assert not parsed.batch
    return parsed.calls[0]


def test_a_call_with_params():
    call = one('{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}')
    assert (call.id, call.method, call.params, call.notification, call.refused) == (
        1,
        "subtract",
        [42, 23],
        False,
        None,
    )


def test_no_id_is_a_notification_but_null_is_not():
    assert one('{"jsonrpc":"2.0","method":"update"}').notification
    call = one('{"jsonrpc":"2.0","method":"update","id":null}')
    assert not call.notification and call.refused is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]',  # the specification's example
        b'[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},{"jsonrpc": "2.0", "method"]',
        b"",
        b" ",
        b"\xff\xfe",
        b'{"id": "\xff"}',
        "\ufeff{}".encode(),
        '{"jsonrpc":"2.0"}'.encode("utf-16"),
        b"NaN",
        b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[NaN]}',
        b"[Infinity]",
        b"-Infinity",
        b"1" * 5_000,  # more digits than the interpreter converts
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 200_000 + b"]" * 200_000,
        b'{"jsonrpc":"2.0","id":1,"method":"a","params":' + b"[" * 40 + b"]" * 40 + b"}",
        b'["' + b'\\"' * 200_000,  # an unclosed string of escaped quotes: read once, not from each quote on
        b"{'id': 1}",
        b"{} {}",
        b"\x00",
    ],
)
def test_parse_errors(body):
    with pytest.raises(RpcError) as caught:
        parse(body)
    assert (caught.value.code, caught.value.message) == (-32700, "Parse error")


@pytest.mark.parametrize(
    "element",
    [
        "1",
        "null",
        '"eth_chainId"',
        "{}",
        '{"foo": "boo"}',
        '{"jsonrpc": "2.0", "method": 1, "params": "bar"}',  # the specification's example
        '{"jsonrpc":"1.0","id":1,"method":"a"}',
        '{"jsonrpc":2.0,"id":1,"method":"a"}',
        '{"id":1,"method":"a"}',
        '{"jsonrpc":"2.0","id":1}',
        '{"jsonrpc":"2.0","id":1,"method":null}',
        '{"jsonrpc":"2.0","id":1,"method":"a","params":null}',
        '{"jsonrpc":"2.0","id":1,"method":"a","params":"x"}',
        '{"jsonrpc":"2.0","id":1.5,"method":"a"}',
        '{"jsonrpc":"2.0","id":1e3,"method":"a"}',
        '{"jsonrpc":"2.0","id":true,"method":"a"}',
        '{"jsonrpc":"2.0","id":[],"method":"a"}',
        '{"jsonrpc":"2.0","id":{},"method":"a"}',
        '{"jsonrpc":"2.0","id":1,"id":2,"method":"a"}',
        '{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}',
        '{"jsonrpc":"2.0","id":1,"method":"a","params":[{"to":"0x1","to":"0x2"}]}',
    ],
)
def test_invalid_requests_spoil_only_themselves(element):
    call = one(element)
    assert call.refused is not None and call.refused.code == -32600
    assert not call.notification  # answered, since nobody knows what it was meant to be
    good = '{"jsonrpc":"2.0","id":9,"method":"eth_chainId"}'
    batch = parse(f"[{element},{good}]".encode())
    assert batch.batch
    assert [call.refused is None for call in batch.calls] == [False, True]


def test_parameters_by_name_are_invalid_params():
    call = one('{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":1}}')
    assert call.refused is not None and call.refused.code == -32602


def test_an_empty_batch_is_an_invalid_request():
    with pytest.raises(RpcError) as caught:
        parse(b"[]")
    assert caught.value.code == -32600


def test_batch_limit_with_besus_code_and_message():
    call = '{"jsonrpc":"2.0","id":1,"method":"a"}'
    assert len(parse(f"[{','.join([call] * MAX_BATCH)}]".encode()).calls) == MAX_BATCH
    with pytest.raises(RpcError) as caught:
        parse(f"[{','.join([call] * (MAX_BATCH + 1))}]".encode())
    assert (caught.value.code, caught.value.message) == (-32005, "Number of requests exceeds max batch size")


def test_an_oversized_body_is_refused_before_it_is_read():
    with pytest.raises(RpcError) as caught:
        parse(b" " * (MAX_BODY + 1))
    assert caught.value.code == -32600
    assert caught.value.data == {"rule": "body-size", "limit": MAX_BODY, "got": MAX_BODY + 1}


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)
calls = st.fixed_dictionaries({}, optional=dict.fromkeys(("jsonrpc", "id", "method", "params"), documents))


@given(st.binary(max_size=200) | (documents | calls | st.lists(calls)).map(lambda d: json.dumps(d).encode()))
def test_anything_is_read_or_refused(body):
    try:
        parsed = parse(body)
    except RpcError as error:
        assert error.code in (-32700, -32600, -32005)
    else:
        assert parsed.calls
        for call in parsed.calls:
            assert call.refused is not None or (
                isinstance(call.method, str) and isinstance(call.params, list)
            )
