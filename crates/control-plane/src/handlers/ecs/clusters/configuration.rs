//! Settings and configuration of a cluster, between the wire and the record.

use api::ecs;
use domain::Scope;
use domain::account_setting::SettingName;
use domain::cluster::{
    ClusterConfiguration, ExecuteCommandConfiguration, ExecuteCommandLog, ExecuteCommandLogging,
    INSTANCE_REBALANCING, ManagedStorageConfiguration,
};
use domain::tags::Pair;
use orchestrator::transitions;
use store::Tx;

use crate::handlers::ecs::errors::{invalid_parameter, unbuilt};
use crate::handlers::ecs::services::service_connect;

/// Values of the setting that is Gantry's own.
const ON_OFF: [&str; 2] = ["enabled", "disabled"];

/// Longest name of a namespace.
const NAMESPACE_LENGTH_MAX: usize = 1024;

/// Settings of a cluster: `containerInsights` and Gantry's `instanceRebalancing`, of each the last one given.
///
/// # Errors
/// InvalidParameterException for another name or value.
pub fn settings(given: &[ecs::ClusterSetting]) -> Result<Vec<Pair>, ecs::Error> {
    let insights = SettingName::ContainerInsights;
    let mut settings: Vec<Pair> = Vec::new();
    for setting in given {
        let name = setting.name.as_ref().map_or("", |it| it.as_str());
        let wanted = setting.value.as_deref().unwrap_or_default();
        let values = match name {
            INSTANCE_REBALANCING => &ON_OFF[..],
            _ if name == insights.as_str() => insights.values(),
            _ => {
                return Err(invalid_parameter(format!(
                    "Invalid cluster setting name: {name:?}; it must be {} or {INSTANCE_REBALANCING}.",
                    insights.as_str()
                )));
            }
        };
        if !values.contains(&wanted) {
            return Err(invalid_parameter(format!(
                "Invalid cluster setting value: {wanted:?}; {name} must be one of {}.",
                values.join(", ")
            )));
        }
        settings.retain(|it| it.name != name);
        settings.push(Pair::new(name, wanted));
    }
    Ok(settings)
}

/// The ARN of the default namespace of Service Connect. A name that no namespace has yet makes an HTTP namespace, as on
/// Amazon; an empty one takes the default away.
///
/// # Errors
/// NamespaceNotFoundException for the ARN of none; InvalidParameterException for what is no name.
pub fn service_connect_namespace(
    tx: &mut Tx<'_>,
    scope: &Scope,
    given: Option<&ecs::ClusterServiceConnectDefaultsRequest>,
) -> Result<Option<String>, ecs::Error> {
    let Some(named) = given.map(|it| it.namespace.as_str()) else {
        return Ok(None);
    };
    if named.is_empty() {
        return Ok(Some(String::new()));
    }
    if named.starts_with("arn:") {
        let found = service_connect::namespace(tx.state(), scope, named)?;
        return Ok(Some(found.arn()));
    }
    let is_letter = |it: char| it.is_ascii_graphic() && !matches!(it, '/' | ':');
    if named.len() > NAMESPACE_LENGTH_MAX || !named.chars().all(is_letter) {
        return Err(invalid_parameter(format!(
            "Invalid namespace of serviceConnectDefaults: {named:?}. It is a name of up to {NAMESPACE_LENGTH_MAX} \
             letters, numbers and signs, or the ARN of a namespace."
        )));
    }
    Ok(Some(transitions::ensure_namespace(tx, scope, named).arn()))
}

/// `configuration` of a request.
///
/// # Errors
/// InvalidParameterException for logging that does not fit.
pub fn parse(given: Option<&ecs::ClusterConfiguration>) -> Result<ClusterConfiguration, ecs::Error> {
    let Some(given) = given else {
        return Ok(ClusterConfiguration::default());
    };
    let storage = given.managed_storage_configuration.as_ref();
    Ok(ClusterConfiguration {
        execute_command: given
            .execute_command_configuration
            .as_ref()
            .map(execute_command)
            .transpose()?,
        managed_storage: storage.map(|it| ManagedStorageConfiguration {
            kms_key_id: it.kms_key_id.clone(),
            fargate_ephemeral_storage_kms_key_id: it.fargate_ephemeral_storage_kms_key_id.clone(),
        }),
    })
}

