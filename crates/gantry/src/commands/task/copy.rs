//! `gantry task cp`: files go over a stream as an archive, which is made on one side and unpacked on the other.

mod sides;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use agent::host::{STREAM_QUEUE_BOUND, StreamError, TaskStream};
use agent::streams::carry;
use anyhow::{Context, Result};
use api::gantry;
use runtime::copying::{ChunkReader, ChunkWriter, Links, Owners, Root, Target, pack, unpack};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::stream::{Reach, open};
use crate::arguments::Copy;
use crate::running::running;
use sides::{InTask, Sides, contents_only, name, sides};

/// Copies.
pub fn run(arguments: &Copy) -> Result<()> {
    let sides = sides(&arguments.from, &arguments.to)?;
    let (running, key) = running(&arguments.place.data_dir()?)?;
    let reach = Reach { running, key };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let copied = runtime.block_on(async {
        match sides {
            Sides::FromTask(from, to) => from_task(&reach, arguments, &from, &to).await,
            Sides::ToTask(from, to) => to_task(&reach, arguments, &from, &to).await,
        }
    });
    // A thread that still waits for the stream ends with the process.
    runtime.shutdown_background();
    copied
}

async fn from_task(reach: &Reach, arguments: &Copy, from: &InTask, to: &Path) -> Result<()> {
    let target = gantry::StreamTarget {
        read_files: Some(gantry::ReadFiles {
            path: from.path.clone(),
            follow_link: Some(arguments.follow_link),
        }),
        ..gantry::StreamTarget::default()
    };
    let agreed = reach.ask(&input(arguments, from, target)).await?;
    let socket = open(&agreed).await?;
    let (input, inputs) = mpsc::channel(STREAM_QUEUE_BOUND);
    let (_, output) = mpsc::channel(1);
    let target = Target {
        path: here(to)?,
        name: OsString::from(name(&from.path)),
        contents_only: contents_only(&from.path),
    };
    let owners = match arguments.archive {
        true => Owners::Kept,
        false => Owners::Caller,
    };
    let root = Root::open(Path::new("/"))?;
    let mut unpacking =
        tokio::task::spawn_blocking(move || unpack(ChunkReader::new(inputs), &root, &target, owners));
    let carrying = carry(socket, stream(input, output));
    tokio::pin!(carrying);
    let left_out = tokio::select! {
        biased;
        // It fails too when the stream does, which is the reason then.
        carried = carrying.as_mut() => {
            carried?;
            unpacking.await??
        }
        unpacked = &mut unpacking => {
            let left_out = unpacked??;
            carrying.await?;
            left_out
        }
    };
    if left_out > 0 {
        eprintln!("gantry: {left_out} devices and pipes were left out");
    }
    Ok(())
}

async fn to_task(reach: &Reach, arguments: &Copy, from: &Path, to: &InTask) -> Result<()> {
    let local = here(from)?;
    let shown = from.to_string_lossy();
    let target = gantry::StreamTarget {
        write_files: Some(gantry::WriteFiles {
            path: to.path.clone(),
            name: Some(name_here(&local)?),
            contents_only: Some(contents_only(&shown)),
            keep_owners: Some(arguments.archive),
        }),
        ..gantry::StreamTarget::default()
    };
    let agreed = reach.ask(&input(arguments, to, target)).await?;
    let socket = open(&agreed).await?;
    let (input, _inputs) = mpsc::channel(1);
    let (outputs, output) = mpsc::channel(STREAM_QUEUE_BOUND);
    let root = Root::open(Path::new("/"))?;
    let links = match arguments.follow_link {
        true => Links::Followed,
        false => Links::Kept,
    };
    tokio::task::spawn_blocking(move || {
        let packed = pack(&root, &local, links, ChunkWriter::new(outputs.clone()));
        if let Err(error) = packed {
            // Nobody listens any more where the stream is over already.
            let _ = outputs.blocking_send(Err(StreamError(error.to_string())));
        }
    });
    carry(socket, stream(input, output)).await?;
    Ok(())
}

fn input(arguments: &Copy, it: &InTask, target: gantry::StreamTarget) -> gantry::OpenTaskStreamInput {
    gantry::OpenTaskStreamInput {
        cluster: arguments.cluster.clone(),
        task: it.task.clone(),
        container: arguments.container.clone(),
        target,
    }
}

fn stream(
    input: mpsc::Sender<bytes::Bytes>,
    output: mpsc::Receiver<Result<bytes::Bytes, StreamError>>,
) -> TaskStream {
    TaskStream {
        input,
        output,
        guard: CancellationToken::new().drop_guard(),
    }
}

/// A path here, with the slash at its end if it has one.
fn here(path: &Path) -> Result<PathBuf> {
    let folder = std::env::current_dir().context("there is no current folder")?;
    Ok(folder.join(path))
}

/// The name that something here has, `.` and the like too.
fn name_here(path: &Path) -> Result<String> {
    let name = match path.file_name() {
        Some(name) => name.to_owned(),
        None => {
            let real = path.canonicalize();
            let real = real.with_context(|| format!("there is no {}", path.display()))?;
            real.file_name().unwrap_or_default().to_owned()
        }
    };
    let name = name.into_string();
    name.map_err(|it| anyhow::anyhow!("the name {} is not UTF-8", it.display()))
}
