//! Secrets of tasks, and files with variables: fetched with the execution role before the first container starts, kept in memory until the task
//! is over. They are never in the agent's records: after a restart of the agent they are fetched again when needed.

mod files;
mod reference;
mod registry_login;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{secretsmanager, ssm};
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::control_plane::{CallError, ControlPlane};
use crate::credentials::{Credentials, RoleCredentials, RoleType};
use crate::image_pulls::ImageCredentials;
use crate::tasks::task::{Container, Task};

use reference::SecretReference;
use registry_login::credentials;

/// Most parameters of one GetParameters.
const PARAMETERS_MAX: usize = 10;
/// Attempts at each call.
const ATTEMPTS: u32 = 3;
/// Pause before the second attempt; it doubles with each further one.
const ATTEMPT_PAUSE: std::time::Duration = std::time::Duration::from_millis(200);
/// What every reason begins with.
const FAILED: &str = "unable to pull secrets or registry auth: execution resource retrieval failed";

/// A variable, or an option of a log driver, whose value comes from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretSource {
    /// The variable or option.
    pub name: String,
    /// Name of a parameter, or ARN of a secret.
    pub value_from: String,
    /// Where it is.
    pub region: String,
    /// Which service has it.
    pub provider: Provider,
}

/// Which service has a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// The Parameter Store.
    Ssm,
    /// Secrets Manager.
    Asm,
}

/// A secret that holds the login of a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryLogin {
    /// ARN of the secret, or its name.
    pub secret_id: String,
    /// Where it is.
    pub region: String,
}

/// What was fetched for one container. It has no `Debug`.
#[derive(Clone, Default)]
pub struct ContainerSecrets {
    /// Variables.
    pub environment: BTreeMap<String, String>,
    /// Variables out of files, which count less than others.
    pub file_environment: BTreeMap<String, String>,
    /// Options of its log driver.
    pub log_options: BTreeMap<String, String>,
    /// For the registry of its image.
    pub registry: Option<ImageCredentials>,
}

/// Of each container of a task.
pub type Values = Vec<ContainerSecrets>;

/// Fetched once, whoever asks first.
type Fetched = Arc<OnceCell<Arc<Values>>>;

/// Values by the sources that they come from: a parameter by region and name, a secret by region and reference.
type Found = BTreeMap<(String, String), String>;

/// Fetches and keeps.
pub struct Secrets {
    control_plane: Arc<ControlPlane>,
    credentials: Arc<Credentials>,
    /// By task ARN.
    of_tasks: Mutex<BTreeMap<String, Fetched>>,
}

impl Secrets {
    /// None yet.
    pub fn new(control_plane: Arc<ControlPlane>, credentials: Arc<Credentials>) -> Self {
        Self {
            control_plane,
            credentials,
            of_tasks: Mutex::default(),
        }
    }

    /// Secrets of the containers of a task, from memory if they were fetched before.
    ///
    /// # Errors
    /// A reason in Amazon's words, which names no value.
    pub async fn values(&self, task: &Task) -> Result<Arc<Values>, String> {
        let has_files = |it: &Container| !it.environment_files.files.is_empty();
        if !task.containers.iter().any(|it| has_secrets(it) || has_files(it)) {
            return Ok(Arc::new(none(task)));
        }
        let cell = self.of_tasks.lock().entry(task.arn.clone()).or_default().clone();
        let fetch = async {
            let fetched = self.fetch(task).await;
            let mut values = fetched.map_err(|it| format!("{FAILED}: {it}"))?;
            self.add_files(task, &mut values).await?;
            Ok(Arc::new(values))
        };
        let fetched = cell.get_or_try_init(|| fetch).await;
        fetched.cloned()
    }

    /// The task is over.
    pub fn forget(&self, task_arn: &str) {
        self.of_tasks.lock().remove(task_arn);
    }

