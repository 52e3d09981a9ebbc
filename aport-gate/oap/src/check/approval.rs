//! What asks for a person in a way that is not understood. It counts as asking for every call.

use super::Document;
use crate::approval::{Name, Request, requests, requests_of_passport};
use serde_json::{Map, Value};

const EXPECTED: &str = "expected `true`, `false`, an amount in minor units, or an object of amounts: `{\"above\": 1000}`, \
                        `{\"USD\": 1000}`";

pub(super) fn of_pack(map: &Map<String, Value>, document: &mut Document<'_>) {
    for request in requests(map) {
        let Request { place, name, .. } = &request;
        if request.is_understood() {
            continue;
        }
        if *name == Name::Alike {
            let message = format!(
                "`{place}` is read as `approval_required: true`, whatever it holds; write `approval_required`"
            );
            document.warning(place, message);
        } else {
            let message =
                format!("`{place}` is not understood, so every call needs a person: {EXPECTED}");
            document.error(place, message);
        }
    }
    let flag = "require_allowlisted_if_present";
    let mcp = map.get("mcp").and_then(|mcp| mcp.get(flag));
    if mcp.is_some_and(|value| !value.is_boolean() && !value.is_null() && value != "true") {
        let message = format!("`{flag}` must be `true` or `false`; as it is, it counts as `true`");
        document.warning(&format!("mcp.{flag}"), message);
    }
}

pub(super) fn of_passport(map: &Map<String, Value>, document: &mut Document<'_>) {
    for request in requests_of_passport(map) {
        let Request { place, name, .. } = &request;
        if map.contains_key(place) {
            let message = format!(
                "`{place}` is no field of a passport; it counts under every pack, so write it into `limits`"
            );
            document.warning(place, message);
        }
        if request.is_understood() {
            continue;
        }
        if *name != Name::Alike {
            let message =
                format!("`{place}` is not understood, so calls under it need a person: {EXPECTED}");
            document.warning(place, message);
        } else if request.asks_in_passport() {
            let message = format!(
                "`{place}` is read as `approval_required: true` where no rule reads it; write `approval_required`"
            );
            document.warning(place, message);
        }
    }
}
