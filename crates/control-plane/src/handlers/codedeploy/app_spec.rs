//! AppSpecs for ECS: what the replacement task set is made of, and who is asked, in YAML or JSON.
//!
//! <https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-resources.html>

use api::ecs;
use domain::code_deploy::stage::Stage;
use serde_json::Value;

#[cfg(test)]
mod tests;

/// Longest AppSpec, in bytes: a deployment keeps it and the one before it, and the application does, in one commit.
pub const BYTES_MAX: usize = 128 * 1024;

/// What an AppSpec says.
#[derive(Clone, Debug, PartialEq)]
pub struct AppSpec {
    /// ARN, or family and revision.
    pub task_definition: String,
    /// The container that gets the traffic.
    pub container_name: String,
    /// Its port.
    pub container_port: u16,
    /// FARGATE only.
    pub platform_version: Option<String>,
    /// In `awsvpc`; that of the service if there is none.
    pub network_configuration: Option<ecs::NetworkConfiguration>,
    /// That of the service if there is none.
    pub capacity_provider_strategy: Option<Vec<ecs::CapacityProviderStrategyItem>>,
    /// By lifecycle event.
    pub hooks: Vec<(Stage, String)>,
}

/// The only version there is: <https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure.html>
fn check_version(spec: &Value) -> Result<(), String> {
    let given = match member(spec, "version") {
        None => return Err("The AppSpec file has no version: give 0.0.".to_owned()),
        Some(Value::String(given)) => given.clone(),
        Some(given) => given.to_string(),
    };
    match given == "0.0" {
        true => Ok(()),
        false => Err(format!(
            "The deployment failed because an invalid version value ({given}) was entered in the application \
             specification file. Make sure your AppSpec file specifies \"0.0\" as the version, and then try again."
        )),
    }
}

/// Reads an AppSpec. JSON is YAML too.
///
/// # Errors
/// What is wrong with it, as the end of a sentence's worth of text.
pub fn parse(text: &str) -> Result<AppSpec, String> {
    if text.len() > BYTES_MAX {
        return Err(format!("The AppSpec file has more than {BYTES_MAX} bytes."));
    }
    let spec: Value = serde_norway::from_str(text).map_err(|error| {
        format!("The input AppSpec file is a not well-formed yaml. The template cannot be parsed. {error}")
    })?;
    if !spec.is_object() {
        return Err(
            "The input AppSpec file is a not well-formed yaml. The template cannot be parsed.".to_owned(),
        );
    }
    check_version(&spec)?;
    let resources = member(&spec, "Resources").and_then(Value::as_array);
    let resources = resources.ok_or("The AppSpec file has no list of Resources.")?;
    let [resource] = &resources[..] else {
        return Err("The Resources of the AppSpec file must be exactly one.".to_owned());
    };
    let named = resource.as_object().filter(|it| it.len() == 1);
    let service = named.and_then(|it| it.values().next());
    let service = service.ok_or("The resource of the AppSpec file must be an object with one name.")?;
    match text_of(service, "Type")? {
        Some(kind) if kind == "AWS::ECS::Service" => {}
        other => {
            return Err(format!(
                "The Type of the resource must be AWS::ECS::Service, it is {}.",
                other.unwrap_or_else(|| "missing".to_owned())
            ));
        }
    }
    let properties = member(service, "Properties").ok_or("The resource has no Properties.")?;
    let load_balancer = member(properties, "LoadBalancerInfo").filter(|it| it.is_object());
    let load_balancer = load_balancer.ok_or("The Properties have no LoadBalancerInfo.")?;
    Ok(AppSpec {
        task_definition: required(properties, "TaskDefinition")?,
        container_name: required(load_balancer, "ContainerName")?,
        container_port: port(load_balancer)?,
        platform_version: text_of(properties, "PlatformVersion")?,
        network_configuration: filled(properties, "NetworkConfiguration")
            .map(network)
            .transpose()?,
        capacity_provider_strategy: filled(properties, "CapacityProviderStrategy")
            .map(capacity)
            .transpose()?,
        hooks: filled(&spec, "Hooks").map_or(Ok(Vec::new()), hooks)?,
    })
}

/// A member, whether its first letter is capital or not.
fn member<'a>(of: &'a Value, name: &str) -> Option<&'a Value> {
    let members = of.as_object()?;
    let found = members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value)
}

