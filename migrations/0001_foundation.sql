-- One text for SQLite and PostgreSQL. Columns are TEXT and BIGINT only: times are milliseconds
-- since 1970, truth is 0 or 1, JSON is TEXT. "sealed" columns are encrypted and bound to their row.

-- broker_id and canary (sealed): made at the first start, kept for ever.
CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- What a transaction writes first, so that no other decides about the same thing meanwhile:
-- a row for each instance, and one for what instances share.
CREATE TABLE subjects (
    key TEXT   NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL
);

CREATE TABLE instances (
    key                 TEXT   NOT NULL PRIMARY KEY,
    platform            TEXT   NOT NULL,
    id                  TEXT   NOT NULL,
    tenant              TEXT   NOT NULL,
    name                TEXT   NOT NULL,
    offering_id         TEXT   NOT NULL,
    plan_id             TEXT   NOT NULL,
    organization_guid   TEXT   NOT NULL,
    space_guid          TEXT   NOT NULL,
    parameters          TEXT   NOT NULL,
    context             TEXT   NOT NULL,
    maintenance_version TEXT,
    state               TEXT   NOT NULL,
    usable              BIGINT NOT NULL,
    workload            TEXT   NOT NULL, -- sealed
    was_ready           BIGINT NOT NULL,
    created_at          BIGINT NOT NULL,
    updated_at          BIGINT NOT NULL
);
CREATE INDEX instances_by_tenant ON instances (tenant);

-- Instances that were deprovisioned here: what is left of them on the engine may go.
CREATE TABLE removed_instances (
    instance   TEXT   NOT NULL PRIMARY KEY,
    removed_at BIGINT NOT NULL
);

CREATE TABLE bindings (
    key         TEXT   NOT NULL PRIMARY KEY,
    instance    TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    offering_id TEXT   NOT NULL,
    plan_id     TEXT   NOT NULL,
    app_guid    TEXT,
    parameters  TEXT   NOT NULL,
    context     TEXT   NOT NULL,
    username    TEXT   NOT NULL,
    password    TEXT   NOT NULL, -- sealed
    state       TEXT   NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE INDEX bindings_by_instance ON bindings (instance);

CREATE TABLE operations (
    id                TEXT   NOT NULL PRIMARY KEY,
    subject           TEXT   NOT NULL, -- the binding where there is one, else the instance
    seq               BIGINT NOT NULL, -- in the order in which they were begun on an instance
    kind              TEXT   NOT NULL,
    instance          TEXT   NOT NULL,
    binding           TEXT,
    target            TEXT,            -- sealed
    state             TEXT   NOT NULL,
    phase             TEXT   NOT NULL,
    step              BIGINT NOT NULL,
    attempts          BIGINT NOT NULL,
    run_after         BIGINT NOT NULL,
    deadline          BIGINT NOT NULL,
    description       TEXT   NOT NULL,
    instance_usable   BIGINT,
    update_repeatable BIGINT,
    created_at        BIGINT NOT NULL,
    finished_at       BIGINT,
    lease_token       TEXT   NOT NULL DEFAULT '',
    lease_until       BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX operations_one_running ON operations (subject) WHERE state = 'running';
CREATE INDEX operations_due ON operations (run_after, id) WHERE state = 'running';
CREATE INDEX operations_held ON operations (instance, lease_until) WHERE lease_until > 0;
CREATE INDEX operations_by_subject ON operations (subject, seq);
CREATE INDEX operations_by_instance ON operations (instance, seq);
CREATE INDEX operations_by_age ON operations (created_at);

CREATE TABLE ports (
    port     BIGINT NOT NULL PRIMARY KEY,
    instance TEXT   NOT NULL,
    name     TEXT   NOT NULL
);
CREATE UNIQUE INDEX ports_by_instance ON ports (instance, name);

-- Host ports that something else was found to use: not handed out before `until`.
CREATE TABLE ports_held_back (
    port  BIGINT NOT NULL PRIMARY KEY,
    until BIGINT NOT NULL
);

CREATE TABLE subnets (
    tenant  TEXT NOT NULL PRIMARY KEY,
    network TEXT NOT NULL
);
CREATE UNIQUE INDEX subnets_by_network ON subnets (network);

CREATE TABLE audit (
    id          TEXT   NOT NULL PRIMARY KEY,
    recorded_at BIGINT NOT NULL,
    platform    TEXT   NOT NULL,
    identity    TEXT   NOT NULL,
    request     TEXT   NOT NULL,
    action      TEXT   NOT NULL,
    instance    TEXT   NOT NULL,
    binding     TEXT   NOT NULL,
    operation   TEXT   NOT NULL
);
CREATE INDEX audit_by_age ON audit (recorded_at, id);
