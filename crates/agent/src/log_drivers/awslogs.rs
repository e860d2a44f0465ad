//! The `awslogs` driver: puts a container's output into CloudWatch Logs.

use std::sync::Arc;

use api::logs;
use async_trait::async_trait;
use domain::ids::Ids;
use tokio::time::Instant;

use self::batch::batches;
use self::multiline::Joiner;
use super::follower::{BACKOFF, Sink};
use crate::backoff::random;
use crate::control_plane::{CallError, ControlPlane};
use crate::host::LogLine;

mod batch;
mod datetime;
mod multiline;
mod options;

#[cfg(test)]
mod tests;

pub use options::{AwsLogsOptions, MissingGroup};

/// Attempts at preparing a stream before its task fails.
const OPEN_ATTEMPTS: u32 = 4;
/// Attempts at putting a batch that is refused for a reason that may pass.
const REFUSED_ATTEMPTS: u32 = 8;

/// Creates the stream, and the group if that is wanted.
pub async fn open(control_plane: &ControlPlane, ids: &Ids, options: &AwsLogsOptions) -> Result<(), String> {
    if options
        .endpoint
        .as_deref()
        .is_some_and(|it| it.trim_end_matches('/') != control_plane.endpoint())
    {
        return Err(invalid(
            "awslogs-endpoint other than the agent's own is not supported",
        ));
    }
    let mut failures = 0;
    loop {
        let result = match &options.stream {
            Some(stream) => create(control_plane, options, stream).await,
            None => check_group(control_plane, options).await,
        };
        let Err(error) = result else { return Ok(()) };
        failures += 1;
        if !error.is_transient() || failures == OPEN_ATTEMPTS {
            return Err(invalid(&format!(
                "create stream has been retried {failures} times: failed to create Cloudwatch log stream: {}",
                error.text()
            )));
        }
        tokio::time::sleep(BACKOFF.pause(failures, random(ids))).await;
    }
}

fn invalid(text: &str) -> String {
    format!("ResourceInitializationError: failed to validate logger args: {text}")
}

type Failure = CallError<logs::Error>;

/// Makes the stream; it is no error if it is there.
async fn create(control_plane: &ControlPlane, options: &AwsLogsOptions, stream: &str) -> Result<(), Failure> {
    let input = logs::CreateLogStreamInput {
        log_group_name: options.group.clone(),
        log_stream_name: stream.to_owned(),
    };
    let result = put_call::<logs::CreateLogStream>(control_plane, options, &input).await;
    match (result, options.missing_group) {
        (Err(error), MissingGroup::Create) if error.code() == Some("ResourceNotFoundException") => {}
        (result, _) => return unless_exists(result.map(drop)),
    }
    create_group(control_plane, options).await?;
    unless_exists(
        put_call::<logs::CreateLogStream>(control_plane, options, &input)
            .await
            .map(drop),
    )
}

async fn create_group(control_plane: &ControlPlane, options: &AwsLogsOptions) -> Result<(), Failure> {
    let input = logs::CreateLogGroupInput {
        log_group_name: options.group.clone(),
        ..logs::CreateLogGroupInput::default()
    };
    unless_exists(
        put_call::<logs::CreateLogGroup>(control_plane, options, &input)
            .await
            .map(drop),
    )
}

/// The runtime id names the stream, which is known later only: at least the group must be there.
async fn check_group(control_plane: &ControlPlane, options: &AwsLogsOptions) -> Result<(), Failure> {
    if options.missing_group == MissingGroup::Create {
        return create_group(control_plane, options).await;
    }
    let input = logs::DescribeLogStreamsInput {
        log_group_name: Some(options.group.clone()),
        limit: Some(1),
        ..logs::DescribeLogStreamsInput::default()
    };
    put_call::<logs::DescribeLogStreams>(control_plane, options, &input)
        .await
        .map(drop)
}

async fn put_call<O: wire::Operation<Error = logs::Error>>(
    control_plane: &ControlPlane,
    options: &AwsLogsOptions,
    input: &O::Input,
) -> Result<O::Output, Failure> {
    match &options.region {
        Some(region) => control_plane.call_in::<O>(region, input).await,
        None => control_plane.call::<O>(input).await,
    }
}

fn unless_exists(result: Result<(), Failure>) -> Result<(), Failure> {
    match result {
        Err(error) if error.code() == Some("ResourceAlreadyExistsException") => Ok(()),
        other => other,
    }
}

/// Where the output of one container goes.
pub struct Stream {
    /// Where the events go.
    control_plane: Arc<ControlPlane>,
    /// For pauses.
    ids: Arc<Ids>,
    options: AwsLogsOptions,
    /// Name of the stream.
    name: String,
    joiner: Option<Joiner>,
}

impl Stream {
    /// The stream of a container.
    pub fn new(
        control_plane: Arc<ControlPlane>,
        ids: Arc<Ids>,
        options: &AwsLogsOptions,
        runtime_id: &str,
    ) -> Self {
        Self {
            control_plane,
            ids,
            name: options.stream.clone().unwrap_or_else(|| runtime_id.to_owned()),
            joiner: options.multiline.clone().map(Joiner::new),
            options: options.clone(),
        }
    }

    async fn put_all(&self, events: Vec<LogLine>) {
        for batch in batches(events) {
            self.put_batch(batch).await;
        }
    }

    /// Puts one batch, again and again unless it is refused for good.
    async fn put_batch(&self, log_events: Vec<logs::InputLogEvent>) {
        let input = logs::PutLogEventsInput {
            log_events,
            log_group_name: self.options.group.clone(),
            log_stream_name: self.name.clone(),
            ..logs::PutLogEventsInput::default()
        };
        let mut refusals = 0;
        for failures in 1.. {
            let result = put_call::<logs::PutLogEvents>(&self.control_plane, &self.options, &input).await;
            let Err(error) = result else { return };
            match error.code() {
                Some("DataAlreadyAcceptedException") => return,
                Some("ResourceNotFoundException") if refusals == 0 => {
                    refusals += 1;
                    if create(&self.control_plane, &self.options, &self.name)
                        .await
                        .is_ok()
                    {
                        continue;
                    }
                }
                _ if error.is_transient() => {}
                _ => refusals += 1,
            }
            let is_for_good = matches!(
                error.code(),
                Some("InvalidParameterException" | "ValidationException" | "ResourceNotFoundException")
            );
            let (stream, events) = (&self.name, input.log_events.len());
            if is_for_good || refusals == REFUSED_ATTEMPTS {
                tracing::error!(stream, %error, events, "output is lost");
                return;
            }
            tracing::warn!(stream, %error, "output not shipped yet");
            tokio::time::sleep(BACKOFF.pause(failures, random(&self.ids))).await;
        }
    }
}

#[async_trait]
impl Sink for Stream {
    async fn put(&mut self, lines: Vec<LogLine>) {
        let events = match &mut self.joiner {
            None => lines,
            Some(joiner) => {
                let now = Instant::now();
                let mut events = joiner.push(lines, now);
                events.extend(joiner.expired(now));
                events
            }
        };
        self.put_all(events).await;
    }

    async fn finish(&mut self) {
        if let Some(last) = self.joiner.as_mut().and_then(Joiner::finish) {
            self.put_all(vec![last]).await;
        }
    }

    fn held_back(&self) -> Option<u64> {
        self.joiner.as_ref().and_then(Joiner::open_position)
    }
}
