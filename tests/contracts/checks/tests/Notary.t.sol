// SPDX-License-Identifier: EUPL-1.2
pragma solidity 0.8.37;

import {DocumentNotary} from "../contracts/notarisation/DocumentNotary.sol";
import {IDocumentNotary} from "../contracts/notarisation/IDocumentNotary.sol";
import {Checks} from "../shared/Checks.sol";
import {NotaryRules} from "../shared/NotaryRules.sol";
import {Rfc9162} from "../shared/Rfc9162.sol";

/// @title Acts on one notary, of few documents, so that they meet; after each one the rules are asked of all of them.
contract NotaryHandler is Checks {
    uint256 public constant DOCUMENTS = 5;
    uint256 private constant LARGEST = 24;

    DocumentNotary public immutable notary;
    /// @dev The first time that each commitment was seen to have.
    mapping(bytes32 commitment => uint64) public firstSeen;
    uint256 public succeeded;
    uint256 private time = 1_000;
    bytes32[] private leaves;
    mapping(bytes32 subject => IDocumentNotary.Entry)[2] private before;

    constructor() {
        notary = new DocumentNotary(address(this), address(this));
        for (uint256 i = 0; i < LARGEST; ++i) leaves.push(i < DOCUMENTS ? document(i) : keccak256(abi.encode(i)));
    }

    /// @dev A document's commitment, and its leaf hash when it is batched: the same, so that both books are tried with it.
    function document(uint256 which) public pure returns (bytes32) {
        return keccak256(abi.encode("document", which % DOCUMENTS));
    }

    modifier ruled() {
        for (uint256 i = 0; i < DOCUMENTS; ++i) {
            before[0][document(i)] = notary.entry(document(i));
            before[1][document(i)] = notary.batchedEntry(document(i));
        }
        vm.warp(++time);
        _;
        for (uint256 i = 0; i < DOCUMENTS; ++i) {
            _ask(before[0][document(i)], notary.entry(document(i)));
            _ask(before[1][document(i)], notary.batchedEntry(document(i)));
            uint64 at_ = notary.entry(document(i)).notarisedAt;
            if (firstSeen[document(i)] == 0) firstSeen[document(i)] = at_;
        }
    }

    function _ask(IDocumentNotary.Entry memory old, IDocumentNotary.Entry memory now_) private view {
        assert(NotaryRules.firstWriteWins(old, now_, time));
        assert(NotaryRules.revokedOnce(old, now_, time));
        assert(NotaryRules.supersededLive(old, now_, time));
    }

    function _live(IDocumentNotary.Entry memory entry) private pure returns (bool) {
        return entry.supersededAt == 0 && entry.revokedAt == 0;
    }

    /// @dev The act succeeds exactly where it should.
    function _does(bool should, bytes memory data) private {
        (bool done, ) = address(notary).call(data);
        assert(done == (should && !notary.paused()));
        if (done) ++succeeded;
    }

    function notarise(uint256 which) external ruled {
        bytes32 c = document(which);
        _does(notary.entry(c).notarisedAt == 0, abi.encodeCall(notary.notarise, (c)));
    }

    function supersede(uint256 which, uint256 other) external ruled {
        (bytes32 c, bytes32 r) = (document(which), document(other));
        IDocumentNotary.Entry memory entry = notary.entry(c);
        bool should = entry.notarisedAt != 0 && _live(entry) && notary.entry(r).notarisedAt == 0;
        _does(should, abi.encodeCall(notary.supersede, (c, r)));
    }

    function revoke(uint256 which, uint8 reason) external ruled {
        reason %= 6;
        IDocumentNotary.Entry memory entry = notary.entry(document(which));
        bool should = entry.notarisedAt != 0 && entry.revokedAt == 0 && reason >= 1 && reason <= 4;
        _does(should, abi.encodeCall(notary.revoke, (document(which), reason)));
    }

    function anchor(uint64 step) external ruled {
        uint64 size = notary.size();
        uint64 newSize = size + step % 5;
        if (newSize > LARGEST) newSize = uint64(LARGEST);
        bytes32 root = newSize == 0 ? bytes32(uint256(1)) : Rfc9162.mth(leaves, 0, newSize);
        _does(newSize > size, abi.encodeCall(notary.notariseBatch, (root, size, newSize)));
    }

    function supersedeBatched(uint256 which, uint256 other) external ruled {
        which %= DOCUMENTS;
        uint64 size = notary.size();
        if (which >= size) return;
        bytes32[] memory path = _path(which, size);
        bool should = _live(notary.batchedEntry(document(which))) && notary.entry(document(other)).notarisedAt == 0;
        bytes32 root = Rfc9162.mth(leaves, 0, size);
        _does(
            should,
            abi.encodeCall(notary.supersedeBatched, (document(which), uint64(which), path, root, document(other)))
        );
    }

    function revokeBatched(uint256 which, uint8 reason, bool forged) external ruled {
        which %= DOCUMENTS;
        reason = 1 + reason % 4;
        uint64 size = notary.size();
        if (which >= size) return;
        bytes32[] memory path = _path(which, size);
        bytes32 root = Rfc9162.mth(leaves, 0, size);
        bytes32 subject = forged ? document(which + 1) : document(which);
        bool should = !forged && notary.batchedEntry(subject).revokedAt == 0;
        _does(should, abi.encodeCall(notary.revokeBatched, (subject, uint64(which), path, root, reason)));
    }

    function pause(uint256 dice) external {
        if (notary.paused()) notary.unpause();
        else if (dice % 8 == 0) notary.pause();
    }

    function _path(uint256 m, uint256 n) private view returns (bytes32[] memory path) {
        path = new bytes32[](Rfc9162.pathLength(m, n));
        Rfc9162.path(leaves, m, 0, n, path);
    }
}

contract NotaryTest is Checks {
    NotaryHandler private handler;
    DocumentNotary private notary;

    function setUp() public {
        handler = new NotaryHandler();
        notary = handler.notary();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev Whatever happened since, every commitment has the time at which it was first seen.
    function invariant_times_never_change() external view {
        for (uint256 i = 0; i < handler.DOCUMENTS(); ++i) {
            bytes32 c = handler.document(i);
            assert(notary.entry(c).notarisedAt == handler.firstSeen(c));
            assert(notary.batchedEntry(c).notarisedAt == 0);
        }
    }

    /// @dev Every chain of successors ends: it passes no document twice, and each successor is there, no older.
    function invariant_successors_make_no_cycle() external view {
        for (uint256 i = 0; i < handler.DOCUMENTS(); ++i) {
            bytes32 c = handler.document(i);
            uint256 steps = 0;
            while (notary.entry(c).supersededBy != bytes32(0)) {
                uint64 supersededAt = notary.entry(c).supersededAt;
                c = notary.entry(c).supersededBy;
                assert(notary.entry(c).notarisedAt == supersededAt);
                assert(++steps <= handler.DOCUMENTS());
            }
        }
    }

    function testFuzz_a_stranger_writes_nothing(address stranger, bytes32 commitment, uint8 reason) external {
        vm.assume(stranger != address(handler));
        bytes[4] memory acts = [
            abi.encodeCall(notary.notarise, (commitment)),
            abi.encodeCall(notary.supersede, (commitment, keccak256("another"))),
            abi.encodeCall(notary.revoke, (commitment, reason)),
            abi.encodeCall(notary.notariseBatch, (commitment, 0, 1))
        ];
        for (uint256 i = 0; i < acts.length; ++i) {
            vm.prank(stranger);
            (bool done, ) = address(notary).call(acts[i]);
            assert(!done);
        }
    }
}
