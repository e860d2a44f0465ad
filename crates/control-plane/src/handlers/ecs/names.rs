//! How callers name things: short names, ids and ARNs in every documented form.

use api::ecs;
use domain::arn::{Arn, InCluster, Resource};
use domain::cluster::DEFAULT_CLUSTER;
use domain::{CapacityProviderArn, ClusterArn, ContainerInstanceArn, Scope, ServiceArn, TaskArn, TaskSetArn};

use super::errors::{cluster_not_found, invalid_parameter};

#[cfg(test)]
mod tests;

/// Longest name of a cluster, service, family or container.
const NAME_LENGTH_MAX: usize = 255;

/// Lengths of a task's id: hexadecimal digits, or the UUID of before 2018.
const TASK_ID_LENGTHS: [usize; 2] = [32, 36];

/// Whether a text may name a cluster, service, family or container: letters, digits, `-` and `_`.
pub fn is_name(text: &str) -> bool {
    (1..=NAME_LENGTH_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_')
}

/// A cluster by name or ARN; without one, the cluster `default`.
///
/// # Errors
/// InvalidParameterException for what can name no cluster.
pub fn cluster(scope: &Scope, given: Option<&str>) -> Result<ClusterArn, ecs::Error> {
    let given = given.filter(|it| !it.is_empty()).unwrap_or(DEFAULT_CLUSTER);
    if given.contains(':') {
        let arn = ClusterArn::parse(given).map_err(|_| {
            invalid_parameter(format!(
                "Invalid identifier: {given} is not the ARN of a cluster."
            ))
        })?;
        // What belongs to another account or region is not here.
        return if arn.scope() == *scope {
            Ok(arn)
        } else {
            Err(cluster_not_found())
        };
    }
    if given.contains('/') {
        return Err(invalid_parameter(
            "Invalid identifier: Unexpected number of separators",
        ));
    }
    if !is_name(given) {
        return Err(invalid_parameter(format!(
            "Invalid identifier: a cluster name has 1 to {NAME_LENGTH_MAX} letters, digits, hyphens and underscores, not {given:?}."
        )));
    }
    Ok(ClusterArn::of(scope, given))
}

/// A service by name, long ARN, or the old ARN without cluster.
///
/// # Errors
/// InvalidParameterException.
pub fn service(cluster: &ClusterArn, given: &str) -> Result<ServiceArn, ecs::Error> {
    member(cluster, given, "service")
}

/// A task set of a service by id (`ecs-svc/<digits>`) or ARN.
///
/// # Errors
/// InvalidParameterException. <https://github.com/boto/boto3/issues/3895>
pub fn task_set(service: &ServiceArn, given: &str) -> Result<TaskSetArn, ecs::Error> {
    let arn = match given.starts_with("arn:") {
        true => TaskSetArn::parse(given)
            .ok()
            .filter(|it| it.service() == *service),
        false => Some(service.part(given)),
    };
    let has_id = |it: &TaskSetArn| {
        let number = it.id().strip_prefix("ecs-svc/").unwrap_or_default();
        !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit())
    };
    arn.filter(has_id).ok_or_else(|| {
        invalid_parameter(format!(
            "Task Set Identifier is invalid: {given:?} is neither the id (ecs-svc/...) nor the ARN of a task set of the \
             service {}.",
            service.name()
        ))
    })
}

/// A task by id, long ARN, or the old ARN without cluster.
///
/// # Errors
/// InvalidParameterException.
pub fn task(cluster: &ClusterArn, given: &str) -> Result<TaskArn, ecs::Error> {
    let id = given.rsplit('/').next().unwrap_or_default();
    if !TASK_ID_LENGTHS.contains(&id.len()) {
        return Err(invalid_parameter("taskId length should be one of [32,36]"));
    }
    member(cluster, given, "task")
}

/// A container instance by id, long ARN, or the old ARN without cluster.
///
/// # Errors
/// InvalidParameterException.
pub fn container_instance(cluster: &ClusterArn, given: &str) -> Result<ContainerInstanceArn, ecs::Error> {
    member(cluster, given, "container instance")
}

