-- Administrations, their people, mandates and tokens

CREATE TABLE administrations (
    id VARCHAR NOT NULL,
    code VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    created DATETIME NOT NULL,
    suspended DATETIME,
    suspended_because VARCHAR,
    CONSTRAINT pk_administrations PRIMARY KEY (id),
    CONSTRAINT uq_administrations_code UNIQUE (code)
);

CREATE TABLE members (
    id VARCHAR NOT NULL,
    administration_id VARCHAR NOT NULL,
    label VARCHAR NOT NULL,
    roles VARCHAR NOT NULL,
    created DATETIME NOT NULL,
    ended DATETIME,
    CONSTRAINT pk_members PRIMARY KEY (id),
    CONSTRAINT fk_members_administration_id FOREIGN KEY (administration_id) REFERENCES administrations (id)
);
CREATE INDEX ix_members_administration_id ON members (administration_id);

CREATE TABLE staff (
    id VARCHAR NOT NULL,
    label VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    created DATETIME NOT NULL,
    ended DATETIME,
    CONSTRAINT pk_staff PRIMARY KEY (id)
);

CREATE TABLE mandates (
    id VARCHAR NOT NULL,
    administration_id VARCHAR NOT NULL,
    provider_id VARCHAR NOT NULL,
    roles VARCHAR NOT NULL,
    since DATETIME NOT NULL,
    until DATETIME NOT NULL,
    revoked DATETIME,
    CONSTRAINT pk_mandates PRIMARY KEY (id),
    CONSTRAINT fk_mandates_administration_id FOREIGN KEY (administration_id) REFERENCES administrations (id),
    CONSTRAINT fk_mandates_provider_id FOREIGN KEY (provider_id) REFERENCES administrations (id)
);
CREATE INDEX ix_mandates_administration_id ON mandates (administration_id);
CREATE INDEX ix_mandates_provider_id ON mandates (provider_id);

CREATE TABLE tokens (
    id VARCHAR NOT NULL,
    administration_id VARCHAR,
    member_id VARCHAR,
    staff_id VARCHAR,
    kind VARCHAR NOT NULL,
    chain_id VARCHAR,
    label VARCHAR NOT NULL,
    prefix VARCHAR NOT NULL,
    hash BLOB NOT NULL,
    created DATETIME NOT NULL,
    expires DATETIME NOT NULL,
    revoked DATETIME,
    last_used DATETIME,
    endpoint VARCHAR,
    CONSTRAINT pk_tokens PRIMARY KEY (id),
    CONSTRAINT ck_tokens_one_actor CHECK ((member_id IS NULL) <> (staff_id IS NULL)),
    CONSTRAINT fk_tokens_administration_id FOREIGN KEY (administration_id) REFERENCES administrations (id),
    CONSTRAINT fk_tokens_member_id FOREIGN KEY (member_id) REFERENCES members (id),
    CONSTRAINT fk_tokens_staff_id FOREIGN KEY (staff_id) REFERENCES staff (id)
);
CREATE INDEX ix_tokens_administration_id ON tokens (administration_id);
CREATE INDEX ix_tokens_member_id ON tokens (member_id);
CREATE INDEX ix_tokens_prefix ON tokens (prefix);
CREATE INDEX ix_tokens_staff_id ON tokens (staff_id);

CREATE TABLE administration_limits (
    administration_id VARCHAR NOT NULL,
    chains INTEGER,
    requests_per_second INTEGER,
    stored_bytes INTEGER,
    gas_per_period INTEGER,
    CONSTRAINT pk_administration_limits PRIMARY KEY (administration_id),
    CONSTRAINT fk_administration_limits_administration_id FOREIGN KEY (administration_id) REFERENCES administrations (id)
);

-- Answers kept by idempotency key; the append-only audit

CREATE TABLE idempotency_keys (
    actor_id VARCHAR NOT NULL,
    "key" VARCHAR NOT NULL,
    request VARCHAR NOT NULL,
    request_hash BLOB NOT NULL,
    status INTEGER NOT NULL,
    body BLOB NOT NULL,
    created DATETIME NOT NULL,
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (actor_id, "key")
);
CREATE INDEX ix_idempotency_keys_created ON idempotency_keys (created);

