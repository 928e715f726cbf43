// SPDX-License-Identifier: EUPL-1.2
pragma solidity 0.8.37;

import {Checks} from "../shared/Checks.sol";
import {MerkleLogHarness} from "../shared/MerkleLogHarness.sol";
import {Rfc9162} from "../shared/Rfc9162.sol";

/// @title Proved by halmos, for every hash value and every pair of sizes up to a bound: MerkleLog is RFC 9162.
/// @dev Of the hash nothing is known here but that it does not collide, so nothing is true by the luck of a hash.
contract MerkleLogProofs is Checks {
    uint256 private constant LARGEST = 8;

    MerkleLogHarness private log;

    function setUp() public {
        log = new MerkleLogHarness();
    }

    function check_consistency_is_the_standards(
        uint256 oldSize,
        uint256 newSize,
        bytes32[] calldata hashes,
        bytes32 oldRoot,
        bytes32 newRoot
    ) external view {
        for (uint64 n = 2; n <= LARGEST; ++n) {
            if (n != newSize) continue;
            for (uint64 m = 1; m < n; ++m) {
                if (m == oldSize) _consistency(m, n, hashes, oldRoot, newRoot);
            }
        }
    }

    function _consistency(uint64 m, uint64 n, bytes32[] calldata hashes, bytes32 oldRoot, bytes32 newRoot) private view {
        bool accepted = log.consistency(m, n, hashes, oldRoot, newRoot);
        if (hashes.length != Rfc9162.proofLength(m, n, true)) {
            assert(!accepted);
            return;
        }
        (bytes32 older, bytes32 newer) = Rfc9162.rootsOfProof(m, n, true, oldRoot, hashes, hashes.length);
        assert(accepted == (older == oldRoot && newer == newRoot));
    }

    function check_inclusion_is_the_standards(
        bytes32 leafHash,
        uint256 index,
        uint256 size,
        bytes32[] calldata hashes,
        bytes32 root
    ) external view {
        for (uint64 n = 1; n <= LARGEST; ++n) {
            if (n != size) continue;
            for (uint64 m = 0; m < n; ++m) {
                if (m == index) _inclusion(leafHash, m, n, hashes, root);
            }
        }
    }

    function _inclusion(bytes32 leafHash, uint64 m, uint64 n, bytes32[] calldata hashes, bytes32 root) private view {
        bool accepted = log.inclusion(leafHash, m, n, hashes, root);
        if (hashes.length != Rfc9162.pathLength(m, n)) {
            assert(!accepted);
            return;
        }
        assert(accepted == (Rfc9162.rootOfPath(m, n, leafHash, hashes, hashes.length) == root));
    }

    /// @dev An index that is none of the log's is refused, whatever the proof.
    function check_no_inclusion_beyond_the_size(
        bytes32 leafHash,
        uint64 index,
        uint64 size,
        bytes32[] calldata hashes,
        bytes32 root
    ) external view {
        vm.assume(index >= size);
        assert(!log.inclusion(leafHash, index, size, hashes, root));
    }

    /// @dev The sizes for which the standard defines no proof are refused, whatever the proof.
    function check_no_consistency_for_sizes_that_do_not_grow(
        uint64 oldSize,
        uint64 newSize,
        bytes32[] calldata hashes,
        bytes32 oldRoot,
        bytes32 newRoot
    ) external view {
        vm.assume(oldSize == 0 || oldSize >= newSize);
        assert(!log.consistency(oldSize, newSize, hashes, oldRoot, newRoot));
    }

    /// @dev Without a proof nothing is an extension, whatever the sizes.
    function check_no_consistency_without_a_proof(
        uint64 oldSize,
        uint64 newSize,
        bytes32 oldRoot,
        bytes32 newRoot
    ) external view {
        assert(!log.consistency(oldSize, newSize, new bytes32[](0), oldRoot, newRoot));
    }

    /// @dev What passes begins with the old log's own leaves: the new root is made of them and of what was added.
    function check_what_passes_keeps_every_old_leaf(
        uint256 oldSize,
        uint256 newSize,
        bytes32[] calldata hashes,
        bytes32[8] calldata entries,
        bytes32 newRoot
    ) external view {
        bytes32[] memory leaves = new bytes32[](LARGEST);
        for (uint256 i = 0; i < LARGEST; ++i) leaves[i] = entries[i];
        for (uint64 n = 2; n <= LARGEST; ++n) {
            if (n != newSize) continue;
            for (uint64 m = 1; m < n; ++m) {
                if (m == oldSize) _extended(m, n, hashes, leaves, newRoot);
            }
        }
    }

    function _extended(
        uint64 m,
        uint64 n,
        bytes32[] calldata hashes,
        bytes32[] memory leaves,
        bytes32 newRoot
    ) private view {
        if (!log.consistency(m, n, hashes, Rfc9162.mth(leaves, 0, m), newRoot)) return;
        assert(newRoot == Rfc9162.extended(leaves, m, 0, n, hashes, hashes.length));
    }
}
