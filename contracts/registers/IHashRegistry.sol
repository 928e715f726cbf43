// SPDX-License-Identifier: EUPL-1.2
pragma solidity 0.8.37;

import {IRootAnchor} from "../anchoring/IRootAnchor.sol";

/// @title An administration's register as an append-only log, of which the chain holds size and root.
/// @notice The contract itself refuses a root that does not extend the one before it. It holds no entry.
/// The roots before the current one are in the `RootAnchored` events.
interface IHashRegistry is IRootAnchor {
    /// @notice A role cannot be given to the zero address.
    error ZeroAccount();
    /// @notice A root cannot be zero.
    error ZeroRoot();
    /// @notice The register only grows: `newSize` must be greater than `size`.
    error NotGrown(uint64 size, uint64 newSize);
    /// @notice The first root extends nothing: its proof must be empty.
    error ProofNotEmpty(uint256 length);
    /// @notice The proof does not show that `newRoot` at `newSize` extends `root` at `size`.
    error Inconsistent(uint64 size, bytes32 root, uint64 newSize, bytes32 newRoot);
    /// @notice Only the current root has its time here; look for an earlier one among the events.
    error NotCurrentRoot(bytes32 given, bytes32 current);

    /// @notice Anchors the root of the register at `newSize` entries. REGISTRAR_ROLE, not while paused.
    /// @dev A root does not commit to its size (RFC 9162): a registrar who lies about `newSize` may pass, but after
    /// that no honest proof fits and entries cannot be proved, so the lie shows.
    /// @param newSize Entries of the register; greater than `size()`.
    /// @param newRoot RFC 9162 root (SHA-256) of the first `newSize` entries.
    /// @param consistencyProof RFC 9162 section 2.1.4 from `size()` to `newSize`; empty for the first root.
    function advance(uint64 newSize, bytes32 newRoot, bytes32[] calldata consistencyProof) external;

    /// @notice Stops `advance`; reading goes on. PAUSER_ROLE.
    function pause() external;

    /// @notice Allows `advance` again. PAUSER_ROLE.
    function unpause() external;

    /// @notice Entries under the current root; 0 before the first.
    function size() external view returns (uint64);

    /// @notice The current root; zero before the first.
    function root() external view returns (bytes32);

    /// @notice Block time, in seconds since 1970, at which the current root was anchored.
    /// @dev Reverts for any other root rather than answer for it.
    function anchoredAt(bytes32 root_) external view returns (uint64);

    /// @notice Whether `leafHash` is entry `index` under the current root (RFC 9162 section 2.1.3.2).
    function verifyInclusion(
        bytes32 leafHash,
        uint64 index,
        bytes32[] calldata proof
    ) external view returns (bool);
}
