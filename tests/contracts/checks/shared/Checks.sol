// SPDX-License-Identifier: EUPL-1.2
pragma solidity 0.8.37;

/// @dev What these checks use of forge's cheat codes; halmos answers the same ones.
interface Vm {
    function assume(bool condition) external pure;
    function prank(address sender) external;
    function warp(uint256 timestamp) external;
    function setArbitraryStorage(address account) external;
}

/// @dev What these checks use of halmos's own.
interface Svm {
    function createCalldata(string memory contractName) external pure returns (bytes memory);
}

/// @title What every check stands on: a time that is a time, and an act of anybody.
abstract contract Checks {
    Vm internal constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    Svm internal constant svm = Svm(0xF3993A62377BCd56AE39D773740A5390411E8BC9);

    /// @dev A block's time: not 0, which means "never" in the contracts, and not beyond their 64 bits.
    function _at(uint256 time) internal {
        vm.assume(time > 0 && time <= type(uint64).max);
        vm.warp(time);
    }

    function _between(uint256 value, uint256 low, uint256 high) internal pure returns (uint256) {
        return low + (value % (high - low + 1));
    }
}
