// SPDX-License-Identifier: EUPL-1.2
pragma solidity 0.8.37;

/// @title RFC 9162 section 2.1 as the standard defines it, by recursion: the judge of MerkleLog, which is iterative.
/// @dev Proofs are made and read here by recursion over the tree's shape alone; nothing is shared with MerkleLog.
library Rfc9162 {
    function node(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x01), left, right));
    }

    /// @dev The largest power of two smaller than `n`, for n > 1.
    function split(uint256 n) internal pure returns (uint256 k) {
        k = 1;
        while (k * 2 < n) k *= 2;
    }

    /// @dev MTH of the `n` leaf hashes from `from` on (2.1.1), n > 0.
    function mth(bytes32[] memory leaves, uint256 from, uint256 n) internal pure returns (bytes32) {
        if (n == 1) return leaves[from];
        uint256 k = split(n);
        return node(mth(leaves, from, k), mth(leaves, from + k, n - k));
    }

    /// @dev How many hashes PATH(m, D_n) has (2.1.3.1).
    function pathLength(uint256 m, uint256 n) internal pure returns (uint256) {
        if (n == 1) return 0;
        uint256 k = split(n);
        return 1 + (m < k ? pathLength(m, k) : pathLength(m - k, n - k));
    }

    /// @dev The root that a path leads to from `leaf`: what verification must find.
    function rootOfPath(
        uint256 m,
        uint256 n,
        bytes32 leaf,
        bytes32[] memory hashes,
        uint256 used
    ) internal pure returns (bytes32) {
        if (n == 1) return leaf;
        uint256 k = split(n);
        bytes32 sibling = hashes[used - 1];
        if (m < k) return node(rootOfPath(m, k, leaf, hashes, used - 1), sibling);
        return node(sibling, rootOfPath(m - k, n - k, leaf, hashes, used - 1));
    }

    /// @dev Writes PATH(m, D_n) into `out` and returns its length.
    function path(
        bytes32[] memory leaves,
        uint256 m,
        uint256 from,
        uint256 n,
        bytes32[] memory out
    ) internal pure returns (uint256) {
        if (n == 1) return 0;
        uint256 k = split(n);
        uint256 used = m < k ? path(leaves, m, from, k, out) : path(leaves, m - k, from + k, n - k, out);
        out[used] = m < k ? mth(leaves, from + k, n - k) : mth(leaves, from, k);
        return used + 1;
    }

    /// @dev How many hashes SUBPROOF(m, D_n, whole) has (2.1.4.1).
    function proofLength(uint256 m, uint256 n, bool whole) internal pure returns (uint256) {
        if (m == n) return whole ? 0 : 1;
        uint256 k = split(n);
        return 1 + (m <= k ? proofLength(m, k, whole) : proofLength(m - k, n - k, false));
    }

    /// @dev Writes SUBPROOF(m, D_n, whole) into `out` and returns its length.
    function proof(
        bytes32[] memory leaves,
        uint256 m,
        uint256 from,
        uint256 n,
        bool whole,
        bytes32[] memory out
    ) internal pure returns (uint256) {
        if (m == n) {
            if (!whole) out[0] = mth(leaves, from, n);
            return whole ? 0 : 1;
        }
        uint256 k = split(n);
        uint256 used;
        if (m <= k) {
            used = proof(leaves, m, from, k, whole, out);
            out[used] = mth(leaves, from + k, n - k);
        } else {
            used = proof(leaves, m - k, from + k, n - k, false, out);
            out[used] = mth(leaves, from, k);
        }
        return used + 1;
    }

    /// @dev The old root and the new one that a consistency proof of `used` hashes gives, read by SUBPROOF's recursion.
    function rootsOfProof(
        uint256 m,
        uint256 n,
        bool whole,
        bytes32 oldRoot,
        bytes32[] memory hashes,
        uint256 used
    ) internal pure returns (bytes32 older, bytes32 newer) {
        if (m == n) return whole ? (oldRoot, oldRoot) : (hashes[0], hashes[0]);
        uint256 k = split(n);
        bytes32 other = hashes[used - 1];
        if (m <= k) {
            (older, newer) = rootsOfProof(m, k, whole, oldRoot, hashes, used - 1);
            return (older, node(newer, other));
        }
        (older, newer) = rootsOfProof(m - k, n - k, false, oldRoot, hashes, used - 1);
        return (node(other, older), node(other, newer));
    }

    /// @dev The root of a log of `n` that begins with `m` known leaves from `from` on: those give every hash inside the
    /// old log, and the proof gives only what was added. It is the new root if the log was extended and not rewritten.
    function extended(
        bytes32[] memory leaves,
        uint256 m,
        uint256 from,
        uint256 n,
        bytes32[] memory hashes,
        uint256 used
    ) internal pure returns (bytes32) {
        if (m == n) return mth(leaves, from, n);
        uint256 k = split(n);
        if (m <= k) return node(extended(leaves, m, from, k, hashes, used - 1), hashes[used - 1]);
        return node(mth(leaves, from, k), extended(leaves, m - k, from + k, n - k, hashes, used - 1));
    }
}
