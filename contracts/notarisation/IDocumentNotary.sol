// SPDX-License-Identifier: EUPL-1.2
pragma solidity 0.8.37;

import {IRootAnchor} from "../anchoring/IRootAnchor.sol";

/// @title Evidence that a document existed, unchanged, at a block's time.
/// @notice A document is here in one of two ways: alone, by its 32-byte commitment; or batched, by its leaf hash
/// under an anchored root of the administration's document log. The commitment is salted, so that nothing about
/// the document can be read or guessed from it. The first write wins, and no time ever changes.
interface IDocumentNotary is IRootAnchor {
    /// @notice Why a notarisation was left without effect. The codes are numbers 1 to 4; 0 is no reason.
    enum Reason {
        None,
        Mistake, // recorded by mistake
        Annulled, // the act was annulled or revoked by the administration
        CourtRuling, // a court so ruled
        Compromised // the account or the system that recorded it was not under control
    }

    /// @notice What is known of one document; times are block times in seconds since 1970, 0 for never.
    /// @dev For a batched document `notarisedAt` is 0 here: its time is that of the root that includes it.
    struct Entry {
        uint64 notarisedAt;
        uint64 supersededAt;
        uint64 revokedAt;
        uint8 reasonCode;
        bytes32 supersededBy;
    }

    /// @notice `commitment` was notarised alone.
    event Notarised(bytes32 indexed commitment, address indexed by);
    /// @notice `replacement` took the place of `commitment`; both keep their times.
    event Superseded(bytes32 indexed commitment, bytes32 indexed replacement, address indexed by);
    /// @notice `commitment` was left without effect.
    event Revoked(bytes32 indexed commitment, uint8 reasonCode, address indexed by);
    /// @notice `replacement`, notarised alone, took the place of a batched document.
    event BatchedSuperseded(bytes32 indexed leafHash, bytes32 indexed replacement, address indexed by);
    /// @notice A batched document was left without effect.
    event BatchedRevoked(bytes32 indexed leafHash, uint8 reasonCode, address indexed by);

    /// @notice A role cannot be given to the zero address.
    error ZeroAccount();
    /// @notice A commitment cannot be zero.
    error ZeroCommitment();
    /// @notice A root cannot be zero.
    error ZeroRoot();
    /// @notice The first write wins: it is here since `notarisedAt`.
    error AlreadyNotarised(bytes32 commitment, uint64 notarisedAt);
    /// @notice There is no such commitment.
    error NotNotarised(bytes32 commitment);
    /// @notice It has a successor since `supersededAt`.
    error AlreadySuperseded(bytes32 subject, uint64 supersededAt);
    /// @notice It is without effect since `revokedAt`.
    error AlreadyRevoked(bytes32 subject, uint64 revokedAt);
    /// @notice Reason codes go from 1 to `highest`.
    error UnknownReason(uint8 given, uint8 highest);
    /// @notice A batch must continue the log where the last one ended.
    error SizeMismatch(uint64 size, uint64 oldSize);
    /// @notice The log only grows: `newSize` must be greater than `oldSize`.
    error NotGrown(uint64 oldSize, uint64 newSize);
    /// @notice The root is here since `anchoredAt`.
    error AlreadyAnchored(bytes32 root, uint64 anchoredAt);
    /// @notice There is no such root.
    error NotAnchored(bytes32 root);
    /// @notice The proof does not show the leaf at `index` under `root`, whose log has `size` entries.
    error NotIncluded(bytes32 leafHash, uint64 index, uint64 size, bytes32 root);

    /// @notice Notarises one document by its commitment. NOTARY_ROLE, not while paused.
    function notarise(bytes32 commitment) external;

    /// @notice Notarises the documents `oldSize` to `newSize - 1` of the document log. NOTARY_ROLE, not while paused.
    /// @param root RFC 9162 root (SHA-256) of the log at `newSize`; not anchored before.
    /// @param oldSize Must equal `size()`.
    /// @param newSize Greater than `oldSize`.
    function notariseBatch(bytes32 root, uint64 oldSize, uint64 newSize) external;

    /// @notice Notarises `replacement` and marks `commitment` as superseded by it. NOTARY_ROLE, not while paused.
    /// @dev Only a live entry, and only by a new one: so there is never a cycle.
    function supersede(bytes32 commitment, bytes32 replacement) external;

    /// @notice The same for a batched document, after proof that `root` includes it.
    function supersedeBatched(
        bytes32 leafHash,
        uint64 index,
        bytes32[] calldata proof,
        bytes32 root,
        bytes32 replacement
    ) external;

    /// @notice Leaves a notarisation without effect, once. REVOKER_ROLE, not while paused.
    /// @dev A superseded entry may still be revoked: it may have been wrong from the start.
    function revoke(bytes32 commitment, uint8 reasonCode) external;

    /// @notice The same for a batched document, after proof that `root` includes it.
    function revokeBatched(
        bytes32 leafHash,
        uint64 index,
        bytes32[] calldata proof,
        bytes32 root,
        uint8 reasonCode
    ) external;

    /// @notice Stops all writing; reading goes on. PAUSER_ROLE.
    function pause() external;

    /// @notice Allows writing again. PAUSER_ROLE.
    function unpause() external;

    /// @notice What is known of a document notarised alone; all zero if nothing.
    function entry(bytes32 commitment) external view returns (Entry memory);

    /// @notice What happened to a batched document since; all zero if nothing.
    function batchedEntry(bytes32 leafHash) external view returns (Entry memory);

    /// @notice Entries of the document log under the last anchored root; 0 before the first.
    function size() external view returns (uint64);

    /// @notice Block time at which `root` was anchored; 0 if it was not.
    function anchoredAt(bytes32 root) external view returns (uint64);

    /// @notice Entries of the document log under `root`; 0 if it was not anchored.
    function sizeAt(bytes32 root) external view returns (uint64);

    /// @notice The block time at which `root`, which includes the leaf, was anchored.
    /// @dev Reverts with NotAnchored or NotIncluded: it never answers "no time" for a false proof.
    function verifyBatched(
        bytes32 leafHash,
        uint64 index,
        bytes32[] calldata proof,
        bytes32 root
    ) external view returns (uint64);
}
