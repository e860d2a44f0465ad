//! One call of a webhook: what it is told, and what its answer means. As Amazon invokes Lambda functions:
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/lambda-lifecycle-hooks.html>

use std::time::Duration;

use domain::deployment_strategy::{ALL_TRAFFIC, Weight};
use domain::lifecycle_hook::HookTarget;
use domain::service::Service;
use domain::{ServiceArn, Timestamp};
use orchestrator::transitions::WebhookAnswer;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use store::State;

use super::{Asker, Due, WebhookClient, hooks, is_open};

/// An answer takes so long at most, as of a Lambda function.
const CALL_DEADLINE: Duration = Duration::from_secs(15 * 60);
/// How long a connection is waited for.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// Longest answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How often a webhook is called that cannot be reached, or answers that its server is at fault.
const ATTEMPTS: u32 = 3;
/// Wait before the second attempt; it doubles.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// Seconds until the next call if the answer does not say.
const CALL_BACK_SECONDS: u64 = 30;
/// Longest wait that an answer may ask for, in seconds.
const CALL_BACK_SECONDS_MAX: u64 = 24 * 60 * 60;
/// Of a text that is quoted, so many characters.
const QUOTED_MAX: usize = 300;

/// Calls webhooks.
pub struct Webhooks(reqwest::Client);

/// What a call needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Invocation {
    /// Where.
    pub url: String,
    /// Not before.
    pub due_at: Timestamp,
    /// What it is told.
    pub told: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    hook_status: Option<String>,
    call_back_delay: Option<u64>,
    hook_details: Option<Map<String, Value>>,
}

impl Invocation {
    /// That of a hook; `None` once nobody waits for it any more.
    pub(super) fn of(state: &State, due: &Due) -> Option<Self> {
        match &due.of {
            Asker::Service(arn) => Self::of_service(state, arn, &due.hook_id),
            Asker::CodeDeploy(key) => {
                let run = hooks(state, &due.of);
                let run = run.into_iter().find(|it| it.id == due.hook_id && is_open(it))?;
                let HookTarget::Webhook(url) = &run.hook.target else {
                    return None;
                };
                // As CodeDeploy invokes functions.
                let told = json!({ "DeploymentId": key.1, "LifecycleEventHookExecutionId": run.id });
                Some(Self {
                    url: url.clone(),
                    due_at: run.due_at,
                    told,
                })
            }
        }
    }

    fn of_service(state: &State, service: &ServiceArn, hook_id: &str) -> Option<Self> {
        let known = state.get::<Service>(service)?;
        let lifecycle = known.lifecycle.as_ref()?;
        let run = lifecycle
            .hooks
            .iter()
            .find(|it| it.id == hook_id && is_open(it))?;
        let HookTarget::Webhook(url) = &run.hook.target else {
            return None;
        };
        let deployments = state.deployments_of_service(service);
        let deployment = deployments.into_iter().find(|it| it.is_under_way())?;
        let weights = |green: Weight| -> Value {
            let sources = deployment.sources.iter();
            let mut weights: Map<String, Value> = sources
                .map(|it| (it.to_string(), json!(f64::from(ALL_TRAFFIC - green) / 10.0)))
                .collect();
            weights.insert(deployment.target.to_string(), json!(f64::from(green) / 10.0));
            Value::Object(weights)
        };
        let details = run.hook.details.as_deref();
        let details: Value = details
            .and_then(|it| serde_json::from_str(it).ok())
            .unwrap_or_else(|| json!({}));
        Some(Self {
            url: url.clone(),
            due_at: run.due_at,
            told: json!({
                "executionId": run.id,
                "lifecycleStage": lifecycle.stage.as_str(),
                "resourceArn": deployment.arn.to_string(),
                "executionDetails": {
                    "serviceArn": service.to_string(),
                    "targetServiceRevisionArn": deployment.target.to_string(),
                    "testTrafficWeights": weights(lifecycle.test_weight),
                    "productionTrafficWeights": weights(lifecycle.production_weight),
                },
                "hookDetails": details,
            }),
        })
    }
}

