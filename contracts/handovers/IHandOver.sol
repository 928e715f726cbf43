// SPDX-License-Identifier: EUPL-1.2
pragma solidity 0.8.37;

/// @title An act that passes from one public body to another, step by step, each step by its own body's account.
/// @notice Every body writes here what it did itself, and nobody writes for another: the body that has the act offers
/// it, and the one to which it is offered accepts or rejects it, and completes what it accepted. Acts, reasons and
/// outcomes are 32-byte salted commitments: nothing about them can be read or guessed from what is here.
/// @dev Completed and rejected are final, and an act is offered once: to pass it on again it gets a new commitment.
interface IHandOver {
    /// @notice How far an act has come. The only steps are Offered, from there Accepted or Rejected, and from Accepted
    /// Completed.
    enum Status {
        None, // it was never offered
        Offered,
        Accepted,
        Rejected, // final
        Completed // final
    }

    /// @notice What is known of one act; times are block times in seconds since 1970, 0 for never.
    /// @param from The body that offered it.
    /// @param to The body to which it was offered: the only one that may answer.
    /// @param answeredAt When it was accepted or rejected.
    /// @param last The commitment to the reason of a rejected act, to the outcome of a completed one; else zero.
    struct Record {
        Status status;
        address from;
        address to;
        uint64 offeredAt;
        uint64 answeredAt;
        uint64 completedAt;
        bytes32 last;
    }

    /// @notice Body `from` offered the act to body `to`.
    event ActOffered(bytes32 indexed act, address indexed from, address indexed to);
    /// @notice The body to which the act was offered took it on.
    event ActAccepted(bytes32 indexed act, address indexed by);
    /// @notice The body to which the act was offered did not take it on; `reason` is a commitment to why.
    event ActRejected(bytes32 indexed act, address indexed by, bytes32 reason);
    /// @notice The body that took the act on is done with it; `outcome` is a commitment to what came of it.
    event ActCompleted(bytes32 indexed act, address indexed by, bytes32 outcome);

    /// @notice A role cannot be given to the zero address, and nothing can be offered to it.
    error ZeroAccount();
    /// @notice A hand-over is between two bodies, and these are one.
    error SameBody(address body);
    /// @notice A commitment (of an act, a reason or an outcome) cannot be zero.
    error ZeroCommitment();
    /// @notice An act can be offered to a body only, and this account has no BODY_ROLE.
    error NotABody(address account);
    /// @notice The act was offered at `offeredAt`, and an act is offered once.
    error AlreadyOffered(bytes32 act, uint64 offeredAt);
    /// @notice Only the body to which the act was offered may do this; `to` is zero where it was offered to none.
    error NotOfferedTo(bytes32 act, address to, address by);
    /// @notice The act is at `status`, and this step starts from `needed`.
    error StatusMismatch(bytes32 act, Status status, Status needed);

    /// @notice Offers an act to another body. BODY_ROLE, which `to` must have too; not while paused.
    /// @param act Its commitment, which was not offered before.
    function offer(bytes32 act, address to) external;

    /// @notice Takes on an act that was offered to the caller. BODY_ROLE, not while paused.
    function accept(bytes32 act) external;

    /// @notice Does not take on an act that was offered to the caller; final. BODY_ROLE, not while paused.
    /// @param reason Commitment to the reason.
    function reject(bytes32 act, bytes32 reason) external;

    /// @notice Ends what the caller accepted; final. BODY_ROLE, not while paused.
    /// @param outcome Commitment to what came of it.
    function complete(bytes32 act, bytes32 outcome) external;

    /// @notice Stops all writing; reading goes on. PAUSER_ROLE.
    function pause() external;

    /// @notice Allows writing again. PAUSER_ROLE.
    function unpause() external;

    /// @notice What is known of an act; all zero if nothing.
    function handOver(bytes32 act) external view returns (Record memory);
}
