//! Frames that the agent receives over ACS, one a line, and what follows from them.
#![no_main]

use agent::fuzzed::{Effect, Exchange, Present, decode, decode_exception};
use libfuzzer_sys::fuzz_target;

struct OneTask;

impl Present for OneTask {
    fn desired_running(&self) -> Vec<String> {
        vec!["arn:aws:ecs:us-east-1:123456789012:task/c/0123456789abcdef0123456789abcdef".to_owned()]
    }
    fn knows(&self, arn: &str) -> bool {
        arn.ends_with('0')
    }
}

/// A frame that goes up is one that others read.
fn is_frame(text: &str) {
    let frame: serde_json::Value =
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert!(
        frame["type"].is_string() && frame["message"].is_object(),
        "{text}"
    );
}

/// Of credentials only their id is left, which is no secret.
fn has_no_secrets(payload: &serde_json::Value, name: &str) {
    let Some(left) = payload.get(name) else { return };
    let members = left.as_object().unwrap_or_else(|| panic!("{payload}"));
    assert!(members.keys().all(|it| it == "credentialsId"), "{payload}");
}

fuzz_target!(|text: &str| {
    let mut exchange = Exchange::new("c", "arn:i");
    for frame in text.lines() {
        let _ = decode_exception(frame);
        let Ok(message) = decode(frame) else {
            continue;
        };
        for effect in exchange.receive(message, &OneTask) {
            match effect {
                Effect::Reply(frame) => is_frame(&frame),
                Effect::Accept(arrivals, replies) => {
                    replies.iter().for_each(|it| is_frame(it));
                    for arrival in arrivals {
                        let payload = arrival.payload;
                        has_no_secrets(&payload, "roleCredentials");
                        has_no_secrets(&payload, "executionRoleCredentials");
                    }
                }
                Effect::Stop(_)
                | Effect::Expected(_)
                | Effect::Attached(..)
                | Effect::Inspect(..)
                | Effect::Renew(..)
                | Effect::Execute(_)
                | Effect::Stream(_)
                | Effect::Inactive => {}
            }
        }
    }
});
