// SPDX-License-Identifier: EUPL-1.2
pragma solidity 0.8.37;

/// @title The one event that says: this log root is on this chain.
/// @notice Offline verification reads this event and no other, whichever contract emitted it.
interface IRootAnchor {
    /// @notice The log with `oldSize` entries grew to `newSize` entries, and its root is now `root`.
    /// @param root RFC 9162 Merkle tree hash (SHA-256) of the first `newSize` entries.
    /// @param oldSize Entries of the log at the anchor before; 0 for the first.
    /// @param newSize Entries of the log now; always greater than `oldSize`.
    /// @param by Account that sent the transaction.
    event RootAnchored(bytes32 indexed root, uint64 oldSize, uint64 newSize, address indexed by);
}
