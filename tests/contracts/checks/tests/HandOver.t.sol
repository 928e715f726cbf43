// SPDX-License-Identifier: EUPL-1.2
pragma solidity 0.8.37;

import {HandOver} from "../contracts/handovers/HandOver.sol";
import {IHandOver} from "../contracts/handovers/IHandOver.sol";
import {Checks} from "../shared/Checks.sol";
import {HandOverRules} from "../shared/HandOverRules.sol";

/// @title Acts of three bodies, an admin and a stranger on few acts, so that they meet; after each one the rules are asked.
contract HandOverHandler is Checks {
    uint256 public constant ACTS = 4;

    HandOver public immutable handOvers;
    address[5] private people = [address(0xA1), address(0xA2), address(0xA3), address(0xBAD), address(0)];
    /// @dev Each act's record when it was first seen to be final.
    mapping(bytes32 act => IHandOver.Record) private ended;
    uint256 private time = 1_000;
    mapping(bytes32 act => IHandOver.Record) private before;

    constructor() {
        handOvers = new HandOver(address(this), people[0], people[1]);
        handOvers.grantRole(handOvers.BODY_ROLE(), people[2]);
        people[4] = address(this); // the admin, who is no body
    }

    function act(uint256 which) public pure returns (bytes32) {
        return keccak256(abi.encode("act", which % ACTS));
    }

    function endedAs(bytes32 act_) external view returns (IHandOver.Record memory) {
        return ended[act_];
    }

    /// @dev The step succeeds exactly where it should, and changes what it may.
    function _does(bool should, address sender, bytes memory data) private {
        for (uint256 i = 0; i < ACTS; ++i) before[act(i)] = handOvers.handOver(act(i));
        vm.warp(++time);
        vm.prank(sender);
        (bool done, ) = address(handOvers).call(data);
        assert(done == (should && _isBody(sender) && !handOvers.paused()));
        for (uint256 i = 0; i < ACTS; ++i) {
            IHandOver.Record memory old = before[act(i)];
            IHandOver.Record memory now_ = handOvers.handOver(act(i));
            assert(HandOverRules.stepByStep(old, now_));
            assert(HandOverRules.offeredOnce(old, now_));
            assert(HandOverRules.nobodyForAnother(old, now_, sender));
            assert(HandOverRules.eachStepItsOwn(old, now_, time));
            assert(HandOverRules.whole(now_));
            bool final_ = now_.status == IHandOver.Status.Rejected || now_.status == IHandOver.Status.Completed;
            if (final_ && ended[act(i)].status == IHandOver.Status.None) ended[act(i)] = now_;
        }
    }

    function _isBody(address account) private view returns (bool) {
        return handOvers.hasRole(handOvers.BODY_ROLE(), account);
    }

    /// @dev Mostly the body to which the act was offered, so that hand-overs reach their end.
    function _who(uint256 which, uint256 who) private view returns (address) {
        address to = handOvers.handOver(act(which)).to;
        return who % 3 == 0 || to == address(0) ? people[(who / 3) % 5] : to;
    }

    function offer(uint256 which, uint256 who, uint256 whom) external {
        (address sender, address to) = (people[who % 5], people[whom % 5]);
        bool should = handOvers.handOver(act(which)).status == IHandOver.Status.None && _isBody(to) && to != sender;
        _does(should, sender, abi.encodeCall(handOvers.offer, (act(which), to)));
    }

    function accept(uint256 which, uint256 who) external {
        address sender = _who(which, who);
        IHandOver.Record memory record = handOvers.handOver(act(which));
        bool should = record.status == IHandOver.Status.Offered && record.to == sender;
        _does(should, sender, abi.encodeCall(handOvers.accept, (act(which))));
    }

    function reject(uint256 which, uint256 who, bytes32 reason) external {
        address sender = _who(which, who);
        IHandOver.Record memory record = handOvers.handOver(act(which));
        bool should = record.status == IHandOver.Status.Offered && record.to == sender && reason != bytes32(0);
        _does(should, sender, abi.encodeCall(handOvers.reject, (act(which), reason)));
    }

    function complete(uint256 which, uint256 who, bytes32 outcome) external {
        address sender = _who(which, who);
        IHandOver.Record memory record = handOvers.handOver(act(which));
        bool should = record.status == IHandOver.Status.Accepted && record.to == sender && outcome != bytes32(0);
        _does(should, sender, abi.encodeCall(handOvers.complete, (act(which), outcome)));
    }

    function pause(uint256 dice) external {
        if (handOvers.paused()) handOvers.unpause();
        else if (dice % 8 == 0) handOvers.pause();
    }

    function letInOrOut(uint256 who, uint256 dice) external {
        address body = people[who % 3];
        if (!_isBody(body)) handOvers.grantRole(handOvers.BODY_ROLE(), body);
        else if (dice % 8 == 0) handOvers.revokeRole(handOvers.BODY_ROLE(), body);
    }
}

contract HandOverTest is Checks {
    HandOverHandler private handler;
    HandOver private handOvers;

    function setUp() public {
        handler = new HandOverHandler();
        handOvers = handler.handOvers();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev Whatever happened since, an act that was completed or rejected is as it was then.
    function invariant_what_ended_stays_as_it_ended() external view {
        for (uint256 i = 0; i < handler.ACTS(); ++i) {
            IHandOver.Record memory ended = handler.endedAs(handler.act(i));
            if (ended.status == IHandOver.Status.None) continue;
            assert(HandOverRules.same(ended, handOvers.handOver(handler.act(i))));
        }
    }

    function testFuzz_a_stranger_writes_nothing(address stranger, bytes32 act, bytes32 value) external {
        vm.assume(!handOvers.hasRole(handOvers.BODY_ROLE(), stranger));
        bytes[4] memory acts = [
            abi.encodeCall(handOvers.offer, (keccak256(abi.encode(act)), address(0xA1))),
            abi.encodeCall(handOvers.accept, (act)),
            abi.encodeCall(handOvers.reject, (act, value)),
            abi.encodeCall(handOvers.complete, (act, value))
        ];
        vm.prank(address(0xA2));
        if (act != bytes32(0)) handOvers.offer(act, address(0xA1));
        for (uint256 i = 0; i < acts.length; ++i) {
            vm.prank(stranger);
            (bool done, ) = address(handOvers).call(acts[i]);
            assert(!done);
        }
    }

    /// @dev Between any two different accounts that are bodies, a whole hand-over goes through, and only once.
    function testFuzz_any_two_bodies_hand_an_act_over_once(
        address first,
        address second,
        bytes32 act,
        bytes32 value,
        bool rejects
    ) external {
        vm.assume(first != second && first != address(0) && second != address(0));
        vm.assume(act != bytes32(0) && value != bytes32(0));
        HandOver fresh = new HandOver(address(this), first, second);
        vm.prank(first);
        fresh.offer(act, second);
        if (rejects) {
            vm.prank(second);
            fresh.reject(act, value);
        } else {
            vm.prank(second);
            fresh.accept(act);
            vm.prank(second);
            fresh.complete(act, value);
        }
        IHandOver.Record memory record = fresh.handOver(act);
        assert(record.status == (rejects ? IHandOver.Status.Rejected : IHandOver.Status.Completed));
        assert(record.from == first && record.to == second && record.last == value);
        vm.prank(first);
        (bool again, ) = address(fresh).call(abi.encodeCall(fresh.offer, (act, second)));
        vm.prank(second);
        (bool back, ) = address(fresh).call(abi.encodeCall(fresh.offer, (act, first)));
        assert(!again && !back);
    }
}
