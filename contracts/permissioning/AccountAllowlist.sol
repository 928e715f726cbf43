// SPDX-License-Identifier: EUPL-1.2
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";

import {IAccountAllowlist} from "./IAccountAllowlist.sol";

/// @title The gateway's list of permissions, repeated on the chain by a mirror account.
contract AccountAllowlist is IAccountAllowlist, AccessControl, Pausable {
    bytes32 public constant MIRROR_ROLE = keccak256("MIRROR_ROLE");
    bytes32 public constant PAUSER_ROLE = keccak256("PAUSER_ROLE");

    // These three share the slot of Pausable's flag, which `mirror` reads anyway.
    uint64 private _revision;
    uint64 private _mirroredAt;
    bool private _suspended;
    mapping(address account => mapping(Act act => Permission[])) private _permissions;

    /// @param admin Grants and withdraws roles, and pauses.
    /// @param mirrorAccount Repeats the gateway's list here.
    constructor(address admin, address mirrorAccount) {
        if (admin == address(0) || mirrorAccount == address(0)) revert ZeroAccount();
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(PAUSER_ROLE, admin);
        _grantRole(MIRROR_ROLE, mirrorAccount);
    }

    /// @inheritdoc IAccountAllowlist
    function mirror(
        uint64 oldRevision,
        uint64 newRevision,
        bool suspended_,
        Grant[] calldata grants
    ) external onlyRole(MIRROR_ROLE) whenNotPaused {
        if (oldRevision != _revision) revert RevisionMismatch(_revision, oldRevision);
        if (newRevision <= oldRevision) revert NotNewer(oldRevision, newRevision);
        _revision = newRevision;
        _mirroredAt = uint64(block.timestamp);
        _suspended = suspended_;
        for (uint256 i = 0; i < grants.length; ++i) {
            _replace(grants[i]);
        }
        emit Mirrored(newRevision, oldRevision, suspended_, msg.sender);
    }

    /// @inheritdoc IAccountAllowlist
    function pause() external onlyRole(PAUSER_ROLE) {
        _pause();
    }

    /// @inheritdoc IAccountAllowlist
    function unpause() external onlyRole(PAUSER_ROLE) {
        _unpause();
    }

    /// @inheritdoc IAccountAllowlist
    function transactionAllowed(
        address sender,
        address target,
        uint256 value,
        uint256,
        uint256,
        bytes calldata payload
    ) external view returns (bool) {
        if (_suspended) return false;
        if (!_covered(sender, Act.Send, target, value, payload)) return false;
        return target != address(0) || _covered(sender, Act.Deploy, target, value, payload);
    }

    /// @inheritdoc IAccountAllowlist
    function suspended() external view returns (bool) {
        return _suspended;
    }

    /// @inheritdoc IAccountAllowlist
    function readAllowList(address account) external view returns (uint256) {
        return _role(account, Act.Send);
    }

    /// @inheritdoc IAccountAllowlist
    function readDeployerAllowList(address account) external view returns (uint256) {
        return _role(account, Act.Deploy);
    }

    /// @inheritdoc IAccountAllowlist
    function permissionsOf(address account, Act act) external view returns (Permission[] memory) {
        return _permissions[account][act];
    }

    /// @inheritdoc IAccountAllowlist
    function revision() external view returns (uint64) {
        return _revision;
    }

    /// @inheritdoc IAccountAllowlist
    function mirroredAt() external view returns (uint64) {
        return _mirroredAt;
    }

    function _replace(Grant calldata grant) private {
        if (grant.account == address(0)) revert ZeroAccount();
        Permission[] storage kept = _permissions[grant.account][grant.act];
        while (kept.length > grant.permissions.length) {
            kept.pop();
        }
        for (uint256 i = 0; i < grant.permissions.length; ++i) {
            Permission calldata permission = grant.permissions[i];
            _check(grant.account, grant.act, i, permission);
            if (i < kept.length) {
                kept[i] = permission;
            } else {
                _permissions[grant.account][grant.act].push(permission);
            }
        }
        emit PermissionsReplaced(grant.account, grant.act, grant.permissions);
    }

    function _check(address account, Act act, uint256 index, Permission calldata permission) private pure {
        if (permission.role == Role.None) revert NoRole(account, index);
        if (
            (!permission.bySelector && permission.selector != bytes4(0)) ||
            (!permission.byValue && permission.maxValue != 0)
        ) revert NotNarrowed(account, index);
        if (act == Act.Deploy && (permission.bySelector || permission.target != address(0))) {
            revert NotForDeploying(account, index);
        }
    }

    function _covered(
        address account,
        Act act,
        address target,
        uint256 value,
        bytes calldata payload
    ) private view returns (bool) {
        Permission[] storage held = _permissions[account][act];
        for (uint256 i = 0; i < held.length; ++i) {
            if (_covers(held[i], target, value, payload)) return true;
        }
        return false;
    }

    function _covers(
        Permission storage permission,
        address target,
        uint256 value,
        bytes calldata payload
    ) private view returns (bool) {
        if (_expired(permission)) return false;
        if (permission.target != address(0) && permission.target != target) return false;
        if (permission.bySelector) {
            // A new contract's code is no call, whatever its first four bytes are.
            if (target == address(0) || payload.length < 4) return false;
            if (bytes4(payload[:4]) != permission.selector) return false;
        }
        return !permission.byValue || value <= permission.maxValue;
    }

    function _role(address account, Act act) private view returns (uint256) {
        Permission[] storage held = _permissions[account][act];
        Role highest = Role.None;
        for (uint256 i = 0; i < held.length; ++i) {
            if (_expired(held[i])) continue;
            Role role = held[i].role;
            if (role == Role.Admin) return uint256(Role.Admin);
            if (role > highest) highest = role; // Manager is above Enabled, in rank as in number
        }
        return uint256(highest);
    }

    function _expired(Permission storage permission) private view returns (bool) {
        return permission.expires != 0 && permission.expires <= block.timestamp;
    }
}
