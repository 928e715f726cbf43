"""What the exchange service keeps, in one file, `exchange.sqlite`: products' own tables stand beside these.

requests        each accepted request: its message as it came, and its answer
elements        what is answered so far of a request that is answered element by element; gone once it is answered whole
authorisations  who may ask for what, since when, until when
replays         signed messages that were seen, while their Timestamp could still be taken for fresh
forgotten       until when seen messages are no longer known: what ended before is refused
"""

from __future__ import annotations

SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation TEXT NOT NULL,
    request_id TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    product TEXT NOT NULL,
    modality TEXT NOT NULL,
    elements INTEGER NOT NULL,
    content_sha256 BLOB NOT NULL,
    message_sha256 BLOB NOT NULL,
    certificate BLOB NOT NULL,
    message BLOB NOT NULL,
    content BLOB NOT NULL,
    received_ms INTEGER NOT NULL,
    hours INTEGER NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    acceptance BLOB,
    answer BLOB,
    answered_ms INTEGER,
    UNIQUE (organisation, request_id)
);
CREATE INDEX IF NOT EXISTS requests_unfinished ON requests (number) WHERE state IN ('0001', '0002');
CREATE TABLE IF NOT EXISTS elements (
    request INTEGER NOT NULL REFERENCES requests (number),
    position INTEGER NOT NULL,
    data BLOB NOT NULL,
    evidence BLOB NOT NULL,
    pdf BLOB NOT NULL,
    detail TEXT NOT NULL,
    words TEXT NOT NULL,
    PRIMARY KEY (request, position)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS authorisations (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation TEXT NOT NULL,
    product TEXT NOT NULL,
    modality TEXT NOT NULL,
    purpose TEXT NOT NULL,
    given_ms INTEGER NOT NULL,
    withdrawn_ms INTEGER
);
CREATE UNIQUE INDEX IF NOT EXISTS authorisations_in_force
    ON authorisations (organisation, product, modality, purpose) WHERE withdrawn_ms IS NULL;
CREATE TABLE IF NOT EXISTS replays (key BLOB PRIMARY KEY, expires_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS replays_by_end ON replays (expires_ms);
CREATE TABLE IF NOT EXISTS forgotten (only INTEGER PRIMARY KEY CHECK (only = 1), until_ms INTEGER NOT NULL)
"""
