// SPDX-License-Identifier: EUPL-1.2
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";

import {MerkleLog} from "../anchoring/MerkleLog.sol";
import {IDocumentNotary} from "./IDocumentNotary.sol";

/// @title Notarises documents by commitment, alone or in batches.
contract DocumentNotary is IDocumentNotary, AccessControl, Pausable {
    bytes32 public constant NOTARY_ROLE = keccak256("NOTARY_ROLE");
    bytes32 public constant REVOKER_ROLE = keccak256("REVOKER_ROLE");
    bytes32 public constant PAUSER_ROLE = keccak256("PAUSER_ROLE");

    struct Anchor {
        uint64 anchoredAt;
        uint64 size;
    }

    // Shares the slot of Pausable's flag, which every write reads anyway.
    uint64 private _size;
    mapping(bytes32 root => Anchor) private _anchors;
    mapping(bytes32 commitment => Entry) private _entries;
    // Apart from `_entries`, so that a leaf hash sent to `notarise` cannot touch a batched document.
    mapping(bytes32 leafHash => Entry) private _batchedEntries;

    /// @param admin Grants and withdraws roles, pauses, and leaves notarisations without effect.
    /// @param notary Notarises and supersedes.
    constructor(address admin, address notary) {
        if (admin == address(0) || notary == address(0)) revert ZeroAccount();
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(PAUSER_ROLE, admin);
        _grantRole(REVOKER_ROLE, admin);
        _grantRole(NOTARY_ROLE, notary);
    }

    /// @inheritdoc IDocumentNotary
    function notarise(bytes32 commitment) external onlyRole(NOTARY_ROLE) whenNotPaused {
        _notarise(commitment);
    }

    /// @inheritdoc IDocumentNotary
    function notariseBatch(
        bytes32 root,
        uint64 oldSize,
        uint64 newSize
    ) external onlyRole(NOTARY_ROLE) whenNotPaused {
        if (root == bytes32(0)) revert ZeroRoot();
        if (oldSize != _size) revert SizeMismatch(_size, oldSize);
        if (newSize <= oldSize) revert NotGrown(oldSize, newSize);
        Anchor storage anchor = _anchors[root];
        if (anchor.anchoredAt != 0) revert AlreadyAnchored(root, anchor.anchoredAt);
        anchor.anchoredAt = uint64(block.timestamp);
        anchor.size = newSize;
        _size = newSize;
        emit RootAnchored(root, oldSize, newSize, msg.sender);
    }

    /// @inheritdoc IDocumentNotary
    function supersede(
        bytes32 commitment,
        bytes32 replacement
    ) external onlyRole(NOTARY_ROLE) whenNotPaused {
        Entry storage old = _entries[commitment];
        if (old.notarisedAt == 0) revert NotNotarised(commitment);
        _supersede(old, commitment, replacement);
        emit Superseded(commitment, replacement, msg.sender);
    }

    /// @inheritdoc IDocumentNotary
    function supersedeBatched(
        bytes32 leafHash,
        uint64 index,
        bytes32[] calldata proof,
        bytes32 root,
        bytes32 replacement
    ) external onlyRole(NOTARY_ROLE) whenNotPaused {
        verifyBatched(leafHash, index, proof, root);
        _supersede(_batchedEntries[leafHash], leafHash, replacement);
        emit BatchedSuperseded(leafHash, replacement, msg.sender);
    }

    /// @inheritdoc IDocumentNotary
    function revoke(bytes32 commitment, uint8 reasonCode) external onlyRole(REVOKER_ROLE) whenNotPaused {
        Entry storage old = _entries[commitment];
        if (old.notarisedAt == 0) revert NotNotarised(commitment);
        _revoke(old, commitment, reasonCode);
        emit Revoked(commitment, reasonCode, msg.sender);
    }

    /// @inheritdoc IDocumentNotary
    function revokeBatched(
        bytes32 leafHash,
        uint64 index,
        bytes32[] calldata proof,
        bytes32 root,
        uint8 reasonCode
    ) external onlyRole(REVOKER_ROLE) whenNotPaused {
        verifyBatched(leafHash, index, proof, root);
        _revoke(_batchedEntries[leafHash], leafHash, reasonCode);
        emit BatchedRevoked(leafHash, reasonCode, msg.sender);
    }

    /// @inheritdoc IDocumentNotary
    function pause() external onlyRole(PAUSER_ROLE) {
        _pause();
    }

    /// @inheritdoc IDocumentNotary
    function unpause() external onlyRole(PAUSER_ROLE) {
        _unpause();
    }

    /// @inheritdoc IDocumentNotary
    function entry(bytes32 commitment) external view returns (Entry memory) {
        return _entries[commitment];
    }

    /// @inheritdoc IDocumentNotary
    function batchedEntry(bytes32 leafHash) external view returns (Entry memory) {
        return _batchedEntries[leafHash];
    }

    /// @inheritdoc IDocumentNotary
    function size() external view returns (uint64) {
        return _size;
    }

    /// @inheritdoc IDocumentNotary
    function anchoredAt(bytes32 root) external view returns (uint64) {
        return _anchors[root].anchoredAt;
    }

    /// @inheritdoc IDocumentNotary
    function sizeAt(bytes32 root) external view returns (uint64) {
        return _anchors[root].size;
    }

    /// @inheritdoc IDocumentNotary
    function verifyBatched(
        bytes32 leafHash,
        uint64 index,
        bytes32[] calldata proof,
        bytes32 root
    ) public view returns (uint64) {
        Anchor memory anchor = _anchors[root];
        if (anchor.anchoredAt == 0) revert NotAnchored(root);
        if (!MerkleLog.verifyInclusion(leafHash, index, anchor.size, proof, root)) {
            revert NotIncluded(leafHash, index, anchor.size, root);
        }
        return anchor.anchoredAt;
    }

    function _notarise(bytes32 commitment) private {
        if (commitment == bytes32(0)) revert ZeroCommitment();
        Entry storage fresh = _entries[commitment];
        if (fresh.notarisedAt != 0) revert AlreadyNotarised(commitment, fresh.notarisedAt);
        fresh.notarisedAt = uint64(block.timestamp);
        emit Notarised(commitment, msg.sender);
    }

    function _supersede(Entry storage old, bytes32 subject, bytes32 replacement) private {
        if (old.revokedAt != 0) revert AlreadyRevoked(subject, old.revokedAt);
        if (old.supersededAt != 0) revert AlreadySuperseded(subject, old.supersededAt);
        _notarise(replacement);
        old.supersededAt = uint64(block.timestamp);
        old.supersededBy = replacement;
    }

    function _revoke(Entry storage old, bytes32 subject, uint8 reasonCode) private {
        uint8 highest = uint8(type(Reason).max);
        if (reasonCode == 0 || reasonCode > highest) revert UnknownReason(reasonCode, highest);
        if (old.revokedAt != 0) revert AlreadyRevoked(subject, old.revokedAt);
        old.revokedAt = uint64(block.timestamp);
        old.reasonCode = reasonCode;
    }
}
