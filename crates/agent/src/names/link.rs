//! The link to the process that answers: tells it all names when it is there, and then what has changed.

use std::sync::Arc;
use std::time::Duration;

use domain::ids::Ids;
use domain::served_names::{NamesMessage, ServedNames};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::backoff::random;
use crate::following::RECONNECT;
use crate::host::Host;

/// How long the process may take to read what it is told.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);

/// The link.
pub struct Link {
    /// Where the process runs.
    pub host: Arc<dyn Host>,
    /// For jitter.
    pub ids: Arc<Ids>,
    /// What the control plane says; messages that belong together come together.
    pub news: mpsc::Receiver<Vec<NamesMessage>>,
    /// The agent ends; the process goes on.
    pub shutdown: CancellationToken,
}

/// What is known here; `None` until the control plane has said it.
type Known = Option<ServedNames>;

/// The agent ends.
struct Shutdown;

impl Link {
    /// Keeps the process informed until the agent ends.
    pub async fn run(mut self) {
        let mut known = None;
        let mut failures = 0;
        loop {
            let Ok(stream) = self.connect(&mut known).await else {
                return;
            };
            let begun = tokio::time::Instant::now();
            if let Some(stream) = stream
                && self.exchange(stream, &mut known).await.is_err()
            {
                return;
            }
            if begun.elapsed() > RECONNECT.longest {
                failures = 0;
            }
            failures += 1;
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return,
                () = tokio::time::sleep(RECONNECT.pause(failures, random(&self.ids))) => {}
            }
        }
    }

    /// Waits for the process; what is heard meanwhile is kept.
    async fn connect(&mut self, known: &mut Known) -> Result<Option<UnixStream>, Shutdown> {
        let host = Arc::clone(&self.host);
        let mut connecting = host.open_resolver();
        loop {
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return Err(Shutdown),
                connected = &mut connecting => {
                    let failed = |error: &_| tracing::warn!(%error, "the resolver of VPCs does not run");
                    return Ok(connected.inspect_err(failed).ok());
                }
                Some(parts) = self.news.recv() => apply(known, &parts),
            }
        }
    }

    /// Until the process is gone.
    async fn exchange(&mut self, stream: UnixStream, known: &mut Known) -> Result<(), Shutdown> {
        let (mut reader, mut writer) = stream.into_split();
        if let Some(known) = known.as_ref()
            && !tell(&mut writer, &known.whole()).await
        {
            return Ok(());
        }
        loop {
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return Err(Shutdown),
                // It says nothing: it is gone.
                _ = reader.read_u8() => return Ok(()),
                Some(parts) = self.news.recv() => {
                    apply(known, &parts);
                    let is_anew = parts.iter().any(|it| it.is_whole);
                    let whole = known.as_ref().filter(|_| is_anew).map(ServedNames::whole);
                    for part in whole.map_or(parts, |it| vec![it]) {
                        if !tell(&mut writer, &part).await {
                            return Ok(());
                        }
                    }
                }
            }
        }
    }
}

fn apply(known: &mut Known, parts: &[NamesMessage]) {
    let known = known.get_or_insert_default();
    parts.iter().for_each(|it| known.apply(it.clone()));
}

/// `false` if it cannot be told.
async fn tell(writer: &mut tokio::net::unix::OwnedWriteHalf, message: &NamesMessage) -> bool {
    let Ok(mut line) = serde_json::to_vec(message) else {
        return false;
    };
    line.push(b'\n');
    matches!(timeout(WRITE_DEADLINE, writer.write_all(&line)).await, Ok(Ok(())))
}
