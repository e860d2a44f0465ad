//! Users call, and call again when nobody answers.

use std::time::Duration;

use domain::access_key::Principal;

use super::{Event, World};
use crate::behaviour::Weather;
use crate::control_plane::Failure;
use crate::users::{Call, Users};

impl World {
    pub(super) async fn user(&mut self) {
        if self.weather == Weather::Calm {
            return;
        }
        self.calls += 1;
        let users = Users {
            dice: &mut self.dice,
            seen: &self.oracle.replica,
            scenario: &self.scenario,
            subnets: &self.subnets,
            load_balancers: &self.load_balancers,
            number: self.calls,
        };
        if let Some(call) = users.next() {
            self.ask(call).await;
        }
        let pause = self.dice.millis(50, self.scenario.call_pause);
        self.agenda.put(pause, Event::User);
    }

    /// Makes a call. Without an answer it is made again: who asked does not know whether it was carried out.
    pub(super) async fn ask(&mut self, call: Call) {
        let answer = match &self.process {
            None => Err(Failure::NoAnswer),
            Some(process) => process.ask(Principal::Root, call.operation, &call.input).await,
        };
        let is_lost = self.weather == Weather::Stormy && self.dice.percent(self.scenario.lost_answers);
        let answer = if is_lost { Err(Failure::NoAnswer) } else { answer };
        let said = match &answer {
            Ok(_) => "done".to_owned(),
            Err(Failure::NoAnswer) => "no answer".to_owned(),
            Err(Failure::Refused(it)) => format!("{}: {}", it.code, it.message),
        };
        self.note(&format!("user {} {} -> {said}", call.operation, call.input));
        if answer == Err(Failure::NoAnswer) && call.tries_left > 0 {
            let again = Call {
                tries_left: call.tries_left - 1,
                ..call
            };
            let pause = self.dice.millis(100, 5_000).max(Duration::from_millis(100));
            self.agenda.put(pause, Event::Ask(again));
        }
    }
}