CREATE TABLE audit (
    seq INTEGER NOT NULL,
    at DATETIME NOT NULL,
    actor_kind VARCHAR NOT NULL,
    actor_id VARCHAR NOT NULL,
    token_id VARCHAR NOT NULL,
    action VARCHAR NOT NULL,
    object_kind VARCHAR NOT NULL,
    object_id VARCHAR NOT NULL,
    administration_id VARCHAR,
    detail VARCHAR NOT NULL,
    previous BLOB NOT NULL,
    hash BLOB NOT NULL,
    CONSTRAINT pk_audit PRIMARY KEY (seq),
    CONSTRAINT fk_audit_administration_id FOREIGN KEY (administration_id) REFERENCES administrations (id)
);
CREATE INDEX ix_audit_administration_id ON audit (administration_id);
CREATE TRIGGER audit_no_update
    BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_no_delete
    BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
-- Without this one, INSERT OR REPLACE would take a row away past the trigger on DELETE.
CREATE TRIGGER audit_in_order
    BEFORE INSERT ON audit
    WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit)
    BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

-- Keystore passwords, wrapped by the master key

CREATE TABLE keystores (
    administration_id VARCHAR NOT NULL,
    master_key VARCHAR NOT NULL,
    wrapped BLOB NOT NULL,
    created DATETIME NOT NULL,
    CONSTRAINT pk_keystores PRIMARY KEY (administration_id),
    CONSTRAINT fk_keystores_administration_id FOREIGN KEY (administration_id) REFERENCES administrations (id)
);

-- Chains, what they spent, and what is deployed on them

CREATE TABLE chain_numbers (
    number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    taken DATETIME NOT NULL
);

CREATE TABLE chains (
    id VARCHAR NOT NULL,
    administration_id VARCHAR NOT NULL,
    label VARCHAR NOT NULL,
    chain_id INTEGER NOT NULL,
    engine VARCHAR NOT NULL,
    spec VARCHAR NOT NULL,
    genesis_hash VARCHAR NOT NULL,
    sealing_key VARCHAR NOT NULL,
    desired VARCHAR NOT NULL,
    created DATETIME NOT NULL,
    deleted DATETIME,
    expires DATETIME NOT NULL,
    warned INTEGER NOT NULL,
    parent_chain_id INTEGER,
    parent_number INTEGER,
    parent_hash VARCHAR,
    CONSTRAINT pk_chains PRIMARY KEY (id),
    CONSTRAINT fk_chains_administration_id FOREIGN KEY (administration_id) REFERENCES administrations (id),
    CONSTRAINT uq_chains_chain_id UNIQUE (chain_id)
);
CREATE INDEX ix_chains_administration_id ON chains (administration_id);
CREATE INDEX ix_chains_expires ON chains (expires);

CREATE TABLE deployments (
    id VARCHAR NOT NULL,
    administration_id VARCHAR NOT NULL,
    chain VARCHAR NOT NULL,
    template VARCHAR NOT NULL,
    version VARCHAR NOT NULL,
    parameters VARCHAR NOT NULL,
    address VARCHAR NOT NULL,
    transaction_hash VARCHAR NOT NULL,
    block_number INTEGER NOT NULL,
    artifact VARCHAR NOT NULL,
    code_hash VARCHAR NOT NULL,
    created DATETIME NOT NULL,
    CONSTRAINT pk_deployments PRIMARY KEY (id),
    CONSTRAINT fk_deployments_administration_id FOREIGN KEY (administration_id) REFERENCES administrations (id),
    CONSTRAINT fk_deployments_chain FOREIGN KEY (chain) REFERENCES chains (id)
);
CREATE INDEX ix_deployments_administration_id ON deployments (administration_id);
CREATE INDEX ix_deployments_chain ON deployments (chain);

CREATE TABLE spent_gas (
    chain VARCHAR NOT NULL,
    hour INTEGER NOT NULL,
    administration_id VARCHAR NOT NULL,
    gas INTEGER NOT NULL,
    CONSTRAINT pk_spent_gas PRIMARY KEY (chain, hour),
    CONSTRAINT fk_spent_gas_administration_id FOREIGN KEY (administration_id) REFERENCES administrations (id)
);
CREATE INDEX ix_spent_gas_administration_id ON spent_gas (administration_id);

-- Logs: entries, tiles, anchors, further digests, when they are anchored

CREATE TABLE logs (
    number INTEGER NOT NULL,
    administration_id VARCHAR NOT NULL,
    id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    origin VARCHAR NOT NULL,
    deployment_id VARCHAR NOT NULL,
    signing_key BLOB NOT NULL,
    accepted INTEGER NOT NULL,
    size INTEGER NOT NULL,
    anchored_size INTEGER NOT NULL,
    created DATETIME NOT NULL,
    published DATETIME,
    CONSTRAINT pk_logs PRIMARY KEY (number),
    CONSTRAINT fk_logs_administration_id FOREIGN KEY (administration_id) REFERENCES administrations (id),
    CONSTRAINT uq_logs_id UNIQUE (id),
    CONSTRAINT uq_logs_origin UNIQUE (origin),
    CONSTRAINT uq_logs_deployment_id UNIQUE (deployment_id),
    CONSTRAINT fk_logs_deployment_id FOREIGN KEY (deployment_id) REFERENCES deployments (id)
);
CREATE INDEX ix_logs_administration_id ON logs (administration_id);

