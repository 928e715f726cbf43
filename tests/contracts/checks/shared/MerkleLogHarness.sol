// SPDX-License-Identifier: EUPL-1.2
pragma solidity 0.8.37;

import {MerkleLog} from "../log/MerkleLog.sol";

/// @dev MerkleLog takes its proofs from calldata: this lends it a door.
contract MerkleLogHarness {
    function inclusion(
        bytes32 leafHash,
        uint64 index,
        uint64 size,
        bytes32[] calldata proof,
        bytes32 root
    ) external pure returns (bool) {
        return MerkleLog.verifyInclusion(leafHash, index, size, proof, root);
    }

    function consistency(
        uint64 oldSize,
        uint64 newSize,
        bytes32[] calldata proof,
        bytes32 oldRoot,
        bytes32 newRoot
    ) external pure returns (bool) {
        return MerkleLog.verifyConsistency(oldSize, newSize, proof, oldRoot, newRoot);
    }
}
