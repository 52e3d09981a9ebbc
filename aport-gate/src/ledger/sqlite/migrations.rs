//! The tables, version by version. A new file takes every step, so that it has what an old one gets.

/// The step at index `n` leads from version `n` to `n + 1`. Steps that were released never change.
pub(super) const STEPS: [&str; 2] = [VERSION_1, VERSION_2];

const VERSION_1: &str = "
CREATE TABLE counters (
    agent TEXT NOT NULL,
    policy TEXT NOT NULL,
    counter TEXT NOT NULL,
    key TEXT NOT NULL,
    window TEXT NOT NULL,
    window_start INTEGER NOT NULL,
    window_end INTEGER NOT NULL,
    total INTEGER NOT NULL CHECK (total >= 0),
    PRIMARY KEY (agent, policy, counter, key, window, window_start, window_end)
) STRICT, WITHOUT ROWID;
CREATE TABLE reservations (
    decision_id TEXT PRIMARY KEY,
    agent TEXT NOT NULL,
    policy TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'committed', 'held', 'released')),
    charges TEXT NOT NULL,
    idempotency_key TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE idempotency_keys (
    agent TEXT NOT NULL,
    policy TEXT NOT NULL,
    key TEXT NOT NULL,
    decision_id TEXT NOT NULL REFERENCES reservations (decision_id),
    PRIMARY KEY (agent, policy, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('decision', 'outcome', 'refusal')),
    decision_id TEXT,
    body TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_decision ON audit (decision_id);
CREATE TABLE audit_head (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    sequence INTEGER NOT NULL,
    hash TEXT NOT NULL
) STRICT;
";

// What is needed to prune: keys know when they were taken (those of before count from now), pending
// reservations when their windows end, and there is a quick way to the oldest. Settled reservations
// go: their decision and their outcome stand in the audit chain.
const VERSION_2: &str = "
CREATE TABLE keys (
    agent TEXT NOT NULL,
    policy TEXT NOT NULL,
    key TEXT NOT NULL,
    decision_id TEXT NOT NULL,
    taken_at INTEGER NOT NULL,
    PRIMARY KEY (agent, policy, key)
) STRICT, WITHOUT ROWID;
INSERT INTO keys SELECT agent, policy, key, decision_id, unixepoch() FROM idempotency_keys;
DROP TABLE idempotency_keys;
ALTER TABLE keys RENAME TO idempotency_keys;
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (taken_at);
CREATE INDEX counters_by_end ON counters (window_end);
DELETE FROM reservations WHERE state <> 'pending';
ALTER TABLE reservations ADD COLUMN open_until INTEGER NOT NULL DEFAULT 0;
UPDATE reservations SET open_until = max(unixepoch(), CASE WHEN json_valid(charges) THEN coalesce(
    (SELECT max(value ->> '$.counter.window_end') FROM json_each(charges)), 0) ELSE 0 END);
CREATE TABLE upkeep (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    looked_at INTEGER NOT NULL,
    pruned_until INTEGER NOT NULL
) STRICT;
INSERT INTO upkeep VALUES (1, unixepoch(), -9223372036854775808);
";
