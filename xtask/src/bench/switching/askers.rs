//! Clients that ask a load balancer without a pause. Nothing is tried twice.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use anyhow::{Result, anyhow, ensure};
use futures_util::future::join_all;

use crate::bench::exchange::Exchange;

/// Clients that ask at once. Every other one makes a connection for each request.
const CLIENTS: usize = 16;
/// Failures after which it is not worth while to go on.
const FAILURES_MAX: usize = 100;

/// Clients at work.
pub struct Askers {
    asked: Arc<Asked>,
    thread: JoinHandle<Result<()>>,
}

/// What has been asked.
#[derive(Default)]
pub struct Asked {
    begun: AtomicUsize,
    answered: AtomicUsize,
    failures: Mutex<Vec<String>>,
}

impl Asked {
    /// Tells it at once, next to the deployment that goes on. Answers how many there are.
    fn fail(&self, begun: Instant, error: &anyhow::Error) -> usize {
        let failure = format!("after {:.2} s: {error:#}", begun.elapsed().as_secs_f64());
        println!("a request failed {failure}");
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.push(failure);
        failures.len()
    }

    /// Requests with an answer of a task.
    pub fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    /// Why the others had none.
    pub fn failures(&self) -> Vec<String> {
        self.failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Askers {
    /// Asks `host:port` so many times in all.
    ///
    /// # Errors
    /// No thread can be had.
    pub fn start(host: &str, wanted: usize) -> Result<Self> {
        let asked = Arc::new(Asked::default());
        let (host, known) = (host.to_owned(), Arc::clone(&asked));
        let work = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let clients = (0..CLIENTS).map(|it| ask(&host, it % 2 == 0, wanted, &known));
            runtime.block_on(join_all(clients));
            Ok(())
        };
        let thread = std::thread::Builder::new()
            .name("askers".to_owned())
            .spawn(work)?;
        Ok(Self { asked, thread })
    }

    /// What has been asked until now.
    pub fn asked(&self) -> &Asked {
        &self.asked
    }

    /// All was asked that was wanted, or too much failed.
    pub fn have_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits for the last answers.
    ///
    /// # Errors
    /// They could not even begin.
    pub fn end(self) -> Result<Arc<Asked>> {
        self.thread
            .join()
            .map_err(|_| anyhow!("the clients have panicked"))??;
        Ok(self.asked)
    }
}

/// One client.
async fn ask(host: &str, keeps_alive: bool, wanted: usize, asked: &Asked) {
    let request = format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n");
    let (begun, mut kept) = (Instant::now(), None);
    while asked.begun.fetch_add(1, Ordering::Relaxed) < wanted {
        match exchange(host, &mut kept, request.as_bytes()).await {
            Ok(()) => {
                asked.answered.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                kept = None;
                if asked.fail(begun, &error) >= FAILURES_MAX {
                    return;
                }
            }
        }
        if !keeps_alive {
            kept = None;
        }
    }
}

async fn exchange(host: &str, kept: &mut Option<Exchange>, request: &[u8]) -> Result<()> {
    let connection = match kept {
        Some(connection) => connection,
        None => kept.insert(Exchange::to(host).await?),
    };
    let body = connection.send(request).await?;
    ensure!(
        body.starts_with(b"revision "),
        "{}",
        String::from_utf8_lossy(body)
    );
    Ok(())
}
