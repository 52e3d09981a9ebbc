//! What a gate counts of its calls. Whose they are, and what they say, is in none of it.

use std::time::Instant;

#[cfg(feature = "http")]
use prometheus_client::metrics::{counter::Counter, family::Family, histogram::Histogram};

use crate::gate::GateInner;
use crate::ledger::Recorded;
use crate::refusal::Refusal;

/// Upper bounds in seconds.
#[cfg(any(feature = "cli", feature = "http"))]
pub(crate) const SECONDS: [f64; 12] = [
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0,
];

/// Shared by all clones of a gate; what a server shows of it is its own to say.
#[cfg(feature = "http")]
#[derive(Clone)]
pub(crate) struct CallMetrics {
    /// By tool and result.
    pub(crate) calls: Family<Labels<2>, Counter>,
    /// Time to decide, by tool.
    pub(crate) decision: Family<Labels<1>, Histogram, fn() -> Histogram>,
}

/// All of them written in code: no caller can make one more.
#[cfg(feature = "http")]
pub(crate) type Labels<const N: usize> = [(&'static str, &'static str); N];

#[cfg(feature = "http")]
impl Default for CallMetrics {
    fn default() -> Self {
        Self {
            calls: Family::default(),
            decision: Family::new_with_constructor(|| Histogram::new(SECONDS)),
        }
    }
}

impl GateInner {
    /// The verifier was asked about a call of this tool.
    pub(crate) fn verified(
        &self,
        tool: &'static str,
        began: Instant,
        verdict: &Result<Recorded, Refusal>,
    ) {
        #[cfg(feature = "http")]
        {
            let metrics = &self.metrics;
            let decision = metrics.decision.get_or_create(&[("tool", tool)]);
            decision.observe(began.elapsed().as_secs_f64());
            if let Ok(recorded) = verdict {
                let result = match recorded.decision.allow {
                    true => "allow",
                    false => "deny",
                };
                self.answered(tool, result);
            }
        }
        #[cfg(not(feature = "http"))]
        let _ = (tool, began, verdict);
    }

    /// A call of this tool got no decision.
    pub(crate) fn refused(&self, tool: &'static str) {
        #[cfg(feature = "http")]
        self.answered(tool, "none");
        #[cfg(not(feature = "http"))]
        let _ = tool;
    }

    #[cfg(feature = "http")]
    fn answered(&self, tool: &'static str, result: &'static str) {
        let labels = [("tool", tool), ("result", result)];
        self.metrics.calls.get_or_create(&labels).inc();
    }
}
