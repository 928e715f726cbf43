// SPDX-License-Identifier: EUPL-1.2
pragma solidity 0.8.37;

import {HashRegistry} from "../contracts/registers/HashRegistry.sol";
import {Checks} from "../shared/Checks.sol";
import {Rfc9162} from "../shared/Rfc9162.sol";

/// @title Acts of an honest registrar and of one that forges, on one register.
contract RegistryHandler is Checks {
    uint256 private constant LARGEST = 160;

    HashRegistry public immutable registry;
    uint64 public size;
    uint64 public anchoredAt;
    uint256 private time = 1_000;
    bytes32[] private leaves;

    constructor() {
        registry = new HashRegistry(address(this), address(this));
        for (uint256 i = 0; i < LARGEST; ++i) leaves.push(keccak256(abi.encode(i)));
    }

    function root() public view returns (bytes32) {
        return size == 0 ? bytes32(0) : Rfc9162.mth(leaves, 0, size);
    }

    function _proof(bytes32[] memory from, uint256 m, uint256 n) private pure returns (bytes32[] memory hashes) {
        if (m == 0) return hashes;
        hashes = new bytes32[](Rfc9162.proofLength(m, n, true));
        Rfc9162.proof(from, m, 0, n, true, hashes);
    }

    function _first(uint256 n) private view returns (bytes32[] memory some) {
        some = new bytes32[](n);
        for (uint256 i = 0; i < n; ++i) some[i] = leaves[i];
    }

    function advance(uint64 step) external {
        uint64 newSize = size + 1 + step % 20;
        if (newSize > LARGEST) return;
        vm.warp(++time);
        bytes32[] memory all = _first(newSize);
        registry.advance(newSize, Rfc9162.mth(all, 0, newSize), _proof(all, size, newSize));
        (size, anchoredAt) = (newSize, uint64(time));
    }

    /// @dev One entry rewritten, with the proof that the rewritten log has.
    function rewrite(uint256 which, uint64 step) external {
        uint64 newSize = size + 1 + step % 20;
        if (newSize > LARGEST || size == 0) return;
        bytes32[] memory all = _first(newSize);
        all[which % size] = keccak256("forged");
        _refused(newSize, Rfc9162.mth(all, 0, newSize), _proof(all, size, newSize));
    }

    /// @dev An honest root, whose proof lost its last hashes, or a size that is not larger.
    function shorten(uint64 step, uint256 lost) external {
        uint64 newSize = size + 1 + step % 20;
        if (newSize > LARGEST || size == 0) return;
        bytes32[] memory all = _first(newSize);
        bytes32[] memory honest = _proof(all, size, newSize);
        bytes32[] memory cut = new bytes32[](_between(lost, 0, honest.length - 1));
        for (uint256 i = 0; i < cut.length; ++i) cut[i] = honest[i];
        _refused(newSize, Rfc9162.mth(all, 0, newSize), cut);
    }

    function replay(uint64 oldSize, uint64 newSize) external {
        if (size < 2) return;
        newSize = uint64(_between(newSize, 2, size));
        oldSize = uint64(_between(oldSize, 1, newSize - 1));
        _refused(newSize, Rfc9162.mth(leaves, 0, newSize), _proof(_first(newSize), oldSize, newSize));
    }

    function _refused(uint64 newSize, bytes32 newRoot, bytes32[] memory hashes) private {
        (bool done, ) = address(registry).call(abi.encodeCall(registry.advance, (newSize, newRoot, hashes)));
        assert(!done);
    }
}

contract RegistryTest is Checks {
    RegistryHandler private handler;
    HashRegistry private registry;

    function setUp() public {
        handler = new RegistryHandler();
        registry = handler.registry();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev Size, root and time are those of the last honest act; no other act left a trace.
    function invariant_the_register_is_the_honest_log() external view {
        assert(registry.size() == handler.size() && registry.root() == handler.root());
        if (registry.size() != 0) assert(registry.anchoredAt(registry.root()) == handler.anchoredAt());
    }

    function testFuzz_a_stranger_advances_nothing(address stranger, uint64 newSize, bytes32 newRoot) external {
        vm.assume(stranger != address(handler));
        vm.prank(stranger);
        (bool done, ) = address(registry).call(abi.encodeCall(registry.advance, (newSize, newRoot, new bytes32[](0))));
        assert(!done);
    }
}
