//! Form submissions in a browser.

use super::{Call, Failure};
use crate::reason::shown;

pub(super) const LIMITS: [&str; 3] = [
    "allow_form_submission",
    "allow_form_submissions",
    "allow_forms",
];

/// Parts of selectors of what sends a form when it is clicked.
const SENDS: [&str; 12] = [
    "submit", "form", "button", "btn", "input", "login", "log-in", "signin", "sign-in", "checkout",
    "save", "confirm",
];

/// Denies only where the passport says false. Typing into a page is filling in a form; a click is a
/// submission when its selector names something that sends.
pub(super) fn submission(call: &Call<'_>) -> Result<(), Failure> {
    if call.limit_flag(&LIMITS)? != Some(false) {
        return Ok(());
    }
    let Some((_, action)) = call.text(&["action"])? else {
        return Err(Failure::missing_field("action"));
    };
    let refuse = |why: &str| {
        let text = format!(
            "`action` {} {why}; form submissions are not allowed",
            shown(&action.into())
        );
        Err(Failure::of("action", action, text).with_limit(false))
    };
    match action {
        "type" | "fill" | "select" | "upload" => refuse("fills in a form"),
        "click" | "press" | "key" | "tap" => match call.text(&["selector"])? {
            None => Err(Failure::missing_field("selector")),
            Some((_, selector)) => {
                let lower = selector.to_lowercase();
                if action != "click" || may_send(&lower) {
                    refuse("can send a form")
                } else {
                    Ok(())
                }
            }
        },
        other if other.to_lowercase().contains("submit") => refuse("sends a form"),
        _ => Ok(()),
    }
}

/// Whether a selector in lower case may select what sends a form.
fn may_send(selector: &str) -> bool {
    // Escapes and comments spell a word so that it does not show.
    if SENDS.iter().any(|part| selector.contains(part))
        || selector.contains(['\\'])
        || selector.contains("/*")
    {
        return true;
    }
    // By its type: `[type]`, `[type=image]`, `[type^=sub]`, and the same in XPath.
    let squeezed: String = selector.split_whitespace().collect();
    if squeezed.contains("[type") || squeezed.contains("@type") {
        return true;
    }
    // By a part of a word: `[id^=sub]`, `[value$="mit"]`.
    ["^=", "$=", "*="].iter().any(|operator| {
        squeezed.split(operator).skip(1).any(|rest| {
            let value = rest.split([']', ' ']).next().unwrap_or_default();
            let value = value.trim_matches(['"', '\'']);
            SENDS.iter().any(|part| part.contains(value))
        })
    })
}