/// The same, if it says anything.
fn filled<'a>(of: &'a Value, name: &str) -> Option<&'a Value> {
    member(of, name).filter(|it| !it.is_null())
}

/// A text; numbers such as versions are as good.
fn text_of(of: &Value, name: &str) -> Result<Option<String>, String> {
    match filled(of, name) {
        None => Ok(None),
        Some(Value::String(it)) if it.is_empty() => Ok(None),
        Some(Value::String(it)) => Ok(Some(it.clone())),
        Some(Value::Number(it)) => Ok(Some(it.to_string())),
        Some(_) => Err(format!("{name} must be a text.")),
    }
}

fn required(of: &Value, name: &str) -> Result<String, String> {
    text_of(of, name)?.ok_or_else(|| format!("{name} is missing."))
}

fn port(of: &Value) -> Result<u16, String> {
    let given = required(of, "ContainerPort")?;
    let port = given.parse().ok().filter(|it| *it > 0);
    port.ok_or_else(|| format!("ContainerPort must be between 1 and 65535, it is {given:?}."))
}

fn texts(of: &Value, name: &str) -> Result<Vec<String>, String> {
    let list = match filled(of, name) {
        None => return Ok(Vec::new()),
        Some(list) => list.as_array().ok_or_else(|| format!("{name} must be a list."))?,
    };
    let texts = list.iter().map(|it| it.as_str().map(str::to_owned));
    texts
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| format!("{name} must be a list of texts."))
}

fn network(given: &Value) -> Result<ecs::NetworkConfiguration, String> {
    let inner = filled(given, "AwsvpcConfiguration");
    let inner = inner.ok_or("The NetworkConfiguration has no AwsvpcConfiguration.")?;
    let assign = text_of(inner, "AssignPublicIp")?;
    if let Some(other) = assign
        .as_deref()
        .filter(|it| !matches!(*it, "ENABLED" | "DISABLED"))
    {
        return Err(format!(
            "AssignPublicIp must be ENABLED or DISABLED, it is {other:?}."
        ));
    }
    Ok(ecs::NetworkConfiguration {
        awsvpc_configuration: Some(ecs::AwsVpcConfiguration {
            subnets: texts(inner, "Subnets")?,
            security_groups: Some(texts(inner, "SecurityGroups")?),
            assign_public_ip: assign.as_deref().map(ecs::AssignPublicIp::from),
        }),
    })
}

fn capacity(given: &Value) -> Result<Vec<ecs::CapacityProviderStrategyItem>, String> {
    let list = given
        .as_array()
        .ok_or("CapacityProviderStrategy must be a list.")?;
    let number = |of: &Value, name: &str| -> Result<Option<i32>, String> {
        let given = text_of(of, name)?;
        let parsed = given.map(|it| {
            it.parse()
                .map_err(|_| format!("{name} must be a number, it is {it:?}."))
        });
        parsed.transpose()
    };
    let items = list.iter().map(|it| {
        Ok(ecs::CapacityProviderStrategyItem {
            base: number(it, "Base")?,
            capacity_provider: required(it, "CapacityProvider")?,
            weight: number(it, "Weight")?,
        })
    });
    items.collect()
}

/// A list of objects, each with one or more lifecycle events and who is asked there.
fn hooks(given: &Value) -> Result<Vec<(Stage, String)>, String> {
    let list = given.as_array().ok_or("Hooks must be a list.")?;
    let mut hooks: Vec<(Stage, String)> = Vec::new();
    for item in list {
        let item = item.as_object().ok_or("Each of the Hooks must be an object.")?;
        for (name, target) in item {
            let stage = Stage::of_hook(name).ok_or_else(|| {
                format!(
                    "{name:?} is no lifecycle event that can have a hook: those are BeforeInstall, AfterInstall, \
                     AfterAllowTestTraffic, BeforeAllowTraffic and AfterAllowTraffic."
                )
            })?;
            let target = target.as_str().filter(|it| !it.is_empty());
            let target = target.ok_or_else(|| format!("The hook {name} must be a text."))?;
            if hooks.iter().any(|(known, _)| *known == stage) {
                return Err(format!("The hook {name} was given more than once."));
            }
            hooks.push((stage, target.to_owned()));
        }
    }
    Ok(hooks)
}
