// SPDX-License-Identifier: EUPL-1.2
pragma solidity 0.8.37;

/// @title Verification of RFC 9162 Merkle proofs with SHA-256.
/// @notice The steps and the names `fn`, `sn`, `fr`, `sr` are the standard's, sections 2.1.3.2 and 2.1.4.2.
/// @dev A proof's length follows from index and sizes, so an inner node never passes as a leaf.
library MerkleLog {
    /// @notice Whether `leafHash` is entry `index` of the log with `size` entries and that `root` (2.1.3.2).
    function verifyInclusion(
        bytes32 leafHash,
        uint64 index,
        uint64 size,
        bytes32[] calldata proof,
        bytes32 root
    ) internal pure returns (bool) {
        if (index >= size) return false;
        uint64 fn = index;
        uint64 sn = size - 1;
        bytes32 r = leafHash;
        for (uint256 i = 0; i < proof.length; ++i) {
            if (sn == 0) return false;
            if (fn & 1 == 1 || fn == sn) {
                r = _node(proof[i], r);
                while (fn & 1 == 0 && fn != 0) {
                    fn >>= 1;
                    sn >>= 1;
                }
            } else {
                r = _node(r, proof[i]);
            }
            fn >>= 1;
            sn >>= 1;
        }
        return sn == 0 && r == root;
    }

    /// @notice Whether the log with `newSize` entries begins with the `oldSize` entries under `oldRoot` (2.1.4.2).
    /// @dev Sizes must be 0 < oldSize < newSize: the standard's algorithm is defined for no others.
    function verifyConsistency(
        uint64 oldSize,
        uint64 newSize,
        bytes32[] calldata proof,
        bytes32 oldRoot,
        bytes32 newRoot
    ) internal pure returns (bool) {
        if (oldSize == 0 || oldSize >= newSize || proof.length == 0) return false;
        uint64 fn = oldSize - 1;
        uint64 sn = newSize - 1;
        while (fn & 1 == 1) {
            fn >>= 1;
            sn >>= 1;
        }
        // An old size that is a power of two is a complete subtree: its root opens the path, unsent.
        bool complete = oldSize & (oldSize - 1) == 0;
        bytes32 fr = complete ? oldRoot : proof[0];
        bytes32 sr = fr;
        for (uint256 i = complete ? 0 : 1; i < proof.length; ++i) {
            if (sn == 0) return false;
            bytes32 c = proof[i];
            if (fn & 1 == 1 || fn == sn) {
                fr = _node(c, fr);
                sr = _node(c, sr);
                while (fn & 1 == 0 && fn != 0) {
                    fn >>= 1;
                    sn >>= 1;
                }
            } else {
                sr = _node(sr, c);
            }
            fn >>= 1;
            sn >>= 1;
        }
        return sn == 0 && fr == oldRoot && sr == newRoot;
    }

    /// @dev Hash of an inner node (2.1.1): the leading 0x01 keeps it apart from every leaf.
    function _node(bytes32 left, bytes32 right) private pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x01), left, right));
    }
}
