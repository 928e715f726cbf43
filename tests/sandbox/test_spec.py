"""A chain's spec: what it refuses, and that its JSON is the same spec again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import SpecError
from sandbox.spec import ChainSpec, Parent

WORD = "0x" + "ab" * 32
PARENT = Parent(7, 3, WORD, WORD)
addresses = st.integers(0, 2**160 - 1).map(lambda number: f"0x{number:040x}")
parents = st.none() | st.builds(Parent, st.integers(1, 2**53), st.integers(0), st.just(WORD), st.just(WORD))


@given(
    st.integers(1, 2**53 - 1),
    st.integers(0, 2**40),
    st.lists(st.tuples(addresses, st.integers(0, 2**256 - 1))).map(tuple),
    parents,
    st.text(),
)
def test_its_json_is_the_same_spec(chain_id, genesis_time, alloc, parent, endpoint):
    spec = ChainSpec(chain_id, genesis_time, alloc=alloc, parent=parent, endpoint=endpoint)
    assert ChainSpec.from_json(spec.to_json()) == spec


@pytest.mark.parametrize(
    "text",
    ["{}", '{"chain_id":1,"genesis_time":0,"colour":"red"}', '{"chain_id":1,"genesis_time":0,"alloc":[["0x"]]}',
     '{"chain_id":1,"genesis_time":0,"parent":{"number":1}}', '{"chain_id":0,"genesis_time":0}'],
)  # fmt: skip
def test_other_json_is_no_spec(text):
    with pytest.raises(SpecError):
        ChainSpec.from_json(text)


@pytest.mark.parametrize("address", ["", "0x", "0x" + "AB" * 20, "ab" * 20, "0x" + "ab" * 20 + "\n"])
def test_an_address_of_alloc_has_one_spelling(address):
    with pytest.raises(SpecError, match="alloc"):
        ChainSpec(1, 0, alloc=((address, 1),))


def test_a_parent_is_a_block_of_a_chain():
    assert ChainSpec(1, 0, parent=PARENT).parent == PARENT
    for wrong in ({"chain_id": 0}, {"number": -1}, {"hash": "0x12"}, {"state_root": WORD.upper()}):
        fields = {"chain_id": 7, "number": 3, "hash": WORD, "state_root": WORD} | wrong
        with pytest.raises(SpecError):
            Parent(**fields)
