// SPDX-License-Identifier: EUPL-1.2
pragma solidity 0.8.37;

import {IDocumentNotary} from "../contracts/notarisation/IDocumentNotary.sol";

/// @title What one transaction may change in what is known of a document; asked by the fuzzer and by the prover.
library NotaryRules {
    /// @dev Once there is a time, it stays: the first write wins, and the time never changes.
    function firstWriteWins(
        IDocumentNotary.Entry memory old,
        IDocumentNotary.Entry memory now_,
        uint256 time
    ) internal pure returns (bool) {
        if (old.notarisedAt != 0) return now_.notarisedAt == old.notarisedAt;
        return now_.notarisedAt == 0 || now_.notarisedAt == time;
    }

    /// @dev It is left without effect once, with its reason; neither changes after.
    function revokedOnce(
        IDocumentNotary.Entry memory old,
        IDocumentNotary.Entry memory now_,
        uint256 time
    ) internal pure returns (bool) {
        bool same = now_.revokedAt == old.revokedAt && now_.reasonCode == old.reasonCode;
        if (old.revokedAt != 0) return same;
        return same || (now_.revokedAt == time && now_.reasonCode >= 1 && now_.reasonCode <= 4);
    }

    /// @dev Superseded once, and only while it had effect; after that neither time nor successor changes.
    function supersededLive(
        IDocumentNotary.Entry memory old,
        IDocumentNotary.Entry memory now_,
        uint256 time
    ) internal pure returns (bool) {
        bool same = now_.supersededAt == old.supersededAt && now_.supersededBy == old.supersededBy;
        if (old.supersededAt != 0 || old.revokedAt != 0) return same;
        return same || (now_.supersededAt == time && now_.supersededBy != bytes32(0));
    }
}
