//! Deployment strategies and lifecycle hooks, as CreateService and UpdateService give them.

use api::ecs;
use domain::Scope;
use domain::deployment_lifecycle::LifecycleStage;
use domain::deployment_strategy::{DeploymentStrategy, Weight};
use domain::lifecycle_hook::{HookAction, HookTarget, HookTimeout, LifecycleHook};
use domain::service::DeploymentConfiguration;
use domain::service_scheduling::SchedulingStrategy;
use domain::task_definition::NetworkMode;
use store::State;

use crate::handlers::ecs::errors::invalid_parameter;
use crate::handlers::ecs::task_definitions;

#[cfg(test)]
mod tests;

/// Longest bake time, in minutes.
const BAKE_MINUTES_MAX: i32 = 1440;
/// Longest time an answer is waited for, in minutes.
const HOOK_MINUTES_MAX: i32 = 20_160;
/// Most hooks of a service.
const HOOKS_MAX: usize = 16;
/// Longest `hookDetails`, in bytes.
const DETAILS_BYTES_MAX: usize = 16 * 1024;
/// What Amazon takes where nothing is given.
const LINEAR_STEP: f64 = 10.0;
const LINEAR_BAKE_MINUTES: i32 = 6;
const CANARY_PART: f64 = 5.0;
const CANARY_BAKE_MINUTES: i32 = 10;

/// The strategy, if one is given; `before` otherwise.
///
/// # Errors
/// InvalidParameterException for steps out of bounds, and for those of another strategy.
pub fn strategy(
    given: &ecs::DeploymentConfiguration,
    before: DeploymentConfiguration,
) -> Result<DeploymentStrategy, ecs::Error> {
    let word = given.strategy.as_ref().map(|it| it.as_str());
    let word = word.unwrap_or(before.strategy.as_str());
    let (linear, canary) = (&given.linear_configuration, &given.canary_configuration);
    let stray = [
        ("linearConfiguration", "LINEAR", linear.is_some()),
        ("canaryConfiguration", "CANARY", canary.is_some()),
    ];
    if let Some((member, wanted, _)) = stray
        .iter()
        .find(|(_, wanted, is_given)| *is_given && *wanted != word)
    {
        return Err(invalid_parameter(format!(
            "{member} is only valid for the deployment strategy {wanted}, not for {word}."
        )));
    }
    match word {
        "ROLLING" => Ok(DeploymentStrategy::Rolling),
        "BLUE_GREEN" => Ok(DeploymentStrategy::BlueGreen),
        "LINEAR" => match (linear, before.strategy) {
            (None, known @ DeploymentStrategy::Linear { .. }) => Ok(known),
            _ => Ok(DeploymentStrategy::Linear {
                step: percent(
                    "stepPercent",
                    linear
                        .as_ref()
                        .and_then(|it| it.step_percent)
                        .unwrap_or(LINEAR_STEP),
                    3.0,
                )?,
                bake_minutes: minutes(
                    "stepBakeTimeInMinutes",
                    linear
                        .as_ref()
                        .and_then(|it| it.step_bake_time_in_minutes)
                        .unwrap_or(LINEAR_BAKE_MINUTES),
                )?,
            }),
        },
        "CANARY" => match (canary, before.strategy) {
            (None, known @ DeploymentStrategy::Canary { .. }) => Ok(known),
            _ => Ok(DeploymentStrategy::Canary {
                part: percent(
                    "canaryPercent",
                    canary
                        .as_ref()
                        .and_then(|it| it.canary_percent)
                        .unwrap_or(CANARY_PART),
                    0.1,
                )?,
                bake_minutes: minutes(
                    "canaryBakeTimeInMinutes",
                    canary
                        .as_ref()
                        .and_then(|it| it.canary_bake_time_in_minutes)
                        .unwrap_or(CANARY_BAKE_MINUTES),
                )?,
            }),
        },
        other => Err(invalid_parameter(format!(
            "Invalid deployment strategy: {other:?}; it must be one of ROLLING, BLUE_GREEN, LINEAR, CANARY."
        ))),
    }
}

