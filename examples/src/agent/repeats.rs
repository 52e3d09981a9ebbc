//! Which calls of a model are one and the same: what it asks for twice is done once.
//!
//! A model that repeats itself, or a gateway that doubles an answer, must not pay twice. The model's word on a key
//! counts for that alone; the key that is sent is one of ours.

use serde_json::{Map, Value};

/// The calls of a run that were made.
#[derive(Default)]
pub(super) struct Repeats {
    made: Vec<Made>,
    turn: usize,
}

/// A call as the model wants it.
pub(super) struct Call {
    pub(super) id: String,
    pub(super) tool: String,
    /// Without what the client fills in.
    pub(super) arguments: Map<String, Value>,
    /// The key that the model gave it.
    pub(super) key: Option<String>,
}

struct Made {
    call: Call,
    turn: usize,
    /// It was done, or may have been.
    ran: bool,
    content: Value,
    is_error: bool,
}

/// What a call is to those before it.
pub(super) enum Asked {
    /// Another one.
    New {
        /// The id of an earlier one like it, where there is one.
        like: Option<String>,
    },
    /// The same: its result is there.
    Again(Value, bool),
    /// Its key stands for a call with other arguments, of this id.
    OtherUnderKey(String),
}

impl Repeats {
    pub(super) fn next_turn(&mut self) {
        self.turn = self.turn.saturating_add(1);
    }

    /// A call without a key and the same one of that turn with a key are one, whichever comes first.
    pub(super) fn look(&mut self, call: &Call) -> Asked {
        let asked = self.found(call);
        if let (Asked::Again(..), Some(key)) = (&asked, &call.key)
            && let Some(position) = self.without_key(call)
            && self.under_key(call).is_none()
            && let Some(one) = self.made.get_mut(position)
        {
            one.call.key = Some(key.clone());
        }
        asked
    }

    fn found(&self, call: &Call) -> Asked {
        let of_turn = || self.like(call).find(|one| one.turn == self.turn);
        let found = match &call.key {
            Some(_) => {
                let without = || self.made.get(self.without_key(call)?);
                self.under_key(call).or_else(without)
            }
            None => of_turn(),
        };
        let is_like = |one: &&Made| one.call.arguments == call.arguments;
        let is_of_turn = |one: &&Made| one.turn == self.turn;
        match found {
            // A denial uses no key up: with other arguments, or later, the same intention may pass.
            Some(one) if !(one.ran || is_like(&one) && is_of_turn(&one)) => {
                Asked::New { like: None }
            }
            Some(one) if is_like(&one) => Asked::Again(one.repeated(), one.is_error),
            Some(one) => Asked::OtherUnderKey(one.call.id.clone()),
            None => {
                let like = self.like(call).find(|one| one.ran);
                Asked::New {
                    like: like.map(|one| one.call.id.clone()),
                }
            }
        }
    }

    /// Calls of its tool, the last one first.
    fn of_tool(&self, call: &Call) -> impl Iterator<Item = &Made> {
        let tool = call.tool.clone();
        let made = self.made.iter().rev();
        made.filter(move |one| one.call.tool == tool)
    }

    fn like(&self, call: &Call) -> impl Iterator<Item = &Made> {
        let arguments = call.arguments.clone();
        let made = self.of_tool(call);
        made.filter(move |one| one.call.arguments == arguments)
    }

    fn under_key(&self, call: &Call) -> Option<&Made> {
        self.of_tool(call).find(|one| one.call.key == call.key)
    }

    /// The same call of this turn, made without a key.
    fn without_key(&self, call: &Call) -> Option<usize> {
        self.made.iter().rposition(|one| {
            one.turn == self.turn
                && one.call.key.is_none()
                && one.call.tool == call.tool
                && one.call.arguments == call.arguments
        })
    }

    /// `ran`: it was done, or may have been.
    pub(super) fn made(&mut self, call: Call, ran: bool, content: Value, is_error: bool) {
        let turn = self.turn;
        self.made.push(Made {
            call,
            turn,
            ran,
            content,
            is_error,
        });
    }
}