impl Webhooks {
    /// A client that connects to http and https.
    ///
    /// # Errors
    /// The roots of trust of this host cannot be read.
    pub fn new() -> Result<Self, reqwest::Error> {
        // Whoever comes first installs it.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder()
            .timeout(CALL_DEADLINE)
            .connect_timeout(CONNECT_DEADLINE)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        client.build().map(Self)
    }

    async fn attempt(&self, url: &str, told: &Value) -> Result<(u16, Vec<u8>), reqwest::Error> {
        let request = self.0.post(url);
        let request = request.header("content-type", "application/json");
        let mut response = request.body(told.to_string()).send().await?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                break;
            }
            body.extend_from_slice(&chunk);
        }
        Ok((response.status().as_u16(), body))
    }
}

impl WebhookClient for Webhooks {
    /// Calls until there is an answer, a few times at most.
    async fn call(&self, url: &str, told: &Value) -> WebhookAnswer {
        let mut wait = RETRY_FIRST;
        let mut attempt = 1;
        loop {
            let reason = match self.attempt(url, told).await {
                Ok((status, body)) if status < 500 => {
                    return answer(status, &body, &told["hookDetails"]);
                }
                Ok((status, body)) => format!("it answered with status {status}: {}", quoted(&body)),
                Err(error) => format!("it cannot be called: {}", causes(&error)),
            };
            if attempt == ATTEMPTS {
                return WebhookAnswer::Failed(reason);
            }
            attempt += 1;
            tokio::time::sleep(wait + jitter(wait)).await;
            wait *= 2;
        }
    }
}

/// Up to half of the wait.
fn jitter(wait: Duration) -> Duration {
    let mut byte = [0; 1];
    // Without randomness, without jitter.
    let _ = getrandom::fill(&mut byte);
    wait.mul_f64(f64::from(byte[0]) / 512.0)
}

/// What an answer means. Without a valid `hookStatus` the hook has failed.
pub fn answer(status: u16, body: &[u8], details: &Value) -> WebhookAnswer {
    if !(200..300).contains(&status) {
        return WebhookAnswer::Failed(format!("it answered with status {status}: {}", quoted(body)));
    }
    let Ok(given) = serde_json::from_slice::<Answer>(body) else {
        return WebhookAnswer::Failed(format!(
            "its answer is not the expected JSON object: {}",
            quoted(body)
        ));
    };
    match given.hook_status.as_deref() {
        Some("SUCCEEDED") => WebhookAnswer::Succeeded,
        Some("FAILED") => WebhookAnswer::Failed("hookStatus is FAILED.".to_owned()),
        Some("IN_PROGRESS") => {
            let seconds = given.call_back_delay.unwrap_or(CALL_BACK_SECONDS);
            WebhookAnswer::InProgress {
                wait: Duration::from_secs(seconds.clamp(1, CALL_BACK_SECONDS_MAX)),
                details: merged(details, given.hook_details),
            }
        }
        Some(other) => WebhookAnswer::Failed(format!(
            "hookStatus is {other:?}, and not SUCCEEDED, FAILED or IN_PROGRESS."
        )),
        None => WebhookAnswer::Failed("there is no hookStatus in its answer.".to_owned()),
    }
}

/// What it wants to be told the next time.
fn merged(details: &Value, news: Option<Map<String, Value>>) -> Option<String> {
    let news = news?;
    let mut details = details.as_object().cloned().unwrap_or_default();
    details.extend(news);
    Some(Value::Object(details).to_string())
}

fn quoted(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(QUOTED_MAX).collect()
}

/// An error with its causes.
fn causes(error: &reqwest::Error) -> String {
    let mut told = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        told.push_str(": ");
        told.push_str(&cause.to_string());
        source = cause.source();
    }
    told
}
