//! The packs that come with this crate.

/// Packs of our own making: id and JSON.
#[must_use]
pub fn embedded_packs() -> &'static [(&'static str, &'static [u8])] {
    &[
        (
            "finance.payment.refund.v1",
            include_bytes!("../../packs/finance.payment.refund.v1.json"),
        ),
        (
            "code.repository.merge.v1",
            include_bytes!("../../packs/code.repository.merge.v1.json"),
        ),
    ]
}
