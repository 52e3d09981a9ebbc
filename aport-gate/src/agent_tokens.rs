//! Bearer tokens of agents: each is bound to one passport, and only its hash is stored.
#![cfg_attr(
    not(all(feature = "cli", feature = "http")),
    allow(
        dead_code,
        reason = "the command changes the file, the server reads it"
    )
)]

use std::path::Path;
use std::sync::Arc;

use aport_gate_oap::{AgentId, Digest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::secret_file::{Entry, SecretError, SecretFile, check_name, new_secret};

const FILE: &str = "agent-tokens.json";
/// What a token begins with: nothing that an authorization server issues does.
pub(crate) const PREFIX: &str = "apat_";

/// The file `APORT_HOME/keys/agent-tokens.json`.
pub(crate) struct AgentTokens(SecretFile<AgentToken>);

/// One token, without the token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AgentToken {
    /// Name for people.
    pub(crate) name: String,
    /// Whose calls are made with it.
    pub(crate) agent: AgentId,
    /// Hash of the token.
    sha256: Digest,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When it ends by itself, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<Timestamp>,
    /// When it was revoked, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revoked_at: Option<Timestamp>,
}

impl Entry for AgentToken {
    fn sha256(&self) -> &Digest {
        &self.sha256
    }

    fn is_in_force(&self) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| Timestamp::now() < end)
    }
}

impl AgentTokens {
    /// `home` is `APORT_HOME`.
    pub(crate) fn new(home: &Path) -> Self {
        Self(SecretFile::new(home.join("keys").join(FILE)))
    }

    /// The file.
    #[cfg(feature = "cli")]
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// All tokens, ended ones too.
    ///
    /// # Errors
    /// The file is there but cannot be read, or it is gone although tokens were made: then nobody's token
    /// counts.
    pub(crate) fn all(&self) -> Result<Arc<Vec<AgentToken>>, SecretError> {
        self.0.all()
    }

    /// The token in force that this text is, if it is one. Takes the same time whichever it is.
    ///
    /// # Errors
    /// As [`AgentTokens::all`].
    pub(crate) fn find(&self, token: &str) -> Result<Option<AgentToken>, SecretError> {
        self.0.find(token)
    }

    /// Makes a token and tells it, once, with its name.
    ///
    /// # Errors
    /// The name is taken or none, or the file cannot be written.
    pub(crate) fn create(
        &self,
        agent: &AgentId,
        name: Option<&str>,
        expires_at: Option<Timestamp>,
    ) -> Result<(String, Zeroizing<String>), SecretError> {
        let (token, sha256) = new_secret(PREFIX)?;
        let name = match name {
            Some(name) => name.to_owned(),
            None => format!(
                "token-{}",
                hex_of(sha256.as_bytes().get(..4).unwrap_or_default())
            ),
        };
        check_name(&name)?;
        self.0.change(|tokens| {
            // Names of ended ones too: an audit of who had which must not be ambiguous.
            if tokens.iter().any(|token| token.name == name) {
                return Err(SecretError::Taken(name.clone()));
            }
            tokens.push(AgentToken {
                name: name.clone(),
                agent: agent.clone(),
                sha256,
                created_at: Timestamp::now(),
                expires_at,
                revoked_at: None,
            });
            Ok(())
        })?;
        Ok((name, token))
    }

    /// Revokes a token; running servers refuse it from their next request on.
    ///
    /// # Errors
    /// There is none of that name that was not revoked, or the file cannot be written.
    pub(crate) fn revoke(&self, name: &str) -> Result<(), SecretError> {
        self.0.change(|tokens| {
            let mut left = tokens.iter_mut().filter(|token| token.revoked_at.is_none());
            let token = left
                .find(|token| token.name == name)
                .ok_or_else(|| SecretError::Unknown(name.to_owned()))?;
            token.revoked_at = Some(Timestamp::now());
            Ok(())
        })
    }
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_token_counts_until_it_ends_and_is_nowhere_in_the_file() {
        let home = tempfile::tempdir().unwrap();
        let (tokens, agent) = (
            AgentTokens::new(home.path()),
            AgentId::parse("ap_one").unwrap(),
        );
        let (name, token) = tokens.create(&agent, None, None).unwrap();
        assert!(name.starts_with("token-") && token.starts_with(PREFIX));
        assert_eq!(tokens.find(&token).unwrap().unwrap().agent, agent);
        assert!(tokens.find(&token[..token.len() - 1]).unwrap().is_none());
        assert!(tokens.create(&agent, Some(&name), None).is_err());
        let file = home.path().join("keys").join(FILE);
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains(token.trim_start_matches(PREFIX)), "{text}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = file.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        AgentTokens::new(home.path()).revoke(&name).unwrap();
        assert!(tokens.find(&token).unwrap().is_none());
        assert!(tokens.revoke(&name).is_err());
        let ended = Timestamp::now() - Duration::from_secs(1);
        let (_, old) = tokens.create(&agent, Some("old"), Some(ended)).unwrap();
        assert!(tokens.find(&old).unwrap().is_none());
        assert_eq!(tokens.all().unwrap().len(), 2);
        std::fs::write(&file, "[").unwrap();
        assert!(tokens.find(&token).is_err());
    }

