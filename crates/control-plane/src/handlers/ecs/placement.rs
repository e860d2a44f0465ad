//! Placement constraints and strategies, and the filter of container instances: checked, and read back.

use api::ecs;
use domain::container_instance::ContainerInstance;
use domain::host::Host;
use domain::placement::{BinpackField, PlacementConstraint, PlacementStrategy, SpreadField};
use domain::task_definition::LaunchType;
use placement::query::{Expression, Facts, QueryError};
use store::State;

use super::errors::{client, invalid_parameter};

#[cfg(test)]
mod tests;

/// Most constraints of a task definition, a service or RunTask.
const CONSTRAINTS_MAX: usize = 10;
/// Most strategies of a service or RunTask.
const STRATEGIES_MAX: usize = 5;
/// Longest name of an attribute.
const ATTRIBUTE_NAME_LENGTH_MAX: usize = 128;

/// `placementConstraints` of RunTask, CreateService and UpdateService.
///
/// # Errors
/// InvalidParameterException.
pub fn constraints(
    given: Option<&[ecs::PlacementConstraint]>,
    launch_type: LaunchType,
) -> Result<Vec<PlacementConstraint>, ecs::Error> {
    let given = given.unwrap_or_default();
    if launch_type == LaunchType::Fargate && !given.is_empty() {
        return Err(invalid_parameter(
            "Placement constraints are not supported with FARGATE launch type.",
        ));
    }
    check_count(given.len(), "placementConstraints", CONSTRAINTS_MAX).map_err(invalid_parameter)?;
    let parsed = given.iter().map(|it| {
        let of_type = it.r#type.as_ref().map(ecs::PlacementConstraintType::as_str);
        constraint(of_type, it.expression.as_deref())
    });
    parsed.collect::<Result<_, _>>().map_err(invalid_parameter)
}

/// `placementConstraints` of a task definition: `memberOf` only.
///
/// # Errors
/// ClientException.
pub fn task_definition_constraints(
    given: Option<&[ecs::TaskDefinitionPlacementConstraint]>,
) -> Result<Vec<PlacementConstraint>, ecs::Error> {
    let given = given.unwrap_or_default();
    check_count(given.len(), "placementConstraints", CONSTRAINTS_MAX).map_err(client)?;
    let parsed = given.iter().map(|it| {
        let of_type = it.r#type.as_ref();
        let of_type = of_type.map(ecs::TaskDefinitionPlacementConstraintType::as_str);
        match of_type {
            // Amazon's words: https://github.com/aws-samples/aws-cdk-examples/issues/628
            Some("distinctInstance") => {
                Err("constraint.type 'distinctInstance' is not supported.".to_owned())
            }
            _ => constraint(of_type, it.expression.as_deref()),
        }
    });
    parsed.collect::<Result<_, _>>().map_err(client)
}

fn constraint(of_type: Option<&str>, expression: Option<&str>) -> Result<PlacementConstraint, String> {
    let expression = expression.filter(|it| !it.is_empty());
    match (of_type, expression) {
        (Some("distinctInstance"), None) => Ok(PlacementConstraint::DistinctInstance),
        (Some("distinctInstance"), Some(_)) => {
            Err("constraint.expression is not supported with the type distinctInstance.".to_owned())
        }
        (Some("memberOf"), None) => Err("constraint.expression should not be null or empty.".to_owned()),
        (Some("memberOf"), Some(expression)) => {
            expression
                .parse::<Expression>()
                .map_err(|it| invalid_expression(&it))?;
            Ok(PlacementConstraint::MemberOf(expression.to_owned()))
        }
        (None | Some(""), _) => Err("constraint.type should not be null or empty.".to_owned()),
        (Some(other), _) => Err(format!("constraint.type '{other}' is not supported.")),
    }
}

fn invalid_expression(error: &QueryError) -> String {
    format!("Invalid expression. {error}")
}

fn check_count(count: usize, member: &str, most: usize) -> Result<(), String> {
    if count > most {
        return Err(format!("{member} can have at most {most} items."));
    }
    Ok(())
}

/// `placementStrategy` of RunTask, CreateService and UpdateService.
///
/// # Errors
/// InvalidParameterException.
pub fn strategy(
    given: Option<&[ecs::PlacementStrategy]>,
    launch_type: LaunchType,
) -> Result<Vec<PlacementStrategy>, ecs::Error> {
    let given = given.unwrap_or_default();
    if launch_type == LaunchType::Fargate && !given.is_empty() {
        return Err(invalid_parameter(
            "Placement strategies are not supported with FARGATE launch type.",
        ));
    }
    check_count(given.len(), "placementStrategy", STRATEGIES_MAX).map_err(invalid_parameter)?;
    let parsed = given.iter().map(|it| {
        let of_type = it.r#type.as_ref().map(ecs::PlacementStrategyType::as_str);
        one_strategy(of_type, it.field.as_deref())
    });
    parsed.collect::<Result<_, _>>().map_err(invalid_parameter)
}

