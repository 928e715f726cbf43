// SPDX-License-Identifier: EUPL-1.2
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";

import {MerkleLog} from "../anchoring/MerkleLog.sol";
import {IHashRegistry} from "./IHashRegistry.sol";

/// @title An append-only register's size and root, advanced only with a consistency proof.
contract HashRegistry is IHashRegistry, AccessControl, Pausable {
    bytes32 public constant REGISTRAR_ROLE = keccak256("REGISTRAR_ROLE");
    bytes32 public constant PAUSER_ROLE = keccak256("PAUSER_ROLE");

    // These two share the slot of Pausable's flag, which `advance` reads anyway: one slot less to touch.
    uint64 private _size;
    uint64 private _anchoredAt;
    bytes32 private _root;

    /// @param admin Grants and withdraws roles, and pauses.
    /// @param registrar Advances the register.
    constructor(address admin, address registrar) {
        if (admin == address(0) || registrar == address(0)) revert ZeroAccount();
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(PAUSER_ROLE, admin);
        _grantRole(REGISTRAR_ROLE, registrar);
    }

    /// @inheritdoc IHashRegistry
    function advance(
        uint64 newSize,
        bytes32 newRoot,
        bytes32[] calldata consistencyProof
    ) external onlyRole(REGISTRAR_ROLE) whenNotPaused {
        uint64 oldSize = _size;
        if (newRoot == bytes32(0)) revert ZeroRoot();
        if (newSize <= oldSize) revert NotGrown(oldSize, newSize);
        if (oldSize == 0) {
            if (consistencyProof.length != 0) revert ProofNotEmpty(consistencyProof.length);
        } else {
            bytes32 oldRoot = _root;
            if (!MerkleLog.verifyConsistency(oldSize, newSize, consistencyProof, oldRoot, newRoot)) {
                revert Inconsistent(oldSize, oldRoot, newSize, newRoot);
            }
        }
        _size = newSize;
        _anchoredAt = uint64(block.timestamp);
        _root = newRoot;
        emit RootAnchored(newRoot, oldSize, newSize, msg.sender);
    }

    /// @inheritdoc IHashRegistry
    function pause() external onlyRole(PAUSER_ROLE) {
        _pause();
    }

    /// @inheritdoc IHashRegistry
    function unpause() external onlyRole(PAUSER_ROLE) {
        _unpause();
    }

    /// @inheritdoc IHashRegistry
    function size() external view returns (uint64) {
        return _size;
    }

    /// @inheritdoc IHashRegistry
    function root() external view returns (bytes32) {
        return _root;
    }

    /// @inheritdoc IHashRegistry
    function anchoredAt(bytes32 root_) external view returns (uint64) {
        if (_size == 0 || root_ != _root) revert NotCurrentRoot(root_, _root);
        return _anchoredAt;
    }

    /// @inheritdoc IHashRegistry
    function verifyInclusion(
        bytes32 leafHash,
        uint64 index,
        bytes32[] calldata proof
    ) external view returns (bool) {
        return MerkleLog.verifyInclusion(leafHash, index, _size, proof, _root);
    }
}
