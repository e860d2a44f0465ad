//! Work that several callers want at once is done once.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::OnceCell;

use super::ImageError;

type Flight<T> = Arc<OnceCell<Result<T, Arc<ImageError>>>>;

/// What is being done now, by key. A caller that goes away hands its work to one that waits.
#[derive(Debug)]
pub struct Flights<T> {
    under_way: Mutex<HashMap<String, Flight<T>>>,
}

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Self {
            under_way: Mutex::default(),
        }
    }
}

impl<T: Clone> Flights<T> {
    /// Does `work`, or waits for one who does it under the same key.
    ///
    /// # Errors
    /// That of the work, as [`ImageError::Shared`].
    pub async fn run(
        &self,
        key: &str,
        work: impl Future<Output = Result<T, ImageError>>,
    ) -> Result<T, ImageError> {
        let flight = self.under_way.lock().entry(key.to_owned()).or_default().clone();
        let result = flight
            .get_or_init(|| async { work.await.map_err(Arc::new) })
            .await
            .clone();
        let mut under_way = self.under_way.lock();
        if under_way.get(key).is_some_and(|it| Arc::ptr_eq(it, &flight)) {
            under_way.remove(key);
        }
        Ok(result?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn one_works_and_the_others_wait() {
        let (flights, count) = (Flights::default(), AtomicU32::new(0));
        let work = || async {
            tokio::task::yield_now().await;
            Ok(count.fetch_add(1, Ordering::Relaxed))
        };
        let results = join_all((0..50).map(|_| flights.run("key", work()))).await;
        assert!(results.into_iter().all(|it| it.expect("no error") == 0));
        assert_eq!(
            flights.run("key", work()).await.expect("no error"),
            1,
            "what is done is forgotten"
        );
    }

    #[tokio::test]
    async fn a_waiter_takes_over_from_one_that_is_dropped() {
        let flights: Flights<u32> = Flights::default();
        let mut stuck = Box::pin(flights.run("key", std::future::pending()));
        assert!(futures_util::poll!(&mut stuck).is_pending());
        let mut waiter = Box::pin(flights.run("key", async { Ok(7) }));
        assert!(futures_util::poll!(&mut waiter).is_pending());
        drop(stuck);
        assert_eq!(waiter.await.expect("no error"), 7);
    }

    #[tokio::test]
    async fn all_get_the_error() {
        let flights: Flights<u32> = Flights::default();
        let fail = || async {
            tokio::task::yield_now().await;
            Err(ImageError::NotFound("x".to_owned()))
        };
        let (one, other) = tokio::join!(flights.run("key", fail()), flights.run("key", fail()));
        for result in [one, other] {
            assert_eq!(result.expect_err("an error").to_string(), "No such image: x");
        }
    }
}
