//! Secrets of tasks: fetched with the execution role before the first container starts, kept in memory until the task
//! is over. They are never in the agent's records: after a restart of the agent they are fetched again when needed.

mod reference;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{secretsmanager, ssm};
use parking_lot::Mutex;

use crate::control_plane::{CallError, ControlPlane};
use crate::credentials::{Credentials, RoleCredentials, RoleType};
use crate::tasks::task::Task;

use reference::SecretReference;

/// Most parameters of one GetParameters.
const PARAMETERS_MAX: usize = 10;
/// Attempts at each call.
const ATTEMPTS: u32 = 3;
/// Pause before the second attempt; it doubles with each further one.
const ATTEMPT_PAUSE: std::time::Duration = std::time::Duration::from_millis(200);
/// What every reason begins with.
const FAILED: &str = "unable to pull secrets or registry auth: execution resource retrieval failed";

/// A variable whose value comes from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretSource {
    /// The variable.
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

/// Variables of each container of a task. It has no `Debug`.
pub type Values = Vec<BTreeMap<String, String>>;

/// Values by the sources that they come from: a parameter by region and name, a secret by region and reference.
type Found = BTreeMap<(String, String), String>;

/// Fetches and keeps.
pub struct Secrets {
    control_plane: Arc<ControlPlane>,
    credentials: Arc<Credentials>,
    /// By task ARN.
    of_tasks: Mutex<BTreeMap<String, Arc<Values>>>,
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

    /// Variables of the containers of a task, from memory if they were fetched before.
    ///
    /// # Errors
    /// A reason in Amazon's words, which names no value.
    pub async fn values(&self, task: &Task) -> Result<Arc<Values>, String> {
        if task.containers.iter().all(|it| it.secrets.is_empty()) {
            return Ok(Arc::new(vec![BTreeMap::new(); task.containers.len()]));
        }
        let known = self.of_tasks.lock().get(&task.arn).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let fetched = self.fetch(task).await.map_err(|it| format!("{FAILED}: {it}"))?;
        let fetched = Arc::new(fetched);
        self.of_tasks.lock().insert(task.arn.clone(), fetched.clone());
        Ok(fetched)
    }

    /// The task is over.
    pub fn forget(&self, task_arn: &str) {
        self.of_tasks.lock().remove(task_arn);
    }

    async fn fetch(&self, task: &Task) -> Result<Values, String> {
        let role = self.credentials.wait_for(&task.arn, RoleType::Execution).await;
        let role = role.ok_or("unable to retrieve credentials of the execution role")?;
        let all = || task.containers.iter().flat_map(|it| &it.secrets);
        let mut found = Found::new();
        let mut names: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for it in all().filter(|it| it.provider == Provider::Ssm) {
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
        for it in all().filter(|it| it.provider == Provider::Asm) {
            self.secret(&role, it, &mut found).await?;
        }
        let of_container = task.containers.iter().map(|container| {
            let variables = container.secrets.iter().map(|it| {
                let value = found.get(&(it.region.clone(), it.value_from.clone()));
                Some((it.name.clone(), value?.clone()))
            });
            variables.collect::<Option<_>>()
        });
        of_container
            .collect::<Option<_>>()
            .ok_or_else(|| "a secret was not found".to_owned())
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
