//! The name of a repository, which an agent chose and which becomes part of an address.

use std::fmt;

use crate::DeskError;

/// `owner/name`, of characters that GitHub allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Repository {
    pub(super) owner: String,
    pub(super) name: String,
}

impl Repository {
    /// # Errors
    /// It could be read as another address.
    pub(super) fn parse(text: &str) -> Result<Self, DeskError> {
        let part = |part: &str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            (1..=100).contains(&part.len())
                && part.chars().all(is_plain)
                && !part.chars().all(|c| c == '.')
        };
        match text.split_once('/') {
            Some((owner, name)) if part(owner) && part(name) => Ok(Self {
                owner: owner.to_owned(),
                name: name.to_owned(),
            }),
            _ => Err(DeskError::Refused(
                "the repository must be given as `owner/name`".to_owned(),
            )),
        }
    }

    /// GitHub takes names in any case.
    pub(super) fn is(&self, full_name: &str) -> bool {
        full_name.eq_ignore_ascii_case(&self.to_string())
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_place_in_the_address() {
        assert_eq!(
            Repository::parse("my-org/my.repo").unwrap().to_string(),
            "my-org/my.repo"
        );
        for bad in [
            "", "x", "/x", "x/", "a/b/c", "../x", "a/..", "a/b?c", "a/b#c", "a/b%2f", "a b/c",
            "ä/c",
        ] {
            assert!(Repository::parse(bad).is_err(), "{bad}");
        }
    }
}
