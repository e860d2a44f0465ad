//! What a service does it says, once: its events are numbered without a gap, and count what was started and stopped.

use std::collections::BTreeMap;

use domain::ServiceArn;
use domain::task::{DesiredStatus, StopCode, Task};
use store::{Change, Changed, Commit};

/// The number that the next event of each service has.
#[derive(Default)]
pub struct Events(BTreeMap<ServiceArn, u64>);

/// What was done, or said to be done, in one commit.
#[derive(Debug, Default, PartialEq, Eq)]
struct Deeds {
    started: u32,
    stopped: u32,
}

impl Events {
    /// Looks at what a commit does and says.
    pub fn check(&mut self, commit: &Commit) -> Result<(), String> {
        let (mut done, mut said) = (BTreeMap::<_, Deeds>::new(), BTreeMap::<_, Deeds>::new());
        for change in &commit.changes {
            match change {
                Change::ServiceEvent(it) => {
                    let Some(event) = &it.after else { continue };
                    let next = self.0.entry(event.service.clone()).or_default();
                    if it.before.is_some() || event.sequence != *next {
                        let name = event.service.name();
                        return Err(format!(
                            "service {name}: event {} comes instead of {next}",
                            event.sequence
                        ));
                    }
                    *next += 1;
                    let deeds = said.entry(event.service.clone()).or_default();
                    deeds.started += counted(&event.message, "has started ");
                    deeds.stopped += counted(&event.message, "has stopped ");
                }
                Change::Task(it) => {
                    let Some(service) = it.current().service.clone() else {
                        continue;
                    };
                    let deeds = done.entry(service).or_default();
                    deeds.started += u32::from(it.before.is_none());
                    deeds.stopped += u32::from(is_stopped_by_its_service(it));
                }
                _ => {}
            }
        }
        for (service, done) in done {
            let said = said.remove(&service).unwrap_or_default();
            if done != said {
                return Err(format!(
                    "service {}: it did {done:?} and said {said:?}",
                    service.name()
                ));
            }
        }
        Ok(())
    }
}

fn counted(message: &str, verb: &str) -> u32 {
    let number = message
        .split_once(verb)
        .and_then(|(_, rest)| rest.split(' ').next());
    number.and_then(|it| it.parse().ok()).unwrap_or(0)
}

fn is_stopped_by_its_service(change: &Changed<Task>) -> bool {
    let (Some(before), Some(after)) = (&change.before, &change.after) else {
        return false;
    };
    let stop = after.stop.as_ref();
    before.desired_status == DesiredStatus::Running
        && stop.is_some_and(|it| it.code == StopCode::ServiceSchedulerInitiated)
}
