//! What the attribute accepts, and what it says to each mistake.
//!
//! `TRYBUILD=overwrite cargo test -p aport-gate-tests --test ui` accepts changed messages.

#[test]
fn attribute_accepts_and_refuses() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/pass/*.rs");
    cases.compile_fail("ui/fail/*.rs");
}