/// Tenths of a percent.
fn percent(member: &str, given: f64, least: f64) -> Result<Weight, ecs::Error> {
    if !(least..=100.0).contains(&given) {
        return Err(invalid_parameter(format!(
            "{member} must be between {least:.1} and 100.0, it is {given}."
        )));
    }
    let tenths = (given * 10.0).round();
    if (tenths - given * 10.0).abs() > 1e-6 {
        return Err(invalid_parameter(format!(
            "{member} must be a multiple of 0.1, it is {given}."
        )));
    }
    // Between 1 and 1000.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked above"
    )]
    Ok(tenths as Weight)
}

/// A bake time.
///
/// # Errors
/// InvalidParameterException out of bounds.
pub fn minutes(member: &str, given: i32) -> Result<u32, ecs::Error> {
    let minutes = u32::try_from(given).ok().filter(|_| given <= BAKE_MINUTES_MAX);
    minutes.ok_or_else(|| {
        invalid_parameter(format!(
            "{member} must be between 0 and {BAKE_MINUTES_MAX}, it is {given}."
        ))
    })
}

/// A daemon's tasks cannot stand beside each other, so they are replaced by rolling.
///
/// # Errors
/// InvalidParameterException.
pub fn refuse_stages_of_daemon(
    scheduling: SchedulingStrategy,
    configuration: DeploymentConfiguration,
    hooks: Option<&[LifecycleHook]>,
) -> Result<(), ecs::Error> {
    let has_stages =
        configuration.strategy != DeploymentStrategy::Rolling || hooks.is_some_and(|it| !it.is_empty());
    if scheduling == SchedulingStrategy::Daemon && has_stages {
        return Err(invalid_parameter(
            "The daemon scheduling strategy supports the deployment strategy ROLLING only, and no lifecycle hooks.",
        ));
    }
    Ok(())
}

/// Lifecycle hooks, if any are given: a pause, the URL of a webhook, or a task definition whose task has to exit with 0.
///
/// # Errors
/// InvalidParameterException in Amazon's words, and for functions, which there are none of.
pub fn hooks(
    state: &State,
    scope: &Scope,
    given: Option<&ecs::DeploymentConfiguration>,
    has_network: bool,
) -> Result<Option<Vec<LifecycleHook>>, ecs::Error> {
    let Some(given) = given.and_then(|it| it.lifecycle_hooks.as_deref()) else {
        return Ok(None);
    };
    if given.len() > HOOKS_MAX {
        return Err(invalid_parameter(format!(
            "lifecycleHooks can have at most {HOOKS_MAX} items."
        )));
    }
    let hooks: Result<Vec<_>, _> = given
        .iter()
        .map(|it| hook(state, scope, it, has_network))
        .collect();
    hooks.map(Some)
}

fn hook(
    state: &State,
    scope: &Scope,
    given: &ecs::DeploymentLifecycleHook,
    has_network: bool,
) -> Result<LifecycleHook, ecs::Error> {
    let kind = given.target_type.as_ref().map_or("AWS_LAMBDA", |it| it.as_str());
    let target = match (kind, given.hook_target_arn.as_deref()) {
        ("PAUSE", None | Some("")) => HookTarget::Pause,
        ("PAUSE", Some(_)) => {
            return Err(invalid_parameter(
                "hookTargetArn is not valid for the targetType PAUSE.",
            ));
        }
        ("AWS_LAMBDA", Some(target)) if !target.is_empty() => target_of(state, scope, target, has_network)?,
        ("AWS_LAMBDA", _) => {
            return Err(invalid_parameter(
                "hookTargetArn is required for the targetType AWS_LAMBDA: give the URL of a webhook or the ARN of a task \
                 definition.",
            ));
        }
        _ => {
            return Err(invalid_parameter(
                "Invalid targetType. Valid values are: AWS_LAMBDA, PAUSE",
            ));
        }
    };
    let details = given.hook_details.as_ref().map(|it| it.as_json().to_owned());
    if details
        .as_ref()
        .is_some_and(|it| it.len() > DETAILS_BYTES_MAX || !it.starts_with('{'))
    {
        return Err(invalid_parameter(format!(
            "hookDetails must be a JSON object of at most {DETAILS_BYTES_MAX} bytes."
        )));
    }
    Ok(LifecycleHook {
        stages: stages(given.lifecycle_stages.as_deref().unwrap_or_default(), &target)?,
        target,
        role_arn: given.role_arn.clone(),
        details,
        timeout: given.timeout_configuration.as_ref().map(timeout).transpose()?,
    })
}