CREATE TABLE log_batches (
    id VARCHAR NOT NULL,
    administration_id VARCHAR NOT NULL,
    log INTEGER NOT NULL,
    first_index INTEGER NOT NULL,
    count INTEGER NOT NULL,
    accepted DATETIME NOT NULL,
    CONSTRAINT pk_log_batches PRIMARY KEY (id),
    CONSTRAINT fk_log_batches_administration_id FOREIGN KEY (administration_id) REFERENCES administrations (id),
    CONSTRAINT fk_log_batches_log FOREIGN KEY (log) REFERENCES logs (number)
);
CREATE INDEX ix_log_batches_administration_id ON log_batches (administration_id);
CREATE INDEX ix_log_batches_log ON log_batches (log);
CREATE INDEX ix_log_batches_log_first_index ON log_batches (log, first_index);

CREATE TABLE log_entries (
    log INTEGER NOT NULL,
    position INTEGER NOT NULL,
    kind VARCHAR NOT NULL,
    algorithm VARCHAR,
    digest BLOB,
    salt BLOB,
    commitment BLOB,
    refers_to INTEGER,
    reason VARCHAR,
    CONSTRAINT pk_log_entries PRIMARY KEY (log, position)
) WITHOUT ROWID;
CREATE INDEX ix_log_entries_log_refers_to ON log_entries (log, refers_to) WHERE refers_to IS NOT NULL;

CREATE TABLE log_tiles (
    log INTEGER NOT NULL,
    level INTEGER NOT NULL,
    number INTEGER NOT NULL,
    hashes BLOB NOT NULL,
    CONSTRAINT pk_log_tiles PRIMARY KEY (log, level, number)
) WITHOUT ROWID;

CREATE TABLE anchors (
    id INTEGER NOT NULL,
    log INTEGER NOT NULL,
    old_size INTEGER NOT NULL,
    new_size INTEGER NOT NULL,
    root BLOB NOT NULL,
    "transaction" BLOB NOT NULL,
    transaction_hash VARCHAR NOT NULL,
    evidence VARCHAR,
    checkpoint VARCHAR,
    planned DATETIME NOT NULL,
    anchored DATETIME,
    token BLOB,
    stamped DATETIME,
    CONSTRAINT pk_anchors PRIMARY KEY (id),
    CONSTRAINT fk_anchors_log FOREIGN KEY (log) REFERENCES logs (number)
);
CREATE INDEX ix_anchors_log ON anchors (log);

CREATE TABLE document_batching (
    administration_id VARCHAR NOT NULL,
    entries INTEGER NOT NULL,
    seconds INTEGER NOT NULL,
    CONSTRAINT pk_document_batching PRIMARY KEY (administration_id),
    CONSTRAINT fk_document_batching_administration_id FOREIGN KEY (administration_id) REFERENCES administrations (id)
);

CREATE TABLE log_digests (
    log INTEGER NOT NULL,
    position INTEGER NOT NULL,
    algorithm VARCHAR NOT NULL,
    digest BLOB NOT NULL,
    CONSTRAINT pk_log_digests PRIMARY KEY (log, position, algorithm)
) WITHOUT ROWID;

CREATE TABLE digest_index (
    digest BLOB NOT NULL,
    log INTEGER NOT NULL,
    position INTEGER NOT NULL,
    CONSTRAINT pk_digest_index PRIMARY KEY (digest, log, position)
) WITHOUT ROWID;
CREATE INDEX ix_digest_index_log_position ON digest_index (log, position);

-- Registers

CREATE TABLE registers (
    id VARCHAR NOT NULL,
    administration_id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    "key" VARCHAR NOT NULL,
    columns VARCHAR NOT NULL,
    log INTEGER NOT NULL,
    created DATETIME NOT NULL,
    preset VARCHAR,
    numbering VARCHAR,
    CONSTRAINT pk_registers PRIMARY KEY (id),
    CONSTRAINT fk_registers_administration_id FOREIGN KEY (administration_id) REFERENCES administrations (id),
    CONSTRAINT uq_registers_log UNIQUE (log),
    CONSTRAINT fk_registers_log FOREIGN KEY (log) REFERENCES logs (number)
);
CREATE INDEX ix_registers_administration_id ON registers (administration_id);

