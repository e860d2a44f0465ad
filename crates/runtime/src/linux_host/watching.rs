//! Watching the shims: exits become events, also when a shim itself dies.

use std::sync::Arc;
use std::time::Duration;

use agent::host::{ContainerExit, HostEvent};
use jiff::Timestamp;

use super::sandbox::{Container, Sandbox, exit_of};
use super::{Inner, blocking};
use crate::shim_client::Subscription;
use crate::shim_process;

#[cfg(test)]
mod tests;

/// Pauses between two attempts to reach a shim that lives.
const RETRY: Duration = Duration::from_millis(200);
/// Attempts to reach a shim that lives, before it is given up.
const MAX_ATTEMPTS: usize = 25;
/// Pause before the start of a container must be known whose exit is.
const START_PAUSE: Duration = Duration::from_millis(10);
/// Exit code of a container that was killed with its shim.
pub const KILLED: i32 = 128 + libc::SIGKILL;

/// Whether an exit is news.
#[derive(Debug, PartialEq)]
enum Noted {
    New,
    Known,
    TooEarly,
}

impl Sandbox {
    fn note_exit(&self, name: &str, exit: &ContainerExit) -> Noted {
        // Told apart by what it says and not by its time: the clock of the host may have been set back.
        let is_old = self.ends_before.lock().get(name) == Some(exit);
        match self.containers.lock().get_mut(name) {
            Some(Container::Started(_, Some(_))) => Noted::Known,
            // Of its life before it was started again.
            Some(Container::Started(..)) if is_old => Noted::Known,
            Some(Container::Started(_, known)) => {
                *known = Some(exit.clone());
                Noted::New
            }
            Some(Container::Starting) | None => Noted::TooEarly,
        }
    }
}

impl Inner {
    /// Turns a shim's news into events, as long as it lives.
    pub fn watch(self: &Arc<Self>, sandbox: Arc<Sandbox>, subscription: Subscription) {
        let inner = self.clone();
        tokio::spawn(async move {
            let mut subscription = subscription;
            loop {
                while let Some(news) = subscription.next().await {
                    inner.report(&sandbox, &news.container, exit_of(news.exit)).await;
                }
                if sandbox.is_ending() {
                    return;
                }
                match inner.reconnect(&sandbox).await {
                    Some(again) => subscription = again,
                    None => return inner.bury(&sandbox).await,
                }
            }
        });
    }

    /// Reports an exit once.
    async fn report(&self, sandbox: &Sandbox, name: &str, exit: ContainerExit) {
        match sandbox.note_exit(name, &exit) {
            Noted::New => self.send(sandbox, name, exit).await,
            Noted::Known => {}
            Noted::TooEarly => self.report_early(sandbox, name, exit).await,
        }
    }

    /// Waits for the start of a container that has already ended: its exit must not come first.
    async fn report_early(&self, sandbox: &Sandbox, name: &str, exit: ContainerExit) {
        for _ in 0..MAX_ATTEMPTS {
            tokio::time::sleep(START_PAUSE).await;
            match sandbox.note_exit(name, &exit) {
                Noted::New => return self.send(sandbox, name, exit).await,
                Noted::Known => return,
                Noted::TooEarly => {}
            }
        }
        tracing::warn!(
            task = sandbox.task_id,
            container = name,
            "an exit came without its start"
        );
    }

    async fn send(&self, sandbox: &Sandbox, name: &str, exit: ContainerExit) {
        let event = HostEvent::ContainerExited {
            task_id: sandbox.task_id.clone(),
            container: name.to_owned(),
            exit,
        };
        // Nobody listens once the agent ends; the shims remember.
        drop(self.events.send(event).await);
    }

    /// Asks again a shim that lives but has closed the connection; `None` if it is dead.
    async fn reconnect(&self, sandbox: &Arc<Sandbox>) -> Option<Subscription> {
        for _ in 0..MAX_ATTEMPTS {
            let directory = sandbox.directory.path().to_owned();
            match blocking(move || shim_process::living_shim(&directory)).await {
                Ok(Ok(None)) => return None,
                _ if sandbox.is_ending() => return None,
                _ => {}
            }
            if let Ok((statuses, subscription)) = sandbox.shim.subscribe().await {
                for status in statuses {
                    if let Some(exit) = status.exit {
                        self.report(sandbox, &status.container, exit_of(exit)).await;
                    }
                }
                return Some(subscription);
            }
            tokio::time::sleep(RETRY).await;
        }
        tracing::warn!(task = sandbox.task_id, "its shim lives but cannot be reached");
        None
    }

    /// Ends what a dead shim has left, and reports it.
    async fn bury(self: &Arc<Self>, sandbox: &Arc<Sandbox>) {
        if sandbox.is_ending() {
            return;
        }
        tracing::warn!(task = sandbox.task_id, "its shim died; its containers are killed");
        let (inner, task_id) = (self.clone(), sandbox.task_id.clone());
        if let Ok(Err(error)) = blocking(move || inner.cgroups.kill_task(&task_id)).await {
            tracing::error!(task = sandbox.task_id, %error, "processes of a dead shim survive");
        }
        // One that lives on is waited for when its sandbox goes.
        if let Some(child) = sandbox.child.lock().as_mut() {
            drop(child.try_wait());
        }
        let names: Vec<String> = sandbox.containers.lock().keys().cloned().collect();
        for name in names {
            let exit = self.last_exit(sandbox, &name);
            self.report(sandbox, &name, exit).await;
        }
    }

    /// What the shim still recorded of a container, or that it was killed.
    #[expect(
        clippy::disallowed_methods,
        reason = "stands in for a time that the kernel would have told"
    )]
    pub fn last_exit(&self, sandbox: &Sandbox, name: &str) -> ContainerExit {
        let recorded = sandbox.directory.read_exit(name);
        let exit = recorded.unwrap_or_else(|| {
            let nanoseconds = i64::try_from(Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX);
            let exit = shim::Exit {
                exit_code: KILLED,
                is_out_of_memory: false,
                finished_at_nanoseconds: nanoseconds,
            };
            if let Err(error) = sandbox.directory.write_exit(name, &exit) {
                tracing::warn!(task = sandbox.task_id, container = name, %error, "its exit is not recorded");
            }
            exit
        });
        exit_of(exit)
    }
}
