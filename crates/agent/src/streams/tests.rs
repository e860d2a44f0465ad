//! Two ends that carry a stream each, with a websocket between them.

use bytes::Bytes;
use tokio::io::DuplexStream;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::*;

const DEADLINE: Duration = Duration::from_secs(20);

type Outputs = mpsc::Sender<Result<Bytes, StreamError>>;

/// One end: what it says, what it hears, and how it ends.
struct End {
    said: Outputs,
    heard: mpsc::Receiver<Bytes>,
    ended: tokio::task::JoinHandle<Result<(), Broken>>,
}

async fn end(wire: DuplexStream, role: Role) -> End {
    let socket = WebSocketStream::from_raw_socket(wire, role, None).await;
    let (input, heard) = mpsc::channel(1);
    let (said, output) = mpsc::channel(1);
    let stream = TaskStream {
        input,
        output,
        guard: CancellationToken::new().drop_guard(),
    };
    let ended = tokio::spawn(carry(socket, stream));
    End { said, heard, ended }
}

async fn ends() -> (End, End) {
    let (left, right) = tokio::io::duplex(1024);
    (end(left, Role::Client).await, end(right, Role::Server).await)
}

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    timeout(DEADLINE, work).await.expect("in time")
}

#[tokio::test]
async fn both_ends_say_all_in_order_and_one_may_end_before_the_other() {
    let (mut left, mut right) = ends().await;
    let long = Bytes::from(vec![7; 3 * DATA_BYTES_MAX + 5]);
    let saying = async {
        left.said.send(Ok(long.clone())).await.expect("taken");
        left.said.send(Ok("end".into())).await.expect("taken");
        drop(left.said);
    };
    let hearing = async {
        let mut all = Vec::new();
        while let Some(data) = right.heard.recv().await {
            all.extend_from_slice(&data);
        }
        all
    };
    let ((), heard) = in_time(async { tokio::join!(saying, hearing) }).await;
    assert_eq!(heard, [&long[..], b"end"].concat());
    assert!(!right.ended.is_finished());
    right.said.send(Ok("answer".into())).await.expect("taken");
    assert_eq!(in_time(left.heard.recv()).await, Some("answer".into()));
    drop(right.said);
    assert_eq!(in_time(left.heard.recv()).await, None);
    assert_eq!(in_time(left.ended).await.expect("no panic"), Ok(()));
    assert_eq!(in_time(right.ended).await.expect("no panic"), Ok(()));
}

#[tokio::test]
async fn a_failure_is_told_to_the_other_end() {
    let (left, mut right) = ends().await;
    left.said
        .send(Err(StreamError("no such file".to_owned())))
        .await
        .expect("taken");
    let here = in_time(left.ended).await.expect("no panic");
    assert_eq!(here, Err(Broken::Here(StreamError("no such file".to_owned()))));
    let there = in_time(right.ended).await.expect("no panic");
    assert_eq!(there, Err(Broken::Failed("no such file".to_owned())));
    assert_eq!(in_time(right.heard.recv()).await, None);
}

#[tokio::test]
async fn an_end_that_goes_away_ends_the_other() {
    let (left, mut right) = ends().await;
    left.ended.abort();
    assert_eq!(in_time(right.ended).await.expect("no panic"), Err(Broken::Lost));
    assert_eq!(in_time(right.heard.recv()).await, None);
}

#[tokio::test]
async fn one_who_takes_nothing_holds_up_who_says() {
    let (left, mut right) = ends().await;
    let piece = Bytes::from(vec![0; DATA_BYTES_MAX]);
    let mut taken = 0;
    while let Ok(sent) = timeout(Duration::from_millis(300), left.said.send(Ok(piece.clone()))).await {
        sent.expect("open");
        taken += 1;
        assert!(taken < 32, "it is bounded");
    }
    drop(left.said);
    let hearing = async {
        let mut count = 0;
        while let Some(data) = right.heard.recv().await {
            count += data.len() / DATA_BYTES_MAX;
        }
        count
    };
    assert_eq!(in_time(hearing).await, taken);
}

#[tokio::test]
async fn one_who_still_says_something_learns_why_the_other_end_failed() {
    let (left, right) = ends().await;
    let piece = Bytes::from(vec![0; DATA_BYTES_MAX]);
    let saying = async { while left.said.send(Ok(piece.clone())).await.is_ok() {} };
    let failing = async {
        let reason = StreamError("the disk is full".to_owned());
        right.said.send(Err(reason)).await.expect("taken");
        drop(right.heard);
        right.ended.await.expect("no panic")
    };
    let ((), _) = in_time(async { tokio::join!(saying, failing) }).await;
    let ended = in_time(left.ended).await.expect("no panic");
    assert_eq!(ended, Err(Broken::Failed("the disk is full".to_owned())));
}