    #[test]
    fn once_there_were_tokens_a_lost_file_is_not_taken_for_none() {
        let home = tempfile::tempdir().unwrap();
        let (folder, agent) = (home.path().join("keys"), AgentId::parse("ap_one").unwrap());
        let file = folder.join(FILE);
        let running = AgentTokens::new(home.path());
        assert!(running.all().unwrap().is_empty());
        running.create(&agent, Some("one"), None).unwrap();
        let mark = home.path().join(".agent-tokens-were-made");
        assert!(mark.exists());
        let nobody = |case: &str| {
            for tokens in [&running, &AgentTokens::new(home.path())] {
                let error = tokens.all().expect_err(case).to_string();
                assert!(tokens.find("apat_").is_err(), "{case}");
                assert!(error.contains("agent-tokens.json"), "{case}: {error}");
            }
        };
        std::fs::write(&file, "[]").unwrap();
        nobody("empty");
        std::fs::remove_file(&file).unwrap();
        nobody("gone");
        let error = running.all().unwrap_err().to_string();
        assert!(error.contains(&mark.display().to_string()), "{error}");
        std::fs::remove_dir_all(&folder).unwrap();
        nobody("its folder gone");
        std::fs::remove_file(&mark).unwrap();
        assert!(running.all().is_ok(), "it has not read one yet");
        running.create(&agent, Some("two"), None).unwrap();
        assert_eq!(running.all().unwrap().len(), 1);
        std::fs::remove_dir_all(&folder).unwrap();
        std::fs::remove_file(&mark).unwrap();
        assert!(running.all().is_err(), "it has read one");
        let (_, token) = running.create(&agent, Some("three"), None).unwrap();
        assert!(running.find(&token).unwrap().is_some());
    }

    #[test]
    fn a_file_from_elsewhere_is_remembered_as_well() {
        let home = tempfile::tempdir().unwrap();
        let tokens = AgentTokens::new(home.path());
        let agent = AgentId::parse("ap_one").unwrap();
        tokens.create(&agent, None, None).unwrap();
        let mark = home.path().join(".agent-tokens-were-made");
        std::fs::remove_file(&mark).unwrap();
        assert_eq!(AgentTokens::new(home.path()).all().unwrap().len(), 1);
        assert!(mark.exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_nowhere_is_no_absent_file() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("keys");
        let tokens = AgentTokens::new(home.path());
        std::os::unix::fs::symlink("nowhere", &folder).unwrap();
        assert!(tokens.all().is_err());
        std::fs::remove_file(&folder).unwrap();
        assert!(tokens.all().is_ok());
        std::fs::create_dir(&folder).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.join(FILE)).unwrap();
        assert!(tokens.all().is_err());
    }
    #[cfg(unix)]
    #[test]
    fn a_file_that_everybody_may_write_lets_nobody_in() {
        use std::fs::Permissions;
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let (tokens, agent) = (
            AgentTokens::new(home.path()),
            AgentId::parse("ap_one").unwrap(),
        );
        let (_, token) = tokens.create(&agent, None, None).unwrap();
        let folder = home.path().join("keys");
        let file = folder.join(FILE);
        for (folder_mode, file_mode, good) in [
            (0o700, 0o600, true),
            (0o755, 0o644, true),
            (0o777, 0o600, false),
            (0o700, 0o666, false),
            (0o702, 0o600, false),
            // Some systems open volumes to the server's own group: a warning.
            (0o770, 0o660, true),
            // Nobody replaces a file there that is another's.
            (0o1777, 0o644, true),
            (0o1777, 0o646, false),
        ] {
            std::fs::set_permissions(&file, Permissions::from_mode(file_mode)).unwrap();
            std::fs::set_permissions(&folder, Permissions::from_mode(folder_mode)).unwrap();
            let case = format!("{folder_mode:o} {file_mode:o}");
            match tokens.find(&token) {
                Ok(found) => assert!(good && found.is_some(), "{case}"),
                Err(error) => {
                    assert!(!good, "{case}: {error}");
                    assert!(error.to_string().contains("chmod go-w"), "{error}");
                    assert!(tokens.create(&agent, None, None).is_err(), "{case}");
                }
            }
        }
    }
}