fn execute_command(
    given: &ecs::ExecuteCommandConfiguration,
) -> Result<ExecuteCommandConfiguration, ecs::Error> {
    let log = given.log_configuration.as_ref();
    let word = given.logging.as_ref().map(ecs::ExecuteCommandLogging::as_str);
    let logging = match (word, log) {
        (Some("OVERRIDE"), Some(log)) => ExecuteCommandLogging::Override(override_log(log)?),
        (Some("OVERRIDE"), None) => {
            return Err(invalid_parameter(
                "You must supply a log configuration when logging is set to 'OVERRIDE'.",
            ));
        }
        (None | Some("NONE" | "DEFAULT"), Some(_)) => {
            return Err(invalid_parameter(
                "You must set logging to 'OVERRIDE' when you supply a log configuration.",
            ));
        }
        (None | Some("DEFAULT"), None) => ExecuteCommandLogging::Default,
        (Some("NONE"), None) => ExecuteCommandLogging::None,
        (Some(other), _) => {
            return Err(invalid_parameter(format!(
                "Invalid logging of executeCommandConfiguration: {other:?}; it must be NONE, DEFAULT or OVERRIDE."
            )));
        }
    };
    Ok(ExecuteCommandConfiguration {
        kms_key_id: given.kms_key_id.clone(),
        logging,
    })
}

fn override_log(given: &ecs::ExecuteCommandLogConfiguration) -> Result<ExecuteCommandLog, ecs::Error> {
    if given.s3_bucket_name.is_some() {
        return Err(unbuilt("s3BucketName of executeCommandConfiguration"));
    }
    let log = ExecuteCommandLog {
        log_group: given.cloud_watch_log_group_name.clone(),
        is_log_group_encrypted: given.cloud_watch_encryption_enabled == Some(true),
        bucket: given.s3_bucket_name.clone(),
        is_bucket_encrypted: given.s3_encryption_enabled == Some(true),
        key_prefix: given.s3_key_prefix.clone(),
    };
    if log.log_group.is_none() && log.bucket.is_none() {
        return Err(invalid_parameter(
            "The logConfiguration of executeCommandConfiguration must name a cloudWatchLogGroupName or an s3BucketName.",
        ));
    }
    Ok(log)
}

/// `configuration` as it reads back.
pub fn render(it: &ClusterConfiguration) -> Option<ecs::ClusterConfiguration> {
    let storage = |it: &ManagedStorageConfiguration| ecs::ManagedStorageConfiguration {
        kms_key_id: it.kms_key_id.clone(),
        fargate_ephemeral_storage_kms_key_id: it.fargate_ephemeral_storage_kms_key_id.clone(),
    };
    let execute_command = |it: &ExecuteCommandConfiguration| ecs::ExecuteCommandConfiguration {
        kms_key_id: it.kms_key_id.clone(),
        logging: Some(ecs::ExecuteCommandLogging::from(it.logging.as_str())),
        log_configuration: match &it.logging {
            ExecuteCommandLogging::Override(log) => Some(rendered_log(log)),
            ExecuteCommandLogging::None | ExecuteCommandLogging::Default => None,
        },
    };
    (!it.is_empty()).then(|| ecs::ClusterConfiguration {
        execute_command_configuration: it.execute_command.as_ref().map(execute_command),
        managed_storage_configuration: it.managed_storage.as_ref().map(storage),
    })
}

fn rendered_log(it: &ExecuteCommandLog) -> ecs::ExecuteCommandLogConfiguration {
    ecs::ExecuteCommandLogConfiguration {
        cloud_watch_log_group_name: it.log_group.clone(),
        cloud_watch_encryption_enabled: Some(it.is_log_group_encrypted),
        s3_bucket_name: it.bucket.clone(),
        s3_encryption_enabled: Some(it.is_bucket_encrypted),
        s3_key_prefix: it.key_prefix.clone(),
    }
}
