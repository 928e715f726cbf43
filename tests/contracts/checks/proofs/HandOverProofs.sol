// SPDX-License-Identifier: EUPL-1.2
pragma solidity 0.8.37;

import {HandOver} from "../contracts/handovers/HandOver.sol";
import {IHandOver} from "../contracts/handovers/IHandOver.sol";
import {Checks} from "../shared/Checks.sol";
import {HandOverRules} from "../shared/HandOverRules.sol";

/// @title Proved by halmos: from any state, by any account, with any arguments, one transaction keeps the rules.
/// @dev The storage is arbitrary (roles and pause too), so the proofs are the step of an induction over every history.
/// What the contract keeps from its start on is assumed of that state: an act that was never offered has an empty
/// record, and no commitment is written before the end.
contract HandOverProofs is Checks {
    HandOver private handOvers;

    function setUp() public {
        handOvers = new HandOver(address(1), address(2), address(3));
        vm.setArbitraryStorage(address(handOvers));
    }

    function _anything(address sender, uint256 time) private returns (bool done) {
        _at(time);
        bytes memory data = svm.createCalldata("HandOver");
        vm.prank(sender);
        (done, ) = address(handOvers).call(data);
    }

    /// @dev A record as histories leave it.
    function _kept(bytes32 act) private view returns (IHandOver.Record memory record) {
        record = handOvers.handOver(act);
        vm.assume(HandOverRules.whole(record));
    }

    function check_no_step_is_skipped(address sender, uint256 time, bytes32 act) external {
        IHandOver.Record memory old = _kept(act);
        vm.assume(_anything(sender, time));
        assert(HandOverRules.stepByStep(old, handOvers.handOver(act)));
    }

    function check_completed_and_rejected_are_final(address sender, uint256 time, bytes32 act) external {
        IHandOver.Record memory old = _kept(act);
        vm.assume(_anything(sender, time));
        assert(HandOverRules.finalStays(old, handOvers.handOver(act)));
    }

    function check_nobody_acts_for_another(address sender, uint256 time, bytes32 act) external {
        IHandOver.Record memory old = _kept(act);
        vm.assume(_anything(sender, time));
        assert(HandOverRules.nobodyForAnother(old, handOvers.handOver(act), sender));
    }

    function check_an_act_is_offered_once(address sender, uint256 time, bytes32 act) external {
        IHandOver.Record memory old = _kept(act);
        vm.assume(_anything(sender, time));
        assert(HandOverRules.offeredOnce(old, handOvers.handOver(act)));
    }

    function check_each_step_writes_its_own(address sender, uint256 time, bytes32 act) external {
        IHandOver.Record memory old = _kept(act);
        vm.assume(_anything(sender, time));
        assert(HandOverRules.eachStepItsOwn(old, handOvers.handOver(act), time));
    }

    /// @dev And so what is assumed of a record stays so.
    function check_a_record_stays_whole(address sender, uint256 time, bytes32 act) external {
        _kept(act);
        vm.assume(_anything(sender, time));
        assert(HandOverRules.whole(handOvers.handOver(act)));
    }

    function check_only_a_body_writes_and_nobody_while_paused(address sender, uint256 time, bytes32 act) external {
        IHandOver.Record memory old = _kept(act);
        bool may = handOvers.hasRole(handOvers.BODY_ROLE(), sender) && !handOvers.paused();
        vm.assume(_anything(sender, time));
        assert(may || HandOverRules.same(old, handOvers.handOver(act)));
    }

    function check_an_offer_is_to_another_body(address sender, uint256 time, bytes32 act, address to) external {
        _at(time);
        bool body = handOvers.hasRole(handOvers.BODY_ROLE(), to);
        vm.prank(sender);
        handOvers.offer(act, to);
        assert(body && to != sender && to != address(0) && act != bytes32(0));
        assert(handOvers.handOver(act).to == to);
    }
}