CREATE TABLE register_rows (
    log INTEGER NOT NULL,
    position INTEGER NOT NULL,
    "key" VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    content VARCHAR,
    CONSTRAINT pk_register_rows PRIMARY KEY (log, position)
) WITHOUT ROWID;
CREATE INDEX ix_register_rows_log_key ON register_rows (log, "key");

-- Witnesses inside the service, and what logs ask of witnesses

CREATE TABLE witnesses (
    id VARCHAR NOT NULL,
    administration_id VARCHAR NOT NULL,
    label VARCHAR NOT NULL,
    address VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    "key" VARCHAR NOT NULL,
    created DATETIME NOT NULL,
    CONSTRAINT pk_witnesses PRIMARY KEY (id),
    CONSTRAINT fk_witnesses_administration_id FOREIGN KEY (administration_id) REFERENCES administrations (id),
    CONSTRAINT uq_witnesses_address UNIQUE (address),
    CONSTRAINT uq_witnesses_name UNIQUE (name)
);
CREATE INDEX ix_witnesses_administration_id ON witnesses (administration_id);

CREATE TABLE witness_policies (
    log INTEGER NOT NULL,
    threshold INTEGER NOT NULL,
    CONSTRAINT pk_witness_policies PRIMARY KEY (log),
    CONSTRAINT fk_witness_policies_log FOREIGN KEY (log) REFERENCES logs (number)
);

CREATE TABLE log_witnesses (
    log INTEGER NOT NULL,
    "key" VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    operator VARCHAR NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER,
    size INTEGER NOT NULL,
    CONSTRAINT pk_log_witnesses PRIMARY KEY (log, "key"),
    CONSTRAINT fk_log_witnesses_log FOREIGN KEY (log) REFERENCES logs (number)
);

CREATE TABLE anchor_cosignatures (
    anchor INTEGER NOT NULL,
    "key" VARCHAR NOT NULL,
    time INTEGER NOT NULL,
    CONSTRAINT pk_anchor_cosignatures PRIMARY KEY (anchor, "key"),
    CONSTRAINT fk_anchor_cosignatures_anchor FOREIGN KEY (anchor) REFERENCES anchors (id)
);

-- Renewals of receipts under another algorithm

CREATE TABLE renewals (
    number INTEGER NOT NULL,
    id VARCHAR NOT NULL,
    administration_id VARCHAR NOT NULL,
    deployment_id VARCHAR NOT NULL,
    algorithm VARCHAR NOT NULL,
    whole BOOLEAN NOT NULL,
    size INTEGER NOT NULL,
    missing INTEGER NOT NULL,
    root BLOB,
    "transaction" BLOB,
    transaction_hash VARCHAR,
    evidence VARCHAR,
    token BLOB,
    requested DATETIME NOT NULL,
    anchored DATETIME,
    CONSTRAINT pk_renewals PRIMARY KEY (number),
    CONSTRAINT uq_renewals_id UNIQUE (id),
    CONSTRAINT fk_renewals_administration_id FOREIGN KEY (administration_id) REFERENCES administrations (id),
    CONSTRAINT fk_renewals_deployment_id FOREIGN KEY (deployment_id) REFERENCES deployments (id)
);
CREATE INDEX ix_renewals_administration_id ON renewals (administration_id);

CREATE TABLE renewal_leaves (
    renewal INTEGER NOT NULL,
    position INTEGER NOT NULL,
    hash BLOB NOT NULL,
    log INTEGER,
    entry INTEGER,
    size INTEGER,
    CONSTRAINT pk_renewal_leaves PRIMARY KEY (renewal, position)
) WITHOUT ROWID;
CREATE INDEX ix_renewal_leaves_log_entry ON renewal_leaves (log, entry);

CREATE TABLE renewal_checkpoints (
    log INTEGER NOT NULL,
    size INTEGER NOT NULL,
    algorithm VARCHAR NOT NULL,
    checkpoint VARCHAR NOT NULL,
    token BLOB,
    CONSTRAINT pk_renewal_checkpoints PRIMARY KEY (log, size, algorithm)
);

-- Privacy: erasures, series with their retention, and what belongs to which series

CREATE TABLE erasures (
    id VARCHAR NOT NULL,
    administration_id VARCHAR NOT NULL,
    log VARCHAR NOT NULL,
    entries VARCHAR NOT NULL,
    count INTEGER NOT NULL,
    basis VARCHAR NOT NULL,
    keep_key BOOLEAN NOT NULL,
    actor_id VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    requested DATETIME NOT NULL,
    erased DATETIME,
    CONSTRAINT pk_erasures PRIMARY KEY (id),
    CONSTRAINT fk_erasures_administration_id FOREIGN KEY (administration_id) REFERENCES administrations (id),
    CONSTRAINT fk_erasures_log FOREIGN KEY (log) REFERENCES logs (id)
);
CREATE INDEX ix_erasures_administration_id ON erasures (administration_id);
CREATE INDEX ix_erasures_log ON erasures (log);

