//! What a service says when a task of it finds no place.

use domain::CapacityProviderArn;
use domain::service_action::{ServiceAction, ServiceActionName};
use store::State;

use crate::transitions::{
    CAPACITY_UNAVAILABLE, EMPTY_CAPACITY_PROVIDER, PlacementFailure, RunTasks, RunTasksRefusal, needs,
    tell_refusals,
};

/// Why a task found no place.
pub struct Refusal {
    /// In Amazon's words. The same words are not repeated, however the rest changes.
    pub phrase: String,
    /// Counts and quantities behind the phrase.
    pub counts: Option<String>,
    /// For EventBridge.
    pub action: ServiceAction,
}

impl Refusal {
    /// By the container instances that were considered; `None` if none has refused.
    pub fn by(state: &State, run: &RunTasks, failures: &[PlacementFailure]) -> Option<Self> {
        let closest = failures.first()?;
        if closest.reason == CAPACITY_UNAVAILABLE {
            return Some(Self::fargate(run, closest));
        }
        let is_instance = |it: &&PlacementFailure| it.reason != EMPTY_CAPACITY_PROVIDER;
        let arns = |of: Vec<&PlacementFailure>| {
            let mut arns: Vec<String> = of.iter().filter_map(|it| it.arn.clone()).collect();
            arns.dedup();
            arns
        };
        let (instances, providers): (Vec<_>, Vec<_>) = failures.iter().partition(is_instance);
        Some(Self {
            phrase: closest_matching(closest),
            counts: match closest.arn {
                Some(_) => tell_refusals(state, &needs(run), failures),
                None => closest.detail.clone(),
            },
            action: ServiceAction {
                container_instances: arns(instances),
                capacity_providers: arns(providers),
                ..failure(&closest.reason)
            },
        })
    }

    /// Because FARGATE has no room. For EventBridge as in
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_events.html>
    fn fargate(run: &RunTasks, failure: &PlacementFailure) -> Self {
        let scope = run.cluster.scope();
        let strategy = run.capacity_provider_strategy.iter();
        let providers = strategy.map(|it| CapacityProviderArn::of(&scope, &it.capacity_provider).to_string());
        Self {
            phrase: format!("was unable to place a task. Reason: {CAPACITY_UNAVAILABLE}."),
            counts: failure.detail.clone(),
            action: ServiceAction {
                capacity_providers: providers.collect(),
                ..self::failure("RESOURCE:FARGATE")
            },
        }
    }

    /// Because there is nowhere to place it at all.
    pub fn nowhere(refusal: &RunTasksRefusal) -> Self {
        let (phrase, reason) = match refusal {
            RunTasksRefusal::NoContainerInstances => (
                "was unable to place a task because no container instance met all of its requirements. \
                 Reason: No Container Instances were found in your cluster.",
                "No Container Instances were found in your cluster.",
            ),
            RunTasksRefusal::NoSecurityGroup(_) => (
                "was unable to place a task. Reason: a security group of the service does not exist any more.",
                "RESOURCE:ENI",
            ),
        };
        Self {
            phrase: phrase.to_owned(),
            counts: None,
            action: failure(reason),
        }
    }

    /// The event.
    pub fn message(&self) -> String {
        match &self.counts {
            Some(counts) => format!("{} {counts}", self.phrase),
            None => self.phrase.clone(),
        }
    }
}

fn failure(reason: &str) -> ServiceAction {
    ServiceAction {
        reason: Some(reason.to_owned()),
        ..ServiceAction::of(ServiceActionName::ServiceTaskPlacementFailure)
    }
}

fn closest_matching(closest: &PlacementFailure) -> String {
    if closest.reason == EMPTY_CAPACITY_PROVIDER {
        return "was unable to place a task because no container instance met all of its requirements. \
                Reason: No Container Instances were found in your capacity provider. For more information, see the \
                Troubleshooting section of the Amazon ECS Developer Guide."
            .to_owned();
    }
    let Some(arn) = &closest.arn else {
        return format!("was unable to place a task. Reason: {}.", closest.reason);
    };
    let id = arn.rsplit('/').next().unwrap_or_default();
    format!(
        "was unable to place a task because no container instance met all of its requirements. \
         The closest matching (container-instance {id}) {}. For more information, see the Troubleshooting section \
         of the Amazon ECS Developer Guide.",
        closest.in_event
    )
}
