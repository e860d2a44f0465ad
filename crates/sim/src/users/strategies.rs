//! How users want services deployed: bounds, breaker, strategy, and whom to ask.

use serde_json::{Value, json};

use super::Users;
use crate::scenario::Kind;

/// Hosts of these URLs are never asked: the client of a world answers by itself.
const WEBHOOK: &str = "https://hooks.example/may-it-go-on";
/// Task definitions of hooks; the first ends with 0.
const HOOK_TASKS: [&str; 3] = ["finishes", "ends-at-once", "steady"];

impl Users<'_> {
    pub(super) fn configuration(&mut self, kind: Kind) -> Value {
        let minimum = *self.dice.pick(&[0, 33, 50, 66, 75, 100, 100]).unwrap_or(&100);
        let maximum = match minimum {
            _ if kind == Kind::Daemon => 100,
            100 => *self.dice.pick(&[125, 133, 150, 200, 200]).unwrap_or(&200),
            _ => *self.dice.pick(&[100, 125, 150, 200, 200]).unwrap_or(&200),
        };
        let mut configuration = json!({ "minimumHealthyPercent": minimum, "maximumPercent": maximum });
        if kind == Kind::External {
            return configuration;
        }
        let (enable, rollback) = (self.dice.percent(60), self.dice.percent(60));
        configuration["deploymentCircuitBreaker"] =
            json!({ "enable": enable, "rollback": enable && rollback });
        if kind == Kind::Daemon {
            return configuration;
        }
        let strategy = ["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"][self.dice.weighted(&[60, 16, 12, 12])];
        configuration["strategy"] = json!(strategy);
        if strategy == "ROLLING" {
            return configuration;
        }
        let minutes = self.dice.between(0, 1);
        match strategy {
            "LINEAR" => {
                configuration["linearConfiguration"] =
                    json!({ "stepPercent": self.dice.between(30, 60), "stepBakeTimeInMinutes": minutes });
            }
            "CANARY" => {
                configuration["canaryConfiguration"] =
                    json!({ "canaryPercent": self.dice.between(1, 50), "canaryBakeTimeInMinutes": minutes });
            }
            _ => {}
        }
        configuration["bakeTimeInMinutes"] = json!(self.dice.between(0, 1));
        let count = self.dice.weighted(&[3, 4, 2]);
        configuration["lifecycleHooks"] = (0..count).map(|_| self.hook()).collect();
        configuration
    }

    fn hook(&mut self) -> Value {
        let stages = [
            "PRE_SCALE_UP",
            "POST_SCALE_UP",
            "POST_TEST_TRAFFIC_SHIFT",
            "PRE_PRODUCTION_TRAFFIC_SHIFT",
            "POST_PRODUCTION_TRAFFIC_SHIFT",
        ];
        let stage = self.dice.between(0, 4) as usize;
        let action = if self.dice.percent(50) {
            "CONTINUE"
        } else {
            "ROLLBACK"
        };
        let mut hook = json!({
            "lifecycleStages": [stages[stage]],
            "timeoutConfiguration": { "timeoutInMinutes": 1, "action": action },
        });
        match self.dice.weighted(&[3, 4, 4]) {
            0 => hook["targetType"] = json!("PAUSE"),
            1 => hook["hookTargetArn"] = json!(WEBHOOK),
            _ => {
                let family = HOOK_TASKS[self.dice.weighted(&[7, 2, 1])];
                let arn = format!("arn:aws:ecs:us-east-1:123456789012:task-definition/{family}:1");
                hook["hookTargetArn"] = json!(arn);
            }
        }
        hook
    }
}
