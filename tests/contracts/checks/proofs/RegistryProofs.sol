// SPDX-License-Identifier: EUPL-1.2
pragma solidity 0.8.37;

import {HashRegistry} from "../contracts/registers/HashRegistry.sol";
import {Checks} from "../shared/Checks.sol";

/// @title Proved by halmos: from any state, by any account, with any arguments, a register is only extended.
contract RegistryProofs is Checks {
    HashRegistry private registry;

    function setUp() public {
        registry = new HashRegistry(address(1), address(2));
        vm.setArbitraryStorage(address(registry));
    }

    /// @dev Time and root change with a size that grows, and with nothing else; no act takes anything back.
    function check_advance_only_extends(address sender, uint256 time) external {
        _at(time);
        (uint64 size, bytes32 root) = (registry.size(), registry.root());
        bool may = registry.hasRole(registry.REGISTRAR_ROLE(), sender) && !registry.paused();
        bytes memory data = svm.createCalldata("HashRegistry");
        vm.prank(sender);
        (bool done, ) = address(registry).call(data);
        vm.assume(done);
        if (registry.size() == size) {
            assert(registry.root() == root);
        } else {
            assert(may && registry.size() > size && registry.root() != bytes32(0));
            assert(registry.anchoredAt(registry.root()) == time);
        }
    }

    function check_a_root_that_is_not_current_has_no_time(bytes32 root) external view {
        uint64 size = registry.size();
        bytes32 current = registry.root();
        registry.anchoredAt(root);
        assert(size != 0 && root == current);
    }
}