    async fn fetch(&self, task: &Task) -> Result<Values, String> {
        if !task.containers.iter().any(has_secrets) {
            return Ok(none(task));
        }
        let role = self.credentials.wait_for(&task.arn, RoleType::Execution).await;
        let role = role.ok_or("unable to retrieve credentials of the execution role")?;
        let sources = |it: &'_ Container| {
            it.secrets
                .iter()
                .chain(&it.log_secrets)
                .cloned()
                .collect::<Vec<_>>()
        };
        let all: Vec<SecretSource> = task.containers.iter().flat_map(sources).collect();
        let mut found = Found::new();
        let mut names: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for it in all.iter().filter(|it| it.provider == Provider::Ssm) {
            let of_region = names.entry(&it.region).or_default();
            if !of_region.contains(&it.value_from) {
                of_region.push(it.value_from.clone());
            }
        }
        for (region, names) in names {
            for part in names.chunks(PARAMETERS_MAX) {
                self.parameters(&role, region, part, &mut found).await?;
            }
        }
        for it in all.iter().filter(|it| it.provider == Provider::Asm) {
            self.secret(&role, it, &mut found).await?;
        }
        let mut values = Values::with_capacity(task.containers.len());
        for container in &task.containers {
            let registry = match &container.registry_login {
                Some(login) => Some(self.registry_login(&role, login).await?),
                None => None,
            };
            values.push(ContainerSecrets {
                environment: named(&container.secrets, &found)?,
                file_environment: BTreeMap::new(),
                log_options: named(&container.log_secrets, &found)?,
                registry,
            });
        }
        Ok(values)
    }

    async fn parameters(
        &self,
        role: &RoleCredentials,
        region: &str,
        names: &[String],
        found: &mut Found,
    ) -> Result<(), String> {
        let failed = |text: String| {
            format!("unable to retrieve secrets from ssm: service call has been retried 1 time(s): {text}")
        };
        let input = ssm::GetParametersInput {
            names: names.to_vec(),
            with_decryption: Some(true),
        };
        let answer = self.call::<ssm::GetParameters>(role, region, &input).await;
        let answer = answer.map_err(|it| failed(it.text()))?;
        let mut missing = answer.invalid_parameters.unwrap_or_default();
        for it in answer.parameters.unwrap_or_default() {
            let (Some(name), Some(value)) = (it.name, it.value) else {
                continue;
            };
            let name = format!("{name}{}", it.selector.unwrap_or_default());
            found.insert((region.to_owned(), name), value);
        }
        let is_found = |name: &String| found.contains_key(&(region.to_owned(), name.clone()));
        missing.extend(
            names
                .iter()
                .filter(|it| !is_found(it) && !missing.contains(it))
                .cloned()
                .collect::<Vec<_>>(),
        );
        if missing.is_empty() {
            return Ok(());
        }
        Err(failed(format!("invalid ssm parameters: {}", missing.join(", "))))
    }

    async fn secret(
        &self,
        role: &RoleCredentials,
        source: &SecretSource,
        found: &mut Found,
    ) -> Result<(), String> {
        let key = (source.region.clone(), source.value_from.clone());
        if found.contains_key(&key) {
            return Ok(());
        }
        let failed = |text: String| {
            format!("unable to retrieve secret from asm: service call has been retried 1 time(s): {text}")
        };
        let reference = SecretReference::parse(&source.value_from)
            .ok_or_else(|| failed(format!("invalid secret ARN {}", source.value_from)))?;
        let input = secretsmanager::GetSecretValueInput {
            secret_id: reference.arn.clone(),
            version_id: reference.version_id.clone(),
            version_stage: reference.version_stage.clone(),
        };
        let answer = self
            .call::<secretsmanager::GetSecretValue>(role, &source.region, &input)
            .await;
        let answer = answer.map_err(|it| {
            failed(format!(
                "failed to fetch secret {} from secrets manager: {}",
                reference.arn,
                it.text()
            ))
        })?;
        let text = answer.secret_string.ok_or_else(|| {
            failed(format!(
                "secret {} is binary: it has no SecretString",
                reference.arn
            ))
        })?;
        found.insert(key, reference.value(text).map_err(failed)?);
        Ok(())
    }

    async fn registry_login(
        &self,
        role: &RoleCredentials,
        login: &RegistryLogin,
    ) -> Result<ImageCredentials, String> {
        let failed = |text: String| {
            format!("unable to get registry auth from asm: service call has been retried 1 time(s): {text}")
        };
        let input = secretsmanager::GetSecretValueInput {
            secret_id: login.secret_id.clone(),
            ..secretsmanager::GetSecretValueInput::default()
        };
        let answer = self
            .call::<secretsmanager::GetSecretValue>(role, &login.region, &input)
            .await;
        let answer = answer.map_err(|it| {
            let (id, text) = (&login.secret_id, it.text());
            failed(format!("asm fetching secret from the service for {id}: {text}"))
        })?;
        credentials(answer.secret_string.as_deref()).map_err(|it| failed(it.to_owned()))
    }

    /// A call as the execution role, with a few attempts.
    async fn call<O: wire::Operation>(
        &self,
        role: &RoleCredentials,
        region: &str,
        input: &O::Input,
    ) -> Result<O::Output, CallError<O::Error>> {
        let mut pause = ATTEMPT_PAUSE;
        for _ in 1..ATTEMPTS {
            match self.control_plane.call_as::<O>(role, region, input).await {
                Err(error) if error.is_transient() => {}
                answer => return answer,
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        self.control_plane.call_as::<O>(role, region, input).await
    }
}

fn none(task: &Task) -> Values {
    vec![ContainerSecrets::default(); task.containers.len()]
}

fn has_secrets(it: &Container) -> bool {
    !it.secrets.is_empty() || !it.log_secrets.is_empty() || it.registry_login.is_some()
}

/// The values that were found, under the names that they are wanted for.
fn named(sources: &[SecretSource], found: &Found) -> Result<BTreeMap<String, String>, String> {
    let values = sources.iter().map(|it| {
        let value = found.get(&(it.region.clone(), it.value_from.clone()));
        Some((it.name.clone(), value?.clone()))
    });
    values
        .collect::<Option<_>>()
        .ok_or_else(|| "a secret was not found".to_owned())
}
