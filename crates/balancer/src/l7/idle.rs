//! Connections in the clear on which nothing happens. One task watches all of a balancer's: each of them holds its
//! socket and where it comes from, and no state of a task of its own.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::client_socket::ClientSocket;
use super::connection::{Visit, serve_clear};
use crate::site::Site;
use crate::sockets::watched;

/// How long a task of its own waits for the next request of a connection. Clients that ask often never notice.
pub(super) const PATIENCE: Duration = Duration::from_millis(250);
/// Connections that are woken at one time.
const WOKEN_AT_ONCE: usize = 64;
/// Least time between two looks for those that have waited too long: each looks at all.
const LOOK_PAUSE: Duration = Duration::from_secs(1);

/// Connections that wait for their next request.
pub(crate) struct IdleConnections {
    epoll: AsyncFd<OwnedFd>,
    waiting: Mutex<Waiting>,
    /// [`Waiting::look_at`] is sooner than it was.
    sooner: Notify,
}

#[derive(Default)]
struct Waiting {
    connections: HashMap<RawFd, Idle>,
    /// When the next one may have waited too long.
    look_at: Option<Instant>,
}

struct Idle {
    visit: Visit,
    stream: std::net::TcpStream,
    until: Instant,
}

impl IdleConnections {
    /// None yet. Needs a tokio runtime around it.
    ///
    /// # Errors
    /// There are as many open files as may be.
    pub(crate) fn new() -> io::Result<Arc<Self>> {
        Ok(Arc::new(Self {
            epoll: watched(epoll::create(epoll::CreateFlags::CLOEXEC)?)?,
            waiting: Mutex::default(),
            sooner: Notify::new(),
        }))
    }

    /// Keeps a connection until a request comes, its client ends it, its site stops, or `until`.
    pub(super) fn keep(&self, visit: Visit, socket: ClientSocket, until: Instant) {
        let kept = socket.into_unwatched().and_then(|stream| {
            let mut waiting = self.waiting.lock();
            // whoever stops a site looks here once, after it has said so
            if visit.site().stop.is_cancelled() {
                return Ok(());
            }
            let key = stream.as_raw_fd();
            let data = epoll::EventData::new_u64(u64::from(key.cast_unsigned()));
            let wanted = epoll::EventFlags::IN | epoll::EventFlags::RDHUP;
            epoll::add(&self.epoll, &stream, data, wanted)?;
            let idle = Idle { visit, stream, until };
            waiting.connections.insert(key, idle);
            if waiting.look_at.is_none_or(|it| until < it) {
                waiting.look_at = Some(until);
                self.sooner.notify_one();
            }
            Ok(())
        });
        if let Err(error) = kept {
            tracing::debug!(%error, "an idle connection ends");
        }
    }

    /// Ends those of a site that has stopped.
    pub(crate) fn end(&self, site: &Arc<Site>) {
        self.end_all(|it| Arc::ptr_eq(it.visit.site(), site));
    }

    /// How many there are.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.waiting.lock().connections.len()
    }

    /// Wakes those that something comes for and ends those that have waited too long. Does not end.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            let look_at = self.waiting.lock().look_at;
            let looking = async {
                match look_at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                ready = self.epoll.readable() => match ready {
                    Ok(mut ready) => match self.wake() {
                        // others get their turn
                        WOKEN_AT_ONCE.. => tokio::task::yield_now().await,
                        _ => ready.clear_ready(),
                    },
                    // the runtime ends
                    Err(_) => return,
                },
                () = self.sooner.notified() => {}
                () = looking => self.look(Instant::now()),
            }
        }
    }

    /// Gives connections tasks again; how many something came for.
    fn wake(&self) -> usize {
        let mut events = Vec::with_capacity(WOKEN_AT_ONCE);
        let at_once = Timespec::default();
        if let Err(error) = epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&at_once)) {
            tracing::warn!(%error, "idle connections cannot be watched");
        }
        for event in &events {
            let key = u32::try_from(event.data.u64()).map(u32::cast_signed);
            let woken = key
                .ok()
                .and_then(|it| self.waiting.lock().connections.remove(&it));
            let Some(Idle { visit, stream, .. }) = woken else {
                continue;
            };
            match epoll::delete(&self.epoll, &stream) {
                Ok(()) => drop(tokio::spawn(serve_clear(visit, ClientSocket::new(stream)))),
                Err(error) => tracing::debug!(%error, "an idle connection ends"),
            }
        }
        events.len()
    }

    fn look(&self, now: Instant) {
        self.end_all(|it| it.until <= now);
        let mut waiting = self.waiting.lock();
        let next = waiting.connections.values().map(|it| it.until).min();
        waiting.look_at = next.map(|it| it.max(now + LOOK_PAUSE));
        let (held, room) = (waiting.connections.len(), waiting.connections.capacity());
        if held < room / 4 {
            waiting.connections.shrink_to_fit();
        }
    }

    fn end_all(&self, mut ends: impl FnMut(&Idle) -> bool) {
        let ended: Vec<Idle> = {
            let mut waiting = self.waiting.lock();
            let ended = waiting.connections.extract_if(|_, it| ends(it));
            ended.map(|(_, it)| it).collect()
        };
        // closing takes its time, and others need not wait for it
        drop(ended);
    }
}