CREATE TABLE series (
    id VARCHAR NOT NULL,
    administration_id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    code VARCHAR NOT NULL,
    years INTEGER,
    until DATE,
    data_class VARCHAR NOT NULL,
    legal_basis VARCHAR NOT NULL,
    dpia VARCHAR,
    created DATETIME NOT NULL,
    CONSTRAINT pk_series PRIMARY KEY (id),
    CONSTRAINT fk_series_administration_id FOREIGN KEY (administration_id) REFERENCES administrations (id)
);
CREATE INDEX ix_series_administration_id ON series (administration_id);

CREATE TABLE series_uses (
    administration_id VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    series VARCHAR NOT NULL,
    since DATETIME NOT NULL,
    CONSTRAINT pk_series_uses PRIMARY KEY (administration_id, subject),
    CONSTRAINT fk_series_uses_administration_id FOREIGN KEY (administration_id) REFERENCES administrations (id),
    CONSTRAINT fk_series_uses_series FOREIGN KEY (series) REFERENCES series (id)
);
CREATE INDEX ix_series_uses_series ON series_uses (series);

-- Pilots and their records; what administrations declare of their readiness: append-only

CREATE TABLE pilots (
    id VARCHAR NOT NULL,
    administration_id VARCHAR NOT NULL,
    title VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    "plan" VARCHAR NOT NULL,
    plan_sha256 VARCHAR NOT NULL,
    plan_notarisation VARCHAR,
    plan_timestamp BLOB,
    frozen DATETIME,
    measured DATETIME,
    verdict VARCHAR,
    report VARCHAR,
    report_notarisation VARCHAR,
    decision VARCHAR,
    created DATETIME NOT NULL,
    CONSTRAINT pk_pilots PRIMARY KEY (id),
    CONSTRAINT fk_pilots_administration_id FOREIGN KEY (administration_id) REFERENCES administrations (id)
);
CREATE INDEX ix_pilots_administration_id ON pilots (administration_id);

CREATE TABLE pilot_records (
    id INTEGER NOT NULL,
    administration_id VARCHAR NOT NULL,
    pilot VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    content VARCHAR NOT NULL,
    CONSTRAINT pk_pilot_records PRIMARY KEY (id),
    CONSTRAINT fk_pilot_records_administration_id FOREIGN KEY (administration_id) REFERENCES administrations (id),
    CONSTRAINT fk_pilot_records_pilot FOREIGN KEY (pilot) REFERENCES pilots (id)
);
CREATE INDEX ix_pilot_records_administration_id ON pilot_records (administration_id);
CREATE INDEX ix_pilot_records_pilot ON pilot_records (pilot);
CREATE TRIGGER pilot_records_no_update
    BEFORE UPDATE ON pilot_records
    BEGIN SELECT RAISE(ABORT, 'observations are append-only'); END;
CREATE TRIGGER pilot_records_no_delete
    BEFORE DELETE ON pilot_records
    BEGIN SELECT RAISE(ABORT, 'observations are append-only'); END;

CREATE TABLE readiness_declarations (
    id VARCHAR NOT NULL,
    administration_id VARCHAR NOT NULL,
    item VARCHAR NOT NULL,
    done BOOLEAN NOT NULL,
    reference VARCHAR NOT NULL,
    fields VARCHAR NOT NULL,
    note VARCHAR NOT NULL,
    expires DATE,
    actor_id VARCHAR NOT NULL,
    actor VARCHAR NOT NULL,
    at DATETIME NOT NULL,
    CONSTRAINT pk_readiness_declarations PRIMARY KEY (id),
    CONSTRAINT fk_readiness_declarations_administration_id FOREIGN KEY (administration_id) REFERENCES administrations (id)
);
CREATE INDEX ix_readiness_declarations_administration_id ON readiness_declarations (administration_id);
CREATE INDEX ix_readiness_declarations_item ON readiness_declarations (item);
CREATE TRIGGER readiness_declarations_no_update
    BEFORE UPDATE ON readiness_declarations
    BEGIN SELECT RAISE(ABORT, 'declarations of readiness are append-only'); END;
CREATE TRIGGER readiness_declarations_no_delete
    BEFORE DELETE ON readiness_declarations
    BEGIN SELECT RAISE(ABORT, 'declarations of readiness are append-only'); END;
