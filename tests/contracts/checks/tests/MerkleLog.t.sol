// SPDX-License-Identifier: EUPL-1.2
pragma solidity 0.8.37;

import {Checks} from "../shared/Checks.sol";
import {MerkleLogHarness} from "../shared/MerkleLogHarness.sol";
import {Rfc9162} from "../shared/Rfc9162.sol";

/// @title MerkleLog on logs of up to 200 entries, judged by the standard's own recursion, with SHA-256 itself.
contract MerkleLogTest is Checks {
    uint256 private constant LARGEST = 200;

    MerkleLogHarness private log;

    function setUp() public {
        log = new MerkleLogHarness();
    }

    function _leaves(uint256 seed, uint256 n) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](n);
        for (uint256 i = 0; i < n; ++i) leaves[i] = keccak256(abi.encode(seed, i));
    }

    function _consistency(
        bytes32[] memory leaves,
        uint64 m
    ) private pure returns (bytes32[] memory hashes, bytes32 oldRoot, bytes32 newRoot) {
        hashes = new bytes32[](Rfc9162.proofLength(m, leaves.length, true));
        assert(Rfc9162.proof(leaves, m, 0, leaves.length, true, hashes) == hashes.length);
        return (hashes, Rfc9162.mth(leaves, 0, m), Rfc9162.mth(leaves, 0, leaves.length));
    }

    function testFuzz_an_honest_consistency_proof_passes_and_a_damaged_one_does_not(
        uint256 seed,
        uint64 m,
        uint64 n,
        uint256 which,
        uint8 bit
    ) external view {
        n = uint64(_between(n, 2, LARGEST));
        m = uint64(_between(m, 1, n - 1));
        (bytes32[] memory hashes, bytes32 oldRoot, bytes32 newRoot) = _consistency(_leaves(seed, n), m);
        assert(log.consistency(m, n, hashes, oldRoot, newRoot));

        bytes32 flip = bytes32(uint256(1) << bit);
        assert(!log.consistency(m, n, hashes, oldRoot ^ flip, newRoot));
        assert(!log.consistency(m, n, hashes, oldRoot, newRoot ^ flip));
        assert(!log.consistency(m, n, _with(hashes, hashes.length, flip), oldRoot, newRoot));
        assert(!log.consistency(m, n, _without(hashes, _between(which, 0, hashes.length - 1)), oldRoot, newRoot));
        hashes[_between(which, 0, hashes.length - 1)] ^= flip;
        assert(!log.consistency(m, n, hashes, oldRoot, newRoot));
    }

    /// @dev One old entry rewritten: no proof made for the rewritten log passes for the old root.
    function testFuzz_a_rewritten_log_is_no_extension(uint256 seed, uint64 m, uint64 n, uint256 changed) external view {
        n = uint64(_between(n, 2, LARGEST));
        m = uint64(_between(m, 1, n - 1));
        bytes32[] memory leaves = _leaves(seed, n);
        bytes32 oldRoot = Rfc9162.mth(leaves, 0, m);
        leaves[_between(changed, 0, m - 1)] = keccak256("forged");
        (bytes32[] memory hashes, , bytes32 newRoot) = _consistency(leaves, m);
        assert(!log.consistency(m, n, hashes, oldRoot, newRoot));
    }

    function testFuzz_an_honest_inclusion_proof_passes_and_a_damaged_one_does_not(
        uint256 seed,
        uint64 m,
        uint64 n,
        uint256 which,
        uint8 bit
    ) external view {
        n = uint64(_between(n, 1, LARGEST));
        m = uint64(_between(m, 0, n - 1));
        bytes32[] memory leaves = _leaves(seed, n);
        bytes32 root = Rfc9162.mth(leaves, 0, n);
        bytes32[] memory hashes = new bytes32[](Rfc9162.pathLength(m, n));
        assert(Rfc9162.path(leaves, m, 0, n, hashes) == hashes.length);
        assert(log.inclusion(leaves[m], m, n, hashes, root));

        bytes32 flip = bytes32(uint256(1) << bit);
        assert(!log.inclusion(leaves[m] ^ flip, m, n, hashes, root));
        assert(!log.inclusion(leaves[m], m, n, hashes, root ^ flip));
        assert(!log.inclusion(leaves[m], n, n, hashes, root));
        assert(!log.inclusion(leaves[m], m, n, _with(hashes, hashes.length, flip), root));
        if (hashes.length == 0) return;
        assert(!log.inclusion(leaves[m], m, n, _without(hashes, _between(which, 0, hashes.length - 1)), root));
        hashes[_between(which, 0, hashes.length - 1)] ^= flip;
        assert(!log.inclusion(leaves[m], m, n, hashes, root));
    }

    /// @dev Any sizes at all and hashes out of the air: an answer, never a panic, and the answer is no.
    function testFuzz_noise_is_refused(
        uint64 m,
        uint64 n,
        bytes32[] calldata hashes,
        bytes32 a,
        bytes32 b
    ) external view {
        if (a == b) return; // a log of one entry: its leaf is its root
        for (uint256 length = 0; length <= hashes.length; ++length) {
            assert(!log.consistency(m, n, hashes[:length], a, b));
            assert(!log.inclusion(a, m, n, hashes[:length], b));
        }
    }

    function _with(bytes32[] memory hashes, uint256 length, bytes32 more) private pure returns (bytes32[] memory out) {
        out = new bytes32[](length + 1);
        for (uint256 i = 0; i < length; ++i) out[i] = hashes[i];
        out[length] = more;
    }

    function _without(bytes32[] memory hashes, uint256 gone) private pure returns (bytes32[] memory out) {
        out = new bytes32[](hashes.length - 1);
        for (uint256 i = 0; i < out.length; ++i) out[i] = hashes[i < gone ? i : i + 1];
    }
}
