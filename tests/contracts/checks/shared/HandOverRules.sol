// SPDX-License-Identifier: EUPL-1.2
pragma solidity 0.8.37;

import {IHandOver} from "../contracts/handovers/IHandOver.sol";

/// @title What one transaction may change in what is known of an act; asked by the fuzzer and by the prover.
library HandOverRules {
    function same(IHandOver.Record memory old, IHandOver.Record memory now_) internal pure returns (bool) {
        return
            now_.status == old.status &&
            now_.from == old.from &&
            now_.to == old.to &&
            now_.offeredAt == old.offeredAt &&
            now_.answeredAt == old.answeredAt &&
            now_.completedAt == old.completedAt &&
            now_.last == old.last;
    }

    /// @dev Offered, from there accepted or rejected, and from accepted completed: no other step, and none skipped.
    function stepByStep(IHandOver.Record memory old, IHandOver.Record memory now_) internal pure returns (bool) {
        if (now_.status == old.status) return same(old, now_);
        if (old.status == IHandOver.Status.None) return now_.status == IHandOver.Status.Offered;
        if (old.status == IHandOver.Status.Offered) {
            return now_.status == IHandOver.Status.Accepted || now_.status == IHandOver.Status.Rejected;
        }
        return old.status == IHandOver.Status.Accepted && now_.status == IHandOver.Status.Completed;
    }

    /// @dev What is completed or rejected never changes again.
    function finalStays(IHandOver.Record memory old, IHandOver.Record memory now_) internal pure returns (bool) {
        bool ended = old.status == IHandOver.Status.Rejected || old.status == IHandOver.Status.Completed;
        return !ended || same(old, now_);
    }

    /// @dev An offer is its sender's, and every later step is of the body to which the act was offered.
    function nobodyForAnother(
        IHandOver.Record memory old,
        IHandOver.Record memory now_,
        address sender
    ) internal pure returns (bool) {
        if (same(old, now_)) return true;
        if (old.status == IHandOver.Status.None) return now_.from == sender && now_.to != sender;
        return old.to == sender;
    }

    /// @dev Once it is offered, by whom, to whom and when stay.
    function offeredOnce(IHandOver.Record memory old, IHandOver.Record memory now_) internal pure returns (bool) {
        if (old.status == IHandOver.Status.None) return true;
        return now_.from == old.from && now_.to == old.to && now_.offeredAt == old.offeredAt;
    }

    /// @dev Each step writes its own time and commitment and leaves the others'.
    function eachStepItsOwn(
        IHandOver.Record memory old,
        IHandOver.Record memory now_,
        uint256 time
    ) internal pure returns (bool) {
        if (now_.status == old.status) return true;
        if (now_.status == IHandOver.Status.Offered) return now_.offeredAt == time && now_.last == bytes32(0);
        if (now_.status == IHandOver.Status.Completed) {
            return now_.completedAt == time && now_.answeredAt == old.answeredAt && now_.last != bytes32(0);
        }
        bool rejected = now_.status == IHandOver.Status.Rejected;
        return now_.answeredAt == time && now_.completedAt == 0 && (now_.last != bytes32(0)) == rejected;
    }

    /// @dev A record as every history leaves it: its parties, times and commitment are those of its status.
    function whole(IHandOver.Record memory record) internal pure returns (bool) {
        if (record.status == IHandOver.Status.None) {
            IHandOver.Record memory empty;
            return same(empty, record);
        }
        bool ended = record.status == IHandOver.Status.Rejected || record.status == IHandOver.Status.Completed;
        return
            record.from != record.to &&
            record.to != address(0) &&
            record.offeredAt != 0 &&
            (record.answeredAt != 0) == (record.status != IHandOver.Status.Offered) &&
            (record.completedAt != 0) == (record.status == IHandOver.Status.Completed) &&
            (record.last != bytes32(0)) == ended;
    }
}
