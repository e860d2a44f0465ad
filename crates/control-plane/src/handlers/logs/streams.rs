//! Log streams.

use api::logs;
use telemetry::logs::{DescribeLogStreams, LogStream, StreamOrder};

use super::{blocking, error, group, limit, scope};
use crate::call::Call;

/// `CreateLogStream`.
///
/// # Errors
/// ResourceNotFoundException, ResourceAlreadyExistsException, InvalidParameterException.
pub async fn create_log_stream(
    call: Call<logs::CreateLogStream>,
) -> Result<logs::CreateLogStreamOutput, logs::Error> {
    let input = call.input();
    let (group, stream) = (&input.log_group_name, &input.log_stream_name);
    call.access()
        .logs()
        .create_stream(&scope(&call), group, stream, call.now())
        .map_err(error)?;
    Ok(logs::CreateLogStreamOutput {})
}

/// `DeleteLogStream`.
///
/// # Errors
/// ResourceNotFoundException.
pub async fn delete_log_stream(
    call: Call<logs::DeleteLogStream>,
) -> Result<logs::DeleteLogStreamOutput, logs::Error> {
    let input = call.input();
    call.access()
        .logs()
        .delete_stream(&scope(&call), &input.log_group_name, &input.log_stream_name)
        .map_err(error)?;
    Ok(logs::DeleteLogStreamOutput {})
}

/// `DescribeLogStreams`.
///
/// # Errors
/// ResourceNotFoundException, InvalidParameterException.
pub async fn describe_log_streams(
    call: Call<logs::DescribeLogStreams>,
) -> Result<logs::DescribeLogStreamsOutput, logs::Error> {
    let input = call.input();
    let scope = scope(&call);
    let group = group(
        &scope,
        input.log_group_name.as_deref(),
        input.log_group_identifier.as_deref(),
    )?;
    let order_by = input.order_by.as_ref().map(|it| it.as_str());
    let order = StreamOrder::new(order_by, input.log_stream_name_prefix.clone()).map_err(error)?;
    let describe = DescribeLogStreams {
        order,
        is_descending: input.descending == Some(true),
        limit: limit(input.limit)?,
        next_token: input.next_token.clone(),
    };
    let page = blocking(call.access().logs(), move |logs| {
        logs.describe_streams(&scope, &group, &describe)
    })
    .await?;
    Ok(logs::DescribeLogStreamsOutput {
        log_streams: Some(page.streams.iter().map(rendered).collect()),
        next_token: page.next_token,
    })
}

pub(super) fn rendered(it: &LogStream) -> logs::LogStream {
    logs::LogStream {
        arn: Some(it.arn.clone()),
        log_stream_name: Some(it.name.clone()),
        creation_time: Some(it.created_ms),
        first_event_timestamp: it.first_event_ms,
        last_event_timestamp: it.last_event_ms,
        last_ingestion_time: it.last_ingestion_ms,
        upload_sequence_token: Some(it.upload_sequence_token.clone()),
        // CloudWatch stopped counting the bytes of streams in 2019.
        stored_bytes: Some(0),
    }
}
