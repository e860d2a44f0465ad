//! A transaction on its way to the writer.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

use crate::{StoreError, TransactError, Tx};

/// Answers the caller, once it is known whether everything that the transaction saw is durable.
pub(crate) type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// What the closure wants.
pub(crate) enum Verdict {
    /// What it wrote is kept.
    Keep(Answer),
    /// What it wrote is undone.
    Undo(Answer),
}

/// A transaction that was asked for.
pub(crate) trait Job: Send {
    /// Runs it.
    fn run(self: Box<Self>, tx: &mut Tx<'_>) -> Verdict;
    /// Answers without running it.
    fn refuse(self: Box<Self>, error: StoreError);
}

struct Asked<F, T, E> {
    decide: F,
    reply: oneshot::Sender<Result<T, TransactError<E>>>,
}

/// Where the answer of a job arrives.
type Reply<T, E> = oneshot::Receiver<Result<T, TransactError<E>>>;

/// A job and where its answer arrives.
pub(crate) fn job<T, E>(
    decide: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
) -> (Box<dyn Job>, Reply<T, E>)
where
    T: Send + 'static,
    E: Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    (Box::new(Asked { decide, reply }), answer)
}

impl<F, T, E> Job for Asked<F, T, E>
where
    F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send + 'static,
    E: Send + 'static,
{
    fn run(self: Box<Self>, tx: &mut Tx<'_>) -> Verdict {
        let Self { decide, reply } = *self;
        // A transaction that panicked is undone like a refused one: the tip is as it was before.
        let decided = catch_unwind(AssertUnwindSafe(|| decide(tx)));
        let (is_kept, result) = match decided {
            Ok(Ok(value)) => (true, Ok(value)),
            Ok(Err(refusal)) => (false, Err(TransactError::Refused(refusal))),
            Err(panic) => {
                let message = message(panic.as_ref());
                tracing::error!(message, "a transaction panicked and was undone");
                (
                    false,
                    Err(TransactError::Unavailable(StoreError::Panicked { message })),
                )
            }
        };
        let answer: Answer = Box::new(move |durable| {
            let answer = match durable {
                Ok(()) => result,
                Err(error) => Err(TransactError::Unavailable(error)),
            };
            // The caller may have gone.
            let _ = reply.send(answer);
        });
        match is_kept {
            true => Verdict::Keep(answer),
            false => Verdict::Undo(answer),
        }
    }

    fn refuse(self: Box<Self>, error: StoreError) {
        let _ = self.reply.send(Err(TransactError::Unavailable(error)));
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|it| (*it).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
