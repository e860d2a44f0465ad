use std::time::Duration;

use tokio::net::TcpListener;

use super::*;

const DEADLINE: Duration = Duration::from_secs(20);

/// A stream and the other end of its connection.
async fn pair() -> (TaskStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("it listens");
    let address = listener.local_addr().expect("an address");
    let (connected, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    let stream = TaskStream::of_connection(connected.expect("connects"));
    (stream, accepted.expect("is accepted").0)
}

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, work).await.expect("in time")
}

#[tokio::test]
async fn each_direction_ends_for_itself() {
    let (mut stream, mut other) = pair().await;
    stream.input.send("question".into()).await.expect("taken");
    drop(stream.input);
    let mut question = String::new();
    in_time(other.read_to_string(&mut question)).await.expect("whole");
    assert_eq!(question, "question");
    // The answer comes after the end of the question.
    other.write_all(b"answer").await.expect("taken");
    drop(other);
    let answer = in_time(stream.output.recv()).await;
    assert_eq!(answer, Some(Ok(Bytes::from("answer"))));
    assert_eq!(in_time(stream.output.recv()).await, None);
}

#[tokio::test]
async fn one_who_does_not_read_holds_up_the_other_with_a_bounded_queue() {
    let (stream, mut other) = pair().await;
    let (mut written, piece) = (0_usize, vec![0; 1 << 20]);
    // Until the buffers of the kernel and the queue are full.
    while let Ok(count) = tokio::time::timeout(Duration::from_millis(300), other.write(&piece)).await {
        written += count.expect("open");
        assert!(written < 256 << 20, "it is bounded");
    }
    drop(stream);
    // Both directions are closed, with what was not read.
    let mut buffer = [0; 1];
    let read = in_time(other.read(&mut buffer)).await;
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
}

#[tokio::test]
async fn dropping_it_ends_a_connection_on_which_nothing_happens() {
    let (stream, mut other) = pair().await;
    drop(stream);
    let mut buffer = [0; 1];
    let read = in_time(other.read(&mut buffer)).await;
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
}
