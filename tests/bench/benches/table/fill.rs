//! A SQLite ledger filled by hand: as many records as years of use leave, in minutes.
//!
//! They stand where real ones would, by the same columns and indexes, with short bodies, and their hashes are no
//! chain: what is measured is finding and adding rows among so many.

use rusqlite::{Connection, params};
use std::path::Path;

/// Rows of one transaction.
const STEP: u64 = 200_000;

/// Adds decisions with their outcomes and keys until the ledger at `path` has so many records.
pub fn fill(path: &Path, records: u64) {
    let mut connection = Connection::open(path).expect("the ledger");
    // The keys come in no order: without this, each is a look at the disk.
    let settings = "PRAGMA cache_size = -1500000; PRAGMA synchronous = OFF;";
    connection.execute_batch(settings).expect("a setting");
    let head = "SELECT sequence FROM audit_head";
    let head: i64 = connection
        .query_row(head, [], |row| row.get(0))
        .expect("a head");
    let mut sequence = head.unsigned_abs();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64 ^ sequence;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let body = format!("{{\"filled\":\"{}\"}}", "x".repeat(80));
    let hash = format!("sha256:{}", "0".repeat(64));
    while sequence < records {
        let transaction = connection.transaction().expect("a transaction");
        {
            let mut audit = transaction
                .prepare_cached(
                    "INSERT INTO audit VALUES (?1, '2026-01-01T00:00:00Z', ?2, ?3, ?4, ?5, ?5)",
                )
                .expect("a statement");
            let mut keys = transaction
                .prepare_cached(
                    "INSERT INTO idempotency_keys VALUES (?1, 'finance.payment.refund.v1', ?2, ?3, unixepoch())",
                )
                .expect("a statement");
            let end = records.min(sequence + STEP);
            while sequence < end {
                let id = format!("{:016x}-{:016x}", next(), next());
                for kind in ["decision", "outcome"] {
                    sequence += 1;
                    let row = params![sequence.cast_signed(), kind, id, body, hash];
                    audit.execute(row).expect("a record");
                }
                let agent = format!("ap_bench_{}", next() % 100);
                let key = format!("key-{:016x}", next());
                keys.execute(params![agent, key, id]).expect("a key");
            }
        }
        let head = "UPDATE audit_head SET sequence = ?1, hash = ?2";
        let row = params![sequence.cast_signed(), hash];
        transaction.execute(head, row).expect("the head");
        transaction.commit().expect("a commit");
    }
    let _ = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
}
