// SPDX-License-Identifier: EUPL-1.2
pragma solidity 0.8.37;

import {DocumentNotary} from "../contracts/notarisation/DocumentNotary.sol";
import {IDocumentNotary} from "../contracts/notarisation/IDocumentNotary.sol";
import {Checks} from "../shared/Checks.sol";
import {NotaryRules} from "../shared/NotaryRules.sol";

/// @title Proved by halmos: from any state, by any account, with any arguments, one transaction keeps the rules.
/// @dev The storage is arbitrary (roles and pause too), so the proofs are the step of an induction over every history.
contract NotaryProofs is Checks {
    DocumentNotary private notary;

    function setUp() public {
        notary = new DocumentNotary(address(1), address(2));
        vm.setArbitraryStorage(address(notary));
    }

    function _anything(address sender, uint256 time) private returns (bool done) {
        _at(time);
        bytes memory data = svm.createCalldata("DocumentNotary");
        vm.prank(sender);
        (done, ) = address(notary).call(data);
    }

    function check_the_first_write_wins_and_its_time_never_changes(
        address sender,
        uint256 time,
        bytes32 commitment
    ) external {
        IDocumentNotary.Entry memory old = notary.entry(commitment);
        vm.assume(_anything(sender, time));
        assert(NotaryRules.firstWriteWins(old, notary.entry(commitment), time));
    }

    function check_a_batched_document_has_no_time_of_its_own(
        address sender,
        uint256 time,
        bytes32 leafHash
    ) external {
        vm.assume(notary.batchedEntry(leafHash).notarisedAt == 0);
        vm.assume(_anything(sender, time));
        assert(notary.batchedEntry(leafHash).notarisedAt == 0);
    }

    function check_revoked_once(address sender, uint256 time, bytes32 commitment) external {
        IDocumentNotary.Entry memory old = notary.entry(commitment);
        vm.assume(_anything(sender, time));
        assert(NotaryRules.revokedOnce(old, notary.entry(commitment), time));
    }

    function check_batched_revoked_once(address sender, uint256 time, bytes32 leafHash) external {
        IDocumentNotary.Entry memory old = notary.batchedEntry(leafHash);
        vm.assume(_anything(sender, time));
        assert(NotaryRules.revokedOnce(old, notary.batchedEntry(leafHash), time));
    }

    function check_only_a_live_entry_is_superseded(address sender, uint256 time, bytes32 commitment) external {
        IDocumentNotary.Entry memory old = notary.entry(commitment);
        vm.assume(_anything(sender, time));
        IDocumentNotary.Entry memory entry = notary.entry(commitment);
        assert(NotaryRules.supersededLive(old, entry, time));
        assert(entry.supersededAt == old.supersededAt || old.notarisedAt != 0);
    }

    function check_batched_only_a_live_entry_is_superseded(address sender, uint256 time, bytes32 leafHash) external {
        IDocumentNotary.Entry memory old = notary.batchedEntry(leafHash);
        vm.assume(_anything(sender, time));
        assert(NotaryRules.supersededLive(old, notary.batchedEntry(leafHash), time));
    }

    /// @dev A successor is new: it gets its time in the transaction that makes it one, so there is never a cycle.
    function check_a_successor_is_new(
        address sender,
        uint256 time,
        bytes32 commitment,
        bytes32 replacement
    ) external {
        _at(time);
        uint64 before = notary.entry(replacement).notarisedAt;
        vm.prank(sender);
        notary.supersede(commitment, replacement);
        assert(before == 0 && commitment != replacement);
        assert(notary.entry(replacement).notarisedAt == time);
        assert(notary.entry(commitment).supersededBy == replacement);
    }

    function check_a_root_is_anchored_once_and_the_log_only_grows(
        address sender,
        uint256 time,
        bytes32 root
    ) external {
        (uint64 anchored, uint64 sizeAt, uint64 size) = (notary.anchoredAt(root), notary.sizeAt(root), notary.size());
        vm.assume(_anything(sender, time));
        assert(notary.size() >= size);
        if (anchored != 0) {
            assert(notary.anchoredAt(root) == anchored && notary.sizeAt(root) == sizeAt);
        } else if (notary.anchoredAt(root) != 0) {
            assert(notary.anchoredAt(root) == time && notary.sizeAt(root) == notary.size());
            assert(notary.size() > size && root != bytes32(0));
        }
    }

    function check_nobody_without_the_role_notarises_and_nobody_while_paused(
        address sender,
        uint256 time,
        bytes32 commitment
    ) external {
        _at(time);
        bool may = notary.hasRole(notary.NOTARY_ROLE(), sender) && !notary.paused();
        vm.prank(sender);
        notary.notarise(commitment);
        assert(may);
    }
}
