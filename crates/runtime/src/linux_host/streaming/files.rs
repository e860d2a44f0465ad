//! Files of a container as an archive, through the root directory of its first process.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use agent::host::{STREAM_QUEUE_BOUND, StreamError, StreamTarget, TaskStream};
use bytes::Bytes;
use rustix::fs::OFlags;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::Reached;
use crate::copying::{ChunkReader, ChunkWriter, CopyError, Links, Owners, Root, Target, pack, unpack};

type Outputs = mpsc::Sender<Result<Bytes, StreamError>>;

/// Reads a file or directory.
pub fn read(
    places: Arc<Semaphore>,
    container: &Reached,
    path: PathBuf,
    follow_link: bool,
) -> Result<TaskStream, StreamError> {
    let root = root(container)?;
    let links = match follow_link {
        true => Links::Followed,
        false => Links::Kept,
    };
    begin(places, container, move |_, outputs| {
        pack(&root, &path, links, ChunkWriter::new(outputs.clone()))
    })
}

/// Writes what comes.
pub fn write(
    places: Arc<Semaphore>,
    container: &Reached,
    target: &StreamTarget,
) -> Result<TaskStream, StreamError> {
    let StreamTarget::WriteFiles {
        path,
        name,
        contents_only,
        keep_owners,
    } = target
    else {
        return Err(StreamError("nothing is to be written".to_owned()));
    };
    let target = Target {
        path: path.clone(),
        name: OsString::from(name),
        contents_only: *contents_only,
    };
    let owners = match keep_owners {
        true => Owners::Kept,
        false => Owners::Root,
    };
    let root = root(container)?;
    begin(places, container, move |inputs, _| {
        let left_out = unpack(ChunkReader::new(inputs), &root, &target, owners)?;
        if left_out > 0 {
            tracing::debug!(left_out, "devices and pipes were not copied into a container");
        }
        Ok(())
    })
}

fn root(container: &Reached) -> Result<Root, StreamError> {
    let opened = container.open("root", OFlags::PATH | OFlags::DIRECTORY)?;
    Ok(Root::new(opened))
}

/// Copies on a thread that may block; how it failed is the last that is said.
fn begin(
    places: Arc<Semaphore>,
    container: &Reached,
    copy: impl FnOnce(mpsc::Receiver<Bytes>, &Outputs) -> Result<(), CopyError> + Send + 'static,
) -> Result<TaskStream, StreamError> {
    let place = places.try_acquire_owned().map_err(|_| {
        StreamError("too many copies go on on this host: try again when one has ended".to_owned())
    })?;
    let (input, inputs) = mpsc::channel(STREAM_QUEUE_BOUND);
    let (outputs, output) = mpsc::channel(STREAM_QUEUE_BOUND);
    let name = container.container.clone();
    tokio::task::spawn_blocking(move || {
        let copied = copy(inputs, &outputs);
        if let Err(error) = copied {
            // Nobody may listen any more.
            let _ = outputs.blocking_send(Err(StreamError(format!("container {name}: {error}"))));
        }
        drop::<OwnedSemaphorePermit>(place);
    });
    Ok(TaskStream {
        input,
        output,
        // Both queues end with it, and so does the copy.
        guard: CancellationToken::new().drop_guard(),
    })
}
