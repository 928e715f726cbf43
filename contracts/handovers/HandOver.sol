// SPDX-License-Identifier: EUPL-1.2
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";

import {IHandOver} from "./IHandOver.sol";

/// @title Hands acts over between public bodies, each of which signs its own steps.
contract HandOver is IHandOver, AccessControl, Pausable {
    bytes32 public constant BODY_ROLE = keccak256("BODY_ROLE");
    bytes32 public constant PAUSER_ROLE = keccak256("PAUSER_ROLE");

    mapping(bytes32 act => Record) private _records;

    /// @param admin Grants and withdraws roles, and pauses. It takes no step itself unless it is a body.
    /// @param firstBody A body that hands acts over.
    /// @param secondBody Another one; the admin lets more in by granting BODY_ROLE.
    constructor(address admin, address firstBody, address secondBody) {
        if (admin == address(0) || firstBody == address(0) || secondBody == address(0)) revert ZeroAccount();
        if (firstBody == secondBody) revert SameBody(firstBody);
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(PAUSER_ROLE, admin);
        _grantRole(BODY_ROLE, firstBody);
        _grantRole(BODY_ROLE, secondBody);
    }

    /// @inheritdoc IHandOver
    function offer(bytes32 act, address to) external onlyRole(BODY_ROLE) whenNotPaused {
        if (act == bytes32(0)) revert ZeroCommitment();
        if (to == address(0)) revert ZeroAccount();
        if (to == msg.sender) revert SameBody(to);
        if (!hasRole(BODY_ROLE, to)) revert NotABody(to);
        Record storage fresh = _records[act];
        if (fresh.status != Status.None) revert AlreadyOffered(act, fresh.offeredAt);
        fresh.status = Status.Offered;
        fresh.from = msg.sender;
        fresh.to = to;
        fresh.offeredAt = uint64(block.timestamp);
        emit ActOffered(act, msg.sender, to);
    }

    /// @inheritdoc IHandOver
    function accept(bytes32 act) external onlyRole(BODY_ROLE) whenNotPaused {
        _answer(act, Status.Accepted);
        emit ActAccepted(act, msg.sender);
    }

    /// @inheritdoc IHandOver
    function reject(bytes32 act, bytes32 reason) external onlyRole(BODY_ROLE) whenNotPaused {
        if (reason == bytes32(0)) revert ZeroCommitment();
        _answer(act, Status.Rejected).last = reason;
        emit ActRejected(act, msg.sender, reason);
    }

    /// @inheritdoc IHandOver
    function complete(bytes32 act, bytes32 outcome) external onlyRole(BODY_ROLE) whenNotPaused {
        if (outcome == bytes32(0)) revert ZeroCommitment();
        Record storage record = _step(act, Status.Accepted, Status.Completed);
        record.completedAt = uint64(block.timestamp);
        record.last = outcome;
        emit ActCompleted(act, msg.sender, outcome);
    }

    /// @inheritdoc IHandOver
    function pause() external onlyRole(PAUSER_ROLE) {
        _pause();
    }

    /// @inheritdoc IHandOver
    function unpause() external onlyRole(PAUSER_ROLE) {
        _unpause();
    }

    /// @inheritdoc IHandOver
    function handOver(bytes32 act) external view returns (Record memory) {
        return _records[act];
    }

    function _answer(bytes32 act, Status answer) private returns (Record storage record) {
        record = _step(act, Status.Offered, answer);
        record.answeredAt = uint64(block.timestamp);
    }

    /// @dev The only way to go on from one status to the next, for the body to which the act was offered.
    function _step(bytes32 act, Status needed, Status next) private returns (Record storage record) {
        record = _records[act];
        if (record.to != msg.sender) revert NotOfferedTo(act, record.to, msg.sender);
        if (record.status != needed) revert StatusMismatch(act, record.status, needed);
        record.status = next;
    }
}
