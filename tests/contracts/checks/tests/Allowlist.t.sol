// SPDX-License-Identifier: EUPL-1.2
pragma solidity 0.8.37;

import {AccountAllowlist} from "../contracts/permissioning/AccountAllowlist.sol";
import {IAccountAllowlist} from "../contracts/permissioning/IAccountAllowlist.sol";
import {Checks} from "../shared/Checks.sol";

/// @title The mirror denies by default: one grant allows exactly what it says, and only while it is shown.
contract AllowlistTest is Checks {
    AccountAllowlist private allowlist;

    function setUp() public {
        allowlist = new AccountAllowlist(address(1), address(this));
    }

    function _mirror(address account, IAccountAllowlist.Permission[] memory permissions, bool suspended) private {
        IAccountAllowlist.Grant[] memory grants = new IAccountAllowlist.Grant[](1);
        grants[0] = IAccountAllowlist.Grant(account, IAccountAllowlist.Act.Send, permissions);
        uint64 revision = allowlist.revision();
        allowlist.mirror(revision, revision + 1, suspended, grants);
    }

    struct Fuzzed {
        uint8 role;
        bool bySelector;
        bool byValue;
        bytes4 selector;
        address target;
        uint40 expires;
        uint256 maxValue;
    }

    function _permission(Fuzzed memory f) private pure returns (IAccountAllowlist.Permission[] memory one) {
        one = new IAccountAllowlist.Permission[](1);
        one[0] = IAccountAllowlist.Permission(
            IAccountAllowlist.Role(1 + f.role % 3),
            f.bySelector,
            f.byValue,
            f.bySelector ? f.selector : bytes4(0),
            f.target,
            f.expires,
            f.byValue ? f.maxValue : 0
        );
    }

    function testFuzz_one_grant_allows_exactly_what_it_says(
        Fuzzed memory fuzzed,
        address account,
        address sender,
        address target,
        uint256 value,
        bytes calldata payload
    ) external {
        vm.assume(account != address(0));
        if (value % 2 == 0) (sender, fuzzed.target) = (account, target);
        if (value % 3 == 0 && payload.length >= 4) fuzzed.selector = bytes4(payload[:4]);
        IAccountAllowlist.Permission[] memory one = _permission(fuzzed);
        IAccountAllowlist.Permission memory permission = one[0];

        assert(!allowlist.transactionAllowed(sender, target, value, 0, 0, payload));
        _mirror(account, one, false);
        bool expected = sender == account &&
            target != address(0) && // creating needs a permission to deploy too
            (permission.expires == 0 || permission.expires > block.timestamp) &&
            (permission.target == address(0) || permission.target == target) &&
            (!permission.bySelector || (payload.length >= 4 && bytes4(payload[:4]) == permission.selector)) &&
            (!permission.byValue || value <= permission.maxValue);
        assert(allowlist.transactionAllowed(sender, target, value, 0, 0, payload) == expected);
        _mirror(account, one, true);
        assert(!allowlist.transactionAllowed(sender, target, value, 0, 0, payload));
        _mirror(account, new IAccountAllowlist.Permission[](0), false);
        assert(!allowlist.transactionAllowed(sender, target, value, 0, 0, payload));
    }

    function testFuzz_revisions_only_grow(uint64 oldRevision, uint64 newRevision) external {
        if (newRevision % 2 == 0) oldRevision = 7;
        allowlist.mirror(0, 7, false, new IAccountAllowlist.Grant[](0));
        uint64 shown = allowlist.revision();
        bytes memory act = abi.encodeCall(
            allowlist.mirror,
            (oldRevision, newRevision, false, new IAccountAllowlist.Grant[](0))
        );
        (bool done, ) = address(allowlist).call(act);
        assert(done == (oldRevision == shown && newRevision > oldRevision));
        assert(allowlist.revision() == (done ? newRevision : shown));
    }
}