fn one_strategy(of_type: Option<&str>, field: Option<&str>) -> Result<PlacementStrategy, String> {
    let field = field.filter(|it| !it.is_empty());
    match (of_type, field) {
        (Some("random"), None) => Ok(PlacementStrategy::Random),
        (Some("random"), Some(field)) => Err(format!(
            "Invalid placement strategy field '{field}': the type random takes none."
        )),
        (Some("spread"), None) => Ok(PlacementStrategy::Spread(SpreadField::InstanceId)),
        (Some("spread"), Some(field)) => spread_field(field).map(PlacementStrategy::Spread),
        (Some("binpack"), field) => match field.map(str::to_ascii_lowercase).as_deref() {
            Some("cpu") => Ok(PlacementStrategy::Binpack(BinpackField::Cpu)),
            Some("memory") => Ok(PlacementStrategy::Binpack(BinpackField::Memory)),
            _ => Err(format!(
                "Invalid placement strategy field '{}': the type binpack takes cpu or memory.",
                field.unwrap_or_default()
            )),
        },
        (None | Some(""), _) => Err("Placement strategy type should not be null or empty.".to_owned()),
        (Some(other), _) => Err(format!("Placement strategy type '{other}' is not supported.")),
    }
}

fn spread_field(field: &str) -> Result<SpreadField, String> {
    if field.eq_ignore_ascii_case("instanceId") || field.eq_ignore_ascii_case("host") {
        return Ok(SpreadField::InstanceId);
    }
    let is_letter = |it: char| it.is_ascii_alphanumeric() || "-_./\\".contains(it);
    let is_name =
        |it: &&str| (1..=ATTRIBUTE_NAME_LENGTH_MAX).contains(&it.len()) && it.chars().all(is_letter);
    match field.strip_prefix("attribute:").filter(is_name) {
        Some(name) => Ok(SpreadField::Attribute(name.to_owned())),
        None => Err(format!(
            "Invalid placement strategy field '{field}': the type spread takes instanceId, host or attribute:name."
        )),
    }
}

/// A service of the DAEMON strategy has one task on each container instance: there is nothing to choose.
///
/// # Errors
/// InvalidParameterException.
pub fn refuse_strategy_of_daemon(
    scheduling: Option<&ecs::SchedulingStrategy>,
    given: Option<&[ecs::PlacementStrategy]>,
) -> Result<(), ecs::Error> {
    let is_daemon = scheduling.is_some_and(|it| it.as_str() == "DAEMON");
    if is_daemon && given.is_some_and(|it| !it.is_empty()) {
        // Amazon's words: https://github.com/kayac/ecspresso/pull/402
        return Err(invalid_parameter(
            "The daemon scheduling strategy does not support placement strategies. Remove the placement strategy and try again",
        ));
    }
    Ok(())
}

/// `filter` of ListContainerInstances; an empty one means all.
///
/// # Errors
/// InvalidParameterException that says where the expression goes wrong.
pub fn filter(given: Option<&str>) -> Result<Option<Expression>, ecs::Error> {
    let given = given.filter(|it| !it.is_empty());
    let parsed = given.map(str::parse::<Expression>).transpose();
    parsed.map_err(|it| invalid_parameter(invalid_expression(&it)))
}

/// Whether a container instance is what a filter means.
pub fn is_meant(state: &State, it: &ContainerInstance, filter: &Expression) -> bool {
    let Some(host) = state.get::<Host>(&it.host_id) else {
        return false;
    };
    let tally = state.container_instance_tally(&it.arn);
    let tasks = state.tasks_of_host(&it.host_id);
    // The host may also run FARGATE tasks.
    let tasks = tasks.filter(|task| task.container_instance.as_ref() == Some(&it.arn));
    let groups = tasks
        .filter(|_| filter.asks_for_groups())
        .map(|task| task.group.clone());
    filter.holds(&Facts {
        host,
        container_instance: it,
        running: tally.running,
        pending: tally.pending,
        groups: &groups.collect(),
    })
}

/// As a service reads back.
pub fn render_constraint(it: &PlacementConstraint) -> ecs::PlacementConstraint {
    ecs::PlacementConstraint {
        r#type: Some(ecs::PlacementConstraintType::from(it.as_str())),
        expression: it.expression().map(str::to_owned),
    }
}

/// As a task definition reads back.
pub fn render_task_definition_constraint(it: &PlacementConstraint) -> ecs::TaskDefinitionPlacementConstraint {
    ecs::TaskDefinitionPlacementConstraint {
        r#type: Some(ecs::TaskDefinitionPlacementConstraintType::from(it.as_str())),
        expression: it.expression().map(str::to_owned),
    }
}

/// As a service reads back.
pub fn render_strategy(it: &PlacementStrategy) -> ecs::PlacementStrategy {
    ecs::PlacementStrategy {
        r#type: Some(ecs::PlacementStrategyType::from(it.as_str())),
        field: it.field(),
    }
}
