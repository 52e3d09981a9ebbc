//! A router's inventory against the file that a person has reviewed.

use std::path::Path;

use crate::inventory::Inventory;

/// Set, to anything, it makes [`assert_inventory`] write the file instead.
const BLESS: &str = "APORT_BLESS";

/// Demands that a router's [`Inventory`] is the one in a file that is kept under review.
///
/// With the environment variable `APORT_BLESS` set it writes the file; look at the difference before
/// you commit it. `path` is relative to the crate that is tested, as cargo runs its tests.
///
/// ```
/// use aport_gate::testing::assert_inventory;
/// use aport_gate::rmcp::handler::server::router::tool::ToolRouter;
/// use aport_gate::{Server, inventory};
/// # use aport_gate::policy_gated;
/// # #[policy_gated(pack = "code.repository.merge.v1", context(action = "pr.merge"))]
/// # async fn merge(repository: String, branch: String, pr_number: u64) -> String {
/// #     format!("{repository}{branch}{pr_number}")
/// # }
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("policy-inventory.json");
///
/// let tools = ToolRouter::<Server<()>>::new().with_route(merge);
/// # std::fs::write(&path, inventory(&tools).to_string()).unwrap();
/// # stringify! {
/// assert_inventory(&inventory(&tools), "policy-inventory.json");
/// # };
/// # assert_inventory(&inventory(&tools), path);
/// ```
///
/// # Panics
/// When they differ, with the lines that do, or when the file cannot be read or written.
#[track_caller]
pub fn assert_inventory(inventory: &Inventory, path: impl AsRef<Path>) {
    let path = path.as_ref();
    let now = inventory.to_string();
    if std::env::var_os(BLESS).is_some() {
        if let Err(error) = std::fs::write(path, &now) {
            panic!("cannot write `{}`: {error}", path.display());
        }
        return;
    }
    let reviewed = match std::fs::read_to_string(path) {
        // Git may have changed the ends of lines.
        Ok(text) => text.replace("\r\n", "\n"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => panic!("cannot read `{}`: {error}", path.display()),
    };
    if reviewed != now {
        panic!(
            "what guards the tools is not what `{}` says:\n{}\nif that is meant, run this test with {BLESS}=1, and have the difference reviewed",
            path.display(),
            difference(&reviewed, &now)
        );
    }
}

/// The lines between the common beginning and the common end.
fn difference(before: &str, after: &str) -> String {
    let common = before.lines().zip(after.lines());
    let start = common.take_while(|(a, b)| a == b).count();
    let mut before: Vec<_> = before.lines().skip(start).collect();
    let mut after: Vec<_> = after.lines().skip(start).collect();
    while let (Some(a), Some(b)) = (before.last(), after.last())
        && a == b
    {
        before.pop();
        after.pop();
    }
    let removed = before.iter().map(|line| format!("- {line}"));
    let added = after.iter().map(|line| format!("+ {line}"));
    let lines: Vec<_> = removed.chain(added).collect();
    format!("  line {}\n{}", start + 1, lines.join("\n"))
}
