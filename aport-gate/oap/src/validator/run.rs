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