/// Who is asked by a hook: a webhook or a task.
///
/// # Errors
/// InvalidParameterException for a URL that is none, and for functions, which there are none of; ClientException for a
/// task definition that is not there.
pub fn target_of(
    state: &State,
    scope: &Scope,
    target: &str,
    has_network: bool,
) -> Result<HookTarget, ecs::Error> {
    if target.starts_with("http://") || target.starts_with("https://") {
        return match target.parse::<http::Uri>() {
            Ok(uri) if uri.host().is_some_and(|it| !it.is_empty()) => {
                Ok(HookTarget::Webhook(target.to_owned()))
            }
            _ => Err(invalid_parameter(format!(
                "Invalid hookTargetArn: {target:?} is no URL."
            ))),
        };
    }
    if target.contains(":task-definition/") {
        let definition = task_definitions::require_active(state, scope, target)?;
        if definition.effective_network_mode() == NetworkMode::Awsvpc && !has_network {
            return Err(invalid_parameter(format!(
                "Network Configuration must be provided when networkMode 'awsvpc' is specified: the task definition \
                 {target} of a lifecycle hook uses it, so the service needs one."
            )));
        }
        return Ok(HookTarget::Task(definition.arn.clone()));
    }
    Err(invalid_parameter(format!(
        "Invalid hookTargetArn: {target}. Gantry runs no Lambda functions: give the URL of a webhook (http or https), \
         which gets and answers the same JSON, or the ARN of a task definition, whose task has to exit with 0."
    )))
}

fn stages(
    given: &[ecs::DeploymentLifecycleHookStage],
    target: &HookTarget,
) -> Result<Vec<LifecycleStage>, ecs::Error> {
    if given.is_empty() {
        return Err(invalid_parameter("lifecycleStages cannot be empty."));
    }
    let allowed = |it: &LifecycleStage| match target {
        HookTarget::Pause => it.can_pause(),
        HookTarget::Webhook(_) | HookTarget::Task(_) => it.has_hooks(),
    };
    let find = |word: &str| {
        let mut all = LifecycleStage::ALL.into_iter().filter(allowed);
        all.find(|it| it.as_str() == word).ok_or_else(|| {
            let words: Vec<_> = LifecycleStage::ALL
                .iter()
                .filter(|it| allowed(it))
                .map(|it| it.as_str())
                .collect();
            invalid_parameter(format!(
                "Invalid lifecycleStages: {word:?}; for this hook, it must be one of {}.",
                words.join(", ")
            ))
        })
    };
    given.iter().map(|it| find(it.as_str())).collect()
}

fn timeout(given: &ecs::DeploymentLifecycleHookTimeoutConfiguration) -> Result<HookTimeout, ecs::Error> {
    let minutes = match given.timeout_in_minutes {
        None => None,
        Some(minutes @ 1..=HOOK_MINUTES_MAX) => u32::try_from(minutes).ok(),
        Some(other) => {
            return Err(invalid_parameter(format!(
                "timeoutInMinutes must be between 1 and {HOOK_MINUTES_MAX}, it is {other}."
            )));
        }
    };
    let action = given.action.as_ref().map(|it| action(it.as_str())).transpose()?;
    Ok(HookTimeout { minutes, action })
}

/// What becomes of a deployment that waits.
///
/// # Errors
/// InvalidParameterException for another word.
pub fn action(given: &str) -> Result<HookAction, ecs::Error> {
    match given {
        "CONTINUE" => Ok(HookAction::Continue),
        "ROLLBACK" => Ok(HookAction::Rollback),
        other => Err(invalid_parameter(format!(
            "Invalid action: {other:?}; it must be one of CONTINUE, ROLLBACK."
        ))),
    }
}