impl Made {
    /// The first one's result, marked as that.
    fn repeated(&self) -> Value {
        let mut content = self.content.clone();
        if let Value::Object(content) = &mut content {
            let another = match &self.call.key {
                Some(_) => "give it an idempotency_key of its own",
                None => "call in a later turn",
            };
            content.insert("repeat_of".to_owned(), self.call.id.clone().into());
            content.insert(
                "note".to_owned(),
                format!(
                    "This is the result of that earlier call. The same was not done again; for another one like it, {another}."
                )
                .into(),
            );
        }
        content
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(id: &str, amount: u64, key: Option<&str>) -> Call {
        Call {
            id: id.to_owned(),
            tool: "pay".to_owned(),
            arguments: Map::from_iter([("amount".to_owned(), json!(amount))]),
            key: key.map(str::to_owned),
        }
    }

    fn after(first: Call, ran: bool, turns: usize) -> Repeats {
        let mut repeats = Repeats::default();
        repeats.made(first, ran, json!({ "status": "x" }), !ran);
        for _ in 0..turns {
            repeats.next_turn();
        }
        repeats
    }

    fn told(asked: &Asked) -> &'static str {
        match asked {
            Asked::New { like: None } => "new",
            Asked::New { like: Some(_) } => "like",
            Asked::Again(..) => "again",
            Asked::OtherUnderKey(_) => "other",
        }
    }

    #[test]
    fn what_is_one_call_is_told_by_key_or_else_by_arguments_and_turn() {
        let key = Some("k");
        for (first, ran, turns, second, expected) in [
            (call("a", 5, None), true, 0, call("b", 5, None), "again"),
            (call("a", 5, None), false, 0, call("b", 5, None), "again"),
            (call("a", 5, None), true, 0, call("b", 6, None), "new"),
            (call("a", 5, None), true, 1, call("b", 5, None), "like"),
            (call("a", 5, None), false, 1, call("b", 5, None), "new"),
            (call("a", 5, key), true, 0, call("b", 5, key), "again"),
            (call("a", 5, key), true, 3, call("b", 5, key), "again"),
            (call("a", 5, key), true, 0, call("b", 5, None), "again"),
            (call("a", 5, None), true, 0, call("b", 5, key), "again"),
            (call("a", 5, None), false, 0, call("b", 5, key), "again"),
            (call("a", 5, None), true, 1, call("b", 5, key), "like"),
            (call("a", 5, key), true, 0, call("b", 5, Some("l")), "like"),
            (call("a", 5, key), true, 1, call("b", 6, key), "other"),
            // Denied, and adjusted or tried later under the same key.
            (call("a", 5, key), false, 1, call("b", 4, key), "new"),
            (call("a", 5, key), false, 1, call("b", 5, key), "new"),
            (call("a", 5, key), false, 0, call("b", 5, key), "again"),
        ] {
            let told = told(&after(first, ran, turns).look(&second));
            assert_eq!(
                told, expected,
                "{ran} {turns} {:?} {:?}",
                second.arguments, second.key
            );
        }
    }

    #[test]
    fn a_repeat_has_the_first_result_and_says_of_which_call() {
        let mut repeats = after(call("a", 5, None), true, 0);
        let Asked::Again(content, is_error) = repeats.look(&call("b", 5, None)) else {
            panic!("it is no repeat")
        };
        assert_eq!(
            (&content["status"], &content["repeat_of"], is_error),
            (&json!("x"), &json!("a"), false)
        );
        let again = call("b", 5, None);
        let mut other = call("c", 5, None);
        other.tool = "ship".to_owned();
        assert_eq!(told(&repeats.look(&again)), "again");
        assert_eq!(told(&repeats.look(&other)), "new");
    }

    #[test]
    fn a_key_that_was_told_late_stands_for_the_call_from_then_on() {
        let mut repeats = after(call("a", 5, None), true, 0);
        let keyed = call("b", 5, Some("k"));
        assert_eq!(told(&repeats.look(&keyed)), "again");
        // Another key is another call, and the first one stays done in later turns.
        assert_eq!(told(&repeats.look(&call("c", 5, Some("l")))), "like");
        repeats.next_turn();
        assert_eq!(told(&repeats.look(&call("d", 5, Some("k")))), "again");
        assert_eq!(told(&repeats.look(&call("e", 6, Some("k")))), "other");
    }
}
