//! How many container instances refuse a task for what, in words.

use std::collections::{BTreeMap, BTreeSet};

use domain::ContainerInstanceArn;
use domain::container_instance::ContainerInstance;
use domain::host::{Host, Resources};
use store::State;

use super::PlacementFailure;

/// "5 container instances: 3 lack memory (512 MiB needed, most free 100 MiB), 2 have no connected agent." An instance
/// that refuses for two reasons counts for both. `None` if no container instance has refused.
pub fn tell_refusals(state: &State, needs: &Resources, failures: &[PlacementFailure]) -> Option<String> {
    tell(state, needs, failures, "container instance")
}

/// The same of hosts that FARGATE tasks may run on: "2 hosts: 2 lack memory (512 MiB needed, most free 100 MiB)."
pub fn tell_hosts(state: &State, needs: &Resources, failures: &[PlacementFailure]) -> Option<String> {
    tell(state, needs, failures, "host")
}

fn tell(state: &State, needs: &Resources, failures: &[PlacementFailure], noun: &str) -> Option<String> {
    let mut instances = BTreeSet::new();
    let mut reasons: BTreeMap<(&str, Option<&str>), Vec<&Host>> = BTreeMap::new();
    for it in failures {
        let Some(host) = host(state, it) else {
            continue;
        };
        instances.insert(&it.arn);
        let reason = (it.reason.as_str(), it.detail.as_deref());
        reasons.entry(reason).or_default().push(host);
    }
    if reasons.is_empty() {
        return None;
    }
    let mut told: Vec<_> = reasons.into_iter().collect();
    told.sort_by_key(|(_, hosts)| std::cmp::Reverse(hosts.len()));
    let told: Vec<String> = told
        .into_iter()
        .map(|((reason, detail), hosts)| {
            let subject = Subject(hosts.len());
            format!(
                "{} {}",
                hosts.len(),
                subject.refuses(needs, reason, detail, &hosts)
            )
        })
        .collect();
    let plural = if instances.len() == 1 { "" } else { "s" };
    Some(format!(
        "{} {noun}{plural}: {}.",
        instances.len(),
        told.join(", ")
    ))
}

/// What one container instance says against a task: "lacks memory (512 MiB needed, 100 MiB free)".
pub fn tell_refusal(state: &State, needs: &Resources, failure: &PlacementFailure) -> String {
    match host(state, failure) {
        Some(host) => Subject(1).refuses(needs, &failure.reason, failure.detail.as_deref(), &[host]),
        None => failure.in_event.clone(),
    }
}

fn host<'a>(state: &'a State, failure: &PlacementFailure) -> Option<&'a Host> {
    let arn = ContainerInstanceArn::parse(failure.arn.as_ref()?).ok()?;
    let instance = state.get::<ContainerInstance>(&arn)?;
    state.get::<Host>(&instance.host_id).map(AsRef::as_ref)
}

/// So many that refuse.
struct Subject(usize);

impl Subject {
    fn verb(&self, one: &'static str, many: &'static str) -> &'static str {
        if self.0 == 1 { one } else { many }
    }

    fn refuses(&self, needs: &Resources, reason: &str, detail: Option<&str>, hosts: &[&Host]) -> String {
        let (lacks, has) = (self.verb("lacks", "lack"), self.verb("has", "have"));
        let free = |of: fn(&Resources) -> u32| {
            let left = |it: &&Host| of(&it.total).saturating_sub(of(&it.promised));
            hosts.iter().map(left).max().unwrap_or_default()
        };
        let most = self.verb("", "most ");
        match reason {
            "RESOURCE:MEMORY" => {
                let (needed, free) = (needs.memory, free(|it| it.memory));
                format!("{lacks} memory ({needed} MiB needed, {most}free {free} MiB)")
            }
            "RESOURCE:CPU" => {
                let (needed, free) = (needs.cpu, free(|it| it.cpu));
                format!("{lacks} CPU units ({needed} needed, {most}free {free})")
            }
            "RESOURCE:GPU" => format!("{lacks} GPUs ({} needed)", needs.gpus),
            "RESOURCE:PORTS" => {
                let ports: Vec<String> = needs.ports.iter().map(|it| it.port.to_string()).collect();
                let uses = self.verb("uses", "use");
                format!("{uses} a port of the task already (of {})", ports.join(", "))
            }
            "ATTRIBUTE" => format!("{lacks} the attribute {}", detail.unwrap_or("that is required")),
            "INACTIVE" => {
                let status = detail.unwrap_or("not ACTIVE");
                let (is, takes) = (self.verb("is", "are"), self.verb("takes", "take"));
                format!("{is} {status} and {takes} no new tasks")
            }
            "AGENT" => format!("{has} no connected agent"),
            other if other.starts_with("DistinctInstance") => {
                format!("{has} a task of the group already (distinctInstance)")
            }
            other if other.starts_with("MemberOf") => {
                format!("{} not satisfy the memberOf constraint", self.verb("does", "do"))
            }
            other => format!("{}: {other}", self.verb("refuses", "refuse")),
        }
    }
}
