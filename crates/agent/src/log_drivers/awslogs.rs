//! The `awslogs` driver: reads a container's output by position and puts it into CloudWatch Logs.
//!
//! The position is saved after each batch that was accepted, so a restart loses nothing and repeats at most the
//! batch that was just on its way.

use std::sync::Arc;
use std::time::Duration;

use api::logs;
use domain::ids::Ids;
use tokio_util::sync::CancellationToken;

use self::batch::batches;
use crate::backoff::{Backoff, random};
use crate::control_plane::{CallError, ControlPlane};
use crate::host::{Host, LogLine};
use crate::tasks::record::Records;
use crate::tasks::task::{AwsLogsOptions, MissingGroup};

mod batch;

/// Bytes read from the host at a time.
const READ_BYTES: usize = 512 * 1024;
/// Pause while there is output: it is gathered so long, and Amazon's 5 s are beaten.
const BUSY_PAUSE: Duration = Duration::from_millis(250);
/// Longest pause while there is none.
const IDLE_PAUSE: Duration = Duration::from_secs(1);
/// Attempts at preparing a stream before its task fails.
const OPEN_ATTEMPTS: u32 = 4;
/// Attempts at putting a batch that is refused for a reason that may pass.
const REFUSED_ATTEMPTS: u32 = 8;
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(100),
    longest: Duration::from_secs(10),
    factor: 2.0,
    jitter: 0.2,
};

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

/// The output of one container and where it goes.
pub struct Source {
    /// Whose output is read.
    pub host: Arc<dyn Host>,
    /// Where the position is kept.
    pub records: Records,
    /// Where the events go.
    pub control_plane: Arc<ControlPlane>,
    /// For pauses.
    pub ids: Arc<Ids>,
    /// Its task.
    pub task_id: String,
    /// Its name.
    pub container: String,
    /// Its index in the task.
    pub index: usize,
    /// Name of the stream.
    pub stream: String,
    /// Group and the rest.
    pub options: AwsLogsOptions,
    /// There will be no more output.
    pub finish: CancellationToken,
    /// Stop in between; another agent goes on.
    pub shutdown: CancellationToken,
}

impl Source {
    /// Ships output until it has ended.
    pub async fn ship(self) {
        let mut position = self.records.log_position(&self.task_id, self.index).await;
        let mut pause = BUSY_PAUSE;
        let mut failures = 0;
        loop {
            // Read before the output is: what is written until then is then all.
            let is_last = self.finish.is_cancelled();
            let chunk = self
                .host
                .read_log(&self.task_id, &self.container, position, READ_BYTES)
                .await;
            match chunk {
                Ok(chunk) if chunk.next_position == position => {
                    failures = 0;
                    if is_last {
                        return;
                    }
                    pause = (pause * 2).min(IDLE_PAUSE);
                }
                Ok(chunk) => {
                    failures = 0;
                    let is_full = chunk.next_position - position >= READ_BYTES as u64 / 2;
                    self.put_all(chunk.lines).await;
                    position = chunk.next_position;
                    self.save(position).await;
                    if (is_full || is_last) && !self.shutdown.is_cancelled() {
                        continue;
                    }
                    pause = BUSY_PAUSE;
                }
                Err(error) => {
                    failures += 1;
                    tracing::warn!(task = self.task_id, container = self.container, %error, "cannot read output");
                    if failures == REFUSED_ATTEMPTS {
                        return;
                    }
                    pause = BACKOFF.pause(failures, random(&self.ids));
                }
            }
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return,
                () = self.finish.cancelled(), if !is_last => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn put_all(&self, lines: Vec<LogLine>) {
        for events in batches(lines) {
            self.put(events).await;
        }
    }

    /// Puts one batch, again and again unless it is refused for good.
    async fn put(&self, log_events: Vec<logs::InputLogEvent>) {
        let input = logs::PutLogEventsInput {
            log_events,
            log_group_name: self.options.group.clone(),
            log_stream_name: self.stream.clone(),
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
                    if create(&self.control_plane, &self.options, &self.stream)
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
            let (task, events) = (&self.task_id, input.log_events.len());
            if is_for_good || refusals == REFUSED_ATTEMPTS {
                tracing::error!(task, container = self.container, %error, events, "output is lost");
                return;
            }
            tracing::warn!(task, container = self.container, %error, "output not shipped yet");
            tokio::time::sleep(BACKOFF.pause(failures, random(&self.ids))).await;
        }
    }

    async fn save(&self, position: u64) {
        if let Err(error) = self
            .records
            .save_log_position(&self.task_id, self.index, position)
            .await
        {
            tracing::warn!(task = self.task_id, container = self.container, %error, "cannot save the log position");
        }
    }
}
