// SPDX-License-Identifier: EUPL-1.2
pragma solidity 0.8.37;

/// @title The mirror, on the chain, of the list of permissions by which a chain's gateway rules.
/// @notice For contracts and people who read on chain. The gateway rules, by its own list; this contract repeats, for
/// the list's state at `revision()`, what that list says, in EEA's question and in subnet-evm's roles. It opens and
/// closes no door, and what it was not told is not allowed.
/// @dev A permission lets one account do one act. Default deny, and additive: an act is allowed if one permission
/// covers it that has not expired; creating a contract needs a permission to send besides the one to deploy.
/// Expiry is measured here by the block's time, at the gateway by real time.
interface IAccountAllowlist {
    /// @notice What a permission is for.
    enum Act {
        Send, // to send a transaction
        Deploy // to create a contract with it
    }

    /// @notice How far an account's say goes over others' permissions, with subnet-evm's numbers. Each one but None may
    /// act; who may change the list is decided at the gateway.
    enum Role {
        None,
        Enabled,
        Admin,
        Manager
    }

    /// @notice One permission of an account, narrowed or not.
    /// @param role Not None.
    /// @param bySelector Whether it is narrowed to the one function `selector`.
    /// @param byValue Whether it is narrowed to at most `maxValue` wei a transaction.
    /// @param selector Zero unless `bySelector`.
    /// @param target The only account that may be called; zero for any. Where it is set, nothing can be created.
    /// @param expires Time in seconds since 1970 from which it holds no more; 0 for never.
    /// @param maxValue Zero unless `byValue`; with `byValue`, zero lets no value go.
    struct Permission {
        Role role;
        bool bySelector;
        bool byValue;
        bytes4 selector;
        address target;
        uint40 expires;
        uint256 maxValue;
    }

    /// @notice All permissions that an account has for an act; none takes the act from it.
    struct Grant {
        address account;
        Act act;
        Permission[] permissions;
    }

    /// @notice The account's permissions for the act are now these, in place of all that it had for it.
    event PermissionsReplaced(address indexed account, Act indexed act, Permission[] permissions);
    /// @notice The mirror shows `revision` of the list; before, it showed `oldRevision`. While the chain is `suspended`,
    /// nothing is allowed, whatever the permissions say.
    event Mirrored(uint64 indexed revision, uint64 oldRevision, bool suspended, address indexed by);

    /// @notice Nothing can be given to the zero address.
    error ZeroAccount();
    /// @notice Changes must continue from the revision that is shown here.
    error RevisionMismatch(uint64 revision, uint64 oldRevision);
    /// @notice The list's revisions only grow.
    error NotNewer(uint64 oldRevision, uint64 newRevision);
    /// @notice A permission has a role: to withdraw it, it is left out.
    error NoRole(address account, uint256 index);
    /// @notice A selector or a value is given that the permission says it is not narrowed to.
    error NotNarrowed(address account, uint256 index);
    /// @notice A permission to deploy has neither target nor selector: a new contract has none before it is there.
    error NotForDeploying(address account, uint256 index);

    /// @notice Replaces the permissions of the accounts named, so that the list is as it was at `newRevision`.
    /// MIRROR_ROLE, not while paused.
    /// @dev All in one transaction or nothing. A list too long for one goes through revisions that it really had.
    /// Where an account and act are named twice, the later counts.
    /// @param oldRevision Must equal `revision()`.
    /// @param newRevision Greater than `oldRevision`.
    /// @param suspended_ Whether at `newRevision` nothing is allowed to anybody.
    function mirror(
        uint64 oldRevision,
        uint64 newRevision,
        bool suspended_,
        Grant[] calldata grants
    ) external;

    /// @notice Stops `mirror`; reading goes on, and `revision()` says of which state. PAUSER_ROLE.
    function pause() external;

    /// @notice Allows `mirror` again. PAUSER_ROLE.
    function unpause() external;

    /// @notice Whether a transaction is allowed by the list at `revision()`: the question of the Enterprise Ethereum
    /// Alliance's permissioning specification. Gas price and limit are part of the question and of no permission.
    /// @param target Zero where a contract is created. A call to the zero address cannot be told apart from that here:
    /// it is held to the stricter rule.
    /// @param payload The function is its first four bytes; a shorter one is covered by no permission for a function.
    function transactionAllowed(
        address sender,
        address target,
        uint256 value,
        uint256 gasPrice,
        uint256 gasLimit,
        bytes calldata payload
    ) external view returns (bool);

    /// @notice Whether nothing is allowed to anybody at `revision()`; roles and permissions are read all the same.
    function suspended() external view returns (bool);

    /// @notice The account's role among senders, as subnet-evm's TxAllowList answers: 0 None, 1 Enabled, 2 Admin,
    /// 3 Manager; of several the highest, Admin before Manager before Enabled. Narrowed permissions count too.
    function readAllowList(address account) external view returns (uint256 role);

    /// @notice The same among deployers, as subnet-evm's ContractDeployerAllowList answers.
    function readDeployerAllowList(address account) external view returns (uint256 role);

    /// @notice The account's permissions for the act, expired ones included.
    function permissionsOf(address account, Act act) external view returns (Permission[] memory);

    /// @notice Which state of the gateway's list is shown here: 0 before the first, when nobody is allowed anything.
    function revision() external view returns (uint64);

    /// @notice Block time, in seconds since 1970, at which that state came here; 0 before the first.
    function mirroredAt() external view returns (uint64);
}
