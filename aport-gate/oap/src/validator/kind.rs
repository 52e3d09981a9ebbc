//! Which validators there are.

use super::rate;
use crate::counter::Counter;

/// A validator by the name that rules use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Validator {
    BlockedCommands,
    WorkingDirectory,
    EnvironmentVariables,
    ReadPath,
    WritePath,
    Extension,
    ContentSize,
    WriteRate,
    ParentDirectory,
    BlockedDomains,
    PrivateAddress,
    FormSubmission,
    ScreenshotRate,
    NavigationRate,
    Headers,
    RequestRate,
    McpServer,
    McpRate,
    ParameterSize,
    ResourceQuota,
    ConcurrentSessions,
    ToolNaming,
    ToolUniqueness,
    ToolCapabilities,
    CriteriaEvidence,
    CriteriaMet,
    SummaryWords,
    TestsPassing,
    BlockedContent,
}

impl Validator {
    /// Names in rules. Packs name one check differently for different tools.
    pub(crate) const ALL: [(&'static str, Validator); 32] = [
        ("validateBlockedPatterns", Self::BlockedCommands),
        ("validateWorkingDirectory", Self::WorkingDirectory),
        ("validateEnvironmentVariables", Self::EnvironmentVariables),
        ("validateFilePathPatterns", Self::ReadPath),
        ("validateWriteBlockedPaths", Self::WritePath),
        ("validateFileExtension", Self::Extension),
        ("validateWriteFileExtension", Self::Extension),
        ("validateFileContentSize", Self::ContentSize),
        ("validateWriteRateLimit", Self::WriteRate),
        ("validateParentDirectory", Self::ParentDirectory),
        ("validateWebFetchBlockedDomains", Self::BlockedDomains),
        ("validateBrowserBlockedDomains", Self::BlockedDomains),
        ("validateWebFetchPrivateIP", Self::PrivateAddress),
        ("validateBrowserPrivateIP", Self::PrivateAddress),
        ("validateBrowserFormSubmission", Self::FormSubmission),
        ("validateBrowserScreenshotRate", Self::ScreenshotRate),
        ("validateBrowserNavigationRate", Self::NavigationRate),
        ("validateWebFetchHeaders", Self::Headers),
        ("validateWebFetchRateLimit", Self::RequestRate),
        ("validateMCPServer", Self::McpServer),
        ("validateMCPRateLimit", Self::McpRate),
        ("validateParameterSize", Self::ParameterSize),
        ("validateResourceQuota", Self::ResourceQuota),
        ("validateConcurrentSessions", Self::ConcurrentSessions),
        ("validateToolNaming", Self::ToolNaming),
        ("validateToolUniqueness", Self::ToolUniqueness),
        ("validateToolCapabilities", Self::ToolCapabilities),
        (
            "validateDeliverableCriteriaEvidence",
            Self::CriteriaEvidence,
        ),
        ("validateDeliverableCriteriaMet", Self::CriteriaMet),
        ("validateDeliverableSummaryWords", Self::SummaryWords),
        ("validateDeliverableTestsPassing", Self::TestsPassing),
        ("validateDeliverableBlockedPatterns", Self::BlockedContent),
    ];

    pub(crate) fn lookup(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name)?;
        Some(found.1)
    }

    /// Counters that it needs. Which of them a call touches depends on the passport's limits.
    pub(crate) fn counters(self) -> Vec<Counter> {
        match self {
            Self::ConcurrentSessions => rate::session_counters(),
            Self::ToolUniqueness => vec![rate::registrations()],
            _ => rate::Rate::of(self).map_or_else(Vec::new, rate::Rate::counters),
        }
    }

    /// Context field whose value may be used once only.
    pub(crate) fn unique_field(self) -> Option<&'static str> {
        (self == Self::ToolUniqueness).then_some("tool_name")
    }
}

#[cfg(test)]
mod tests {
    use super::Validator;

    #[test]
    fn the_guide_names_every_validator() {
        let guide = include_str!("../../docs/validators.md");
        for (name, _) in Validator::ALL {
            assert!(guide.contains(&format!("`{name}`")), "{name}");
        }
    }
}
