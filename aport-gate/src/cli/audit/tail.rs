//! Reading the chain in pages, from either end.

use super::filter::Filter;
use crate::cli::failure::Failure;
use crate::{AuditRecord, Ledger};

/// Records read at once.
const PAGE: u32 = 500;

/// The last `limit` records that the filter admits, in order, and where the chain ended.
pub(super) async fn last(
    ledger: &Ledger,
    filter: &Filter,
    limit: usize,
) -> Result<(Vec<AuditRecord>, u64), Failure> {
    let end = ledger.head().await?.sequence;
    let mut found: Vec<AuditRecord> = Vec::new();
    let mut before = end;
    while before > 0 && found.len() < limit {
        let after = before.saturating_sub(u64::from(PAGE));
        let page = ledger.records(after, PAGE).await?;
        for record in page.into_iter().rev() {
            if found.len() < limit
                && record.sequence <= before
                && filter.admits(ledger, &record).await?
            {
                found.push(record);
            }
        }
        before = after;
    }
    found.reverse();
    Ok((found, end))
}

/// The records after one, page by page. `None` at the end.
pub(super) async fn next(ledger: &Ledger, after: u64) -> Result<Option<Vec<AuditRecord>>, Failure> {
    let page = ledger.records(after, PAGE).await?;
    Ok((!page.is_empty()).then_some(page))
}