fn member<R: Resource + InCluster>(
    cluster: &ClusterArn,
    given: &str,
    what: &str,
) -> Result<Arn<R>, ecs::Error> {
    if !given.contains(':') {
        return is_name(given).then(|| cluster.member(given)).ok_or_else(|| {
            invalid_parameter(format!("Invalid identifier: {given:?} cannot name a {what}."))
        });
    }
    if let Ok(arn) = Arn::<R>::parse(given) {
        return match arn.cluster() == *cluster {
            true => Ok(arn),
            false => Err(of_other_cluster(&arn.cluster(), cluster)),
        };
    }
    short_arn(cluster, given)
        .ok_or_else(|| invalid_parameter(format!("Invalid identifier: {given} is not the ARN of a {what}.")))
}

/// Amazon's words, and what of the scope differs: <https://github.com/aws/aws-toolkit-vscode/issues/2915>
fn of_other_cluster(other: &ClusterArn, cluster: &ClusterArn) -> ecs::Error {
    let mut text = format!(
        "Invalid identifier: Identifier is for cluster {}. Your cluster is {}",
        other.name(),
        cluster.name()
    );
    for difference in differences(&other.scope(), &cluster.scope()) {
        text.push_str(&format!(". {difference}"));
    }
    invalid_parameter(text)
}

/// What is said of an ARN that belongs to another region or account.
pub fn of_other_scope(other: &Scope, yours: &Scope) -> ecs::Error {
    let differences = differences(other, yours).join(". ");
    invalid_parameter(format!("Invalid identifier: {differences}"))
}

fn differences(other: &Scope, yours: &Scope) -> Vec<String> {
    let parts = [
        ("region", &other.region, &yours.region),
        ("account", &other.account, &yours.account),
    ];
    let differing = parts.into_iter().filter(|(_, other, your)| other != your);
    differing
        .map(|(what, other, your)| format!("The identifier is of the {what} {other}, your {what} is {your}"))
        .collect()
}

/// The form from before 2018: `arn:aws:ecs:region:account:service/name`.
fn short_arn<R: Resource>(cluster: &ClusterArn, given: &str) -> Option<Arn<R>> {
    let Scope { account, region } = cluster.scope();
    let name = given.strip_prefix(&format!("arn:aws:ecs:{region}:{account}:{}/", R::WORD))?;
    is_name(name).then(|| cluster.member(name))
}

/// The name of a capacity provider that is given by name or ARN.
///
/// # Errors
/// InvalidParameterException.
pub fn capacity_provider(scope: &Scope, given: &str) -> Result<String, ecs::Error> {
    let name = match given.starts_with("arn:") {
        false => Some(given.to_owned()),
        true => CapacityProviderArn::parse(given)
            .ok()
            .filter(|it| it.scope() == *scope)
            .map(|it| it.name().to_owned()),
    };
    name.filter(|it| is_name(it)).ok_or_else(|| {
        invalid_parameter(format!(
            "Invalid identifier: {given:?} is neither the name nor the ARN of a capacity provider."
        ))
    })
}

/// How a caller names a task definition.
#[derive(Debug, PartialEq, Eq)]
pub enum TaskDefinitionName {
    /// The latest ACTIVE revision of a family.
    Family(String),
    /// One revision.
    Revision(String, u32),
}

/// A task definition as `family`, `family:revision` or ARN of either.
///
/// # Errors
/// The text itself, if it can name no task definition; operations differ in what they answer.
pub fn task_definition(scope: &Scope, given: &str) -> Result<TaskDefinitionName, String> {
    let Scope { account, region } = scope;
    let prefix = format!("arn:aws:ecs:{region}:{account}:task-definition/");
    let path = if given.starts_with("arn:") {
        given.strip_prefix(&prefix)
    } else {
        Some(given)
    };
    let path = path.ok_or_else(|| given.to_owned())?;
    let (family, revision) = match path.split_once(':') {
        None => (path, None),
        Some((family, revision)) => {
            let number = revision.parse().ok().filter(|number| *number > 0);
            (family, Some(number.ok_or_else(|| given.to_owned())?))
        }
    };
    if !is_name(family) {
        return Err(given.to_owned());
    }
    Ok(match revision {
        None => TaskDefinitionName::Family(family.to_owned()),
        Some(revision) => TaskDefinitionName::Revision(family.to_owned(), revision),
    })
}
