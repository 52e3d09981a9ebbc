//! From a validator to the check behind it.

use super::rate::{REGISTRATIONS, Rate, SESSIONS, USER_SESSIONS};
use super::{
    Call, Failure, Validator, address, command, deliverable, directory, domain, environment, file,
    form, header, mcp, session, size, tool,
};
use crate::condition::evaluator::Scene;
use crate::counter::Counter;

impl Validator {
    /// Ok, or why the call does not pass.
    pub(crate) fn check(self, call: &Call<'_>) -> Result<(), Failure> {
        match self {
            Self::BlockedCommands => command::blocked(call),
            Self::WorkingDirectory => directory::working_directory(call),
            Self::EnvironmentVariables => environment::check(call),
            Self::ReadPath => file::read_path(call),
            Self::WritePath => file::write_path(call),
            Self::Extension => file::extension(call),
            Self::ContentSize => size::content(call),
            Self::ParentDirectory => file::parent_directory(call),
            Self::BlockedDomains => domain::blocked(call),
            Self::PrivateAddress => address::private(call),
            Self::FormSubmission => form::submission(call),
            Self::Headers => header::check(call),
            Self::McpServer => mcp::server(call),
            Self::ParameterSize => size::parameters(call),
            Self::ResourceQuota => session::resources(call),
            Self::ConcurrentSessions => session::concurrent(call),
            Self::ToolNaming => tool::naming(call),
            Self::ToolUniqueness => tool::uniqueness(call),
            Self::ToolCapabilities => tool::capabilities(call),
            Self::CriteriaEvidence => deliverable::evidence(call),
            Self::CriteriaMet => deliverable::met(call),
            Self::SummaryWords => deliverable::summary(call),
            Self::TestsPassing => deliverable::tests(call),
            Self::BlockedContent => deliverable::content(call),
            Self::WriteRate
            | Self::RequestRate
            | Self::ScreenshotRate
            | Self::NavigationRate
            | Self::McpRate => match Rate::of(self) {
                Some(rate) => rate.check(call, self),
                None => Err(Failure::Fault("no rate is known for it".to_owned())),
            },
        }
    }

    /// Whether this request reads and raises the counter.
    pub(crate) fn counts(self, scene: Scene<'_>, counter: &Counter) -> bool {
        let call = Call::new(scene);
        match (self, counter.name.as_str()) {
            (Self::ConcurrentSessions, SESSIONS) => session::counts_agent(&call),
            (Self::ConcurrentSessions, USER_SESSIONS) => session::counts_user(&call),
            (Self::ToolUniqueness, REGISTRATIONS) => tool::counts(&call),
            _ => Rate::of(self).is_some_and(|rate| rate.counts(&call, self, counter.window)),
        }
    }

    /// Whether the passport sets the limit, by this name or by another that means the same to it.
    pub(crate) fn has_limit(self, name: &str, call: &Call<'_>) -> bool {
        if call.limit(name).is_some() {
            return true;
        }
        if let Some(rate) = Rate::of(self) {
            return rate.has_cap_of(name, call);
        }
        let same = |other: &str| match self {
            Self::ContentSize => size::unit_of(other, size::CONTENT).is_some(),
            Self::ParameterSize => size::unit_of(other, size::PARAMETERS).is_some(),
            Self::ResourceQuota => session::is_quota(other),
            _ => self
                .names_of_limits()
                .iter()
                .any(|names| names.contains(&name) && names.contains(&other)),
        };
        let mut set = call.limits().into_iter();
        set.any(|(other, value)| !value.is_null() && same(other))
    }

    /// Names that mean one limit, together.
    fn names_of_limits(self) -> Vec<&'static [&'static str]> {
        match self {
            Self::BlockedCommands => vec![&["blocked_patterns", "blocked_commands"]],
            Self::WorkingDirectory => {
                let (allowed, blocked) = directory::DIRECTORIES.split_at(5);
                vec![
                    allowed,
                    blocked,
                    &["allowed_directories", directory::OTHERWISE],
                ]
            }
            Self::EnvironmentVariables => {
                let (blocked, allowed) = environment::LIMITS.split_at(3);
                vec![blocked, allowed]
            }
            Self::ReadPath | Self::WritePath => vec![&["blocked_patterns", "blocked_paths"]],
            Self::ParentDirectory => vec![&file::CREATE_LIMITS],
            Self::PrivateAddress => vec![&address::LIMITS],
            Self::FormSubmission => vec![&form::LIMITS],
            Self::ConcurrentSessions => {
                let (all, of_user) = session::LIMITS.split_at(3);
                vec![all, of_user]
            }
            Self::ToolNaming => {
                let (patterns, others) = tool::NAMING_LIMITS.split_at(4);
                let (prefixes, reserved) = others.split_at(2);
                vec![patterns, prefixes, reserved]
            }
            Self::ToolCapabilities => {
                let (allowed, blocked) = tool::CAPABILITY_LIMITS.split_at(2);
                vec![allowed, blocked]
            }
            Self::SummaryWords => {
                let (_, least) = deliverable::SUMMARY_LIMITS.split_at(1);
                vec![least]
            }
            _ => Vec::new(),
        }
    }

    /// Whether it reads a limit of this name.
    pub(crate) fn reads_limit(self, name: &str) -> bool {
        let known: &[&str] = match self {
            Self::BlockedCommands => &["blocked_patterns", "blocked_commands", "allowed_commands"],
            Self::WorkingDirectory if name == directory::OTHERWISE => return true,
            Self::WorkingDirectory => &directory::DIRECTORIES,
            Self::EnvironmentVariables => &environment::LIMITS,
            Self::ReadPath | Self::WritePath => &file::PATH_LIMITS,
            Self::Extension => &["allowed_extensions", "blocked_extensions"],
            Self::ContentSize => return size::unit_of(name, size::CONTENT).is_some(),
            Self::ParameterSize => return size::unit_of(name, size::PARAMETERS).is_some(),
            Self::ParentDirectory => &file::CREATE_LIMITS,
            Self::BlockedDomains => &["blocked_domains", "allowed_domains"],
            Self::PrivateAddress => &address::LIMITS,
            Self::FormSubmission => &form::LIMITS,
            Self::Headers => &["blocked_headers", "allowed_headers"],
            Self::McpServer => &["allowed_servers"],
            Self::ResourceQuota => return session::is_quota(name),
            Self::ConcurrentSessions => &session::LIMITS,
            Self::ToolNaming => &tool::NAMING_LIMITS,
            Self::ToolUniqueness => &tool::COUNT_LIMITS,
            Self::ToolCapabilities => &tool::CAPABILITY_LIMITS,
            Self::SummaryWords => &deliverable::SUMMARY_LIMITS,
            Self::TestsPassing => &["require_tests_passing"],
            Self::BlockedContent => &["scan_output", "blocked_patterns"],
            Self::CriteriaEvidence | Self::CriteriaMet => &[],
            Self::WriteRate
            | Self::RequestRate
            | Self::ScreenshotRate
            | Self::NavigationRate
            | Self::McpRate => {
                return Rate::of(self).is_some_and(|rate| rate.window_of(name).is_some());
            }
        };
        known.contains(&name)
    }
}
