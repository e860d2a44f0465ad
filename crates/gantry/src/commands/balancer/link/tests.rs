//! An agent that is slow to take what it is told.

use std::io::{BufRead as _, BufReader, Write as _};

use super::*;

#[tokio::test]
async fn one_that_takes_nothing_keeps_nobody_waiting_and_gets_all_in_the_end() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("socket");
    let socket = UnixListener::bind(&path).expect("a socket");
    let mut agent = UnixStream::connect(&path).expect("a connection");
    let mut link = Link::accept(&socket).await.expect("an agent");
    link.tell(&[BalancerNews::Serves]);
    assert!(link.left.is_none(), "it has not spoken yet");
    link.has_spoken = true;
    // More than a socket holds.
    let news = [BalancerNews::Fails {
        reason: "x".repeat(4 << 20),
    }];
    link.tell(&news);
    // Of the same moment, as the parts of what is counted.
    link.tell(&[BalancerNews::Serves]);
    assert!(!link.listens());
    // Nobody reads: what else is to be done is not kept waiting.
    let waited = tokio::time::timeout(Duration::from_millis(50), link.next());
    assert!(waited.await.is_err());
    agent.write_all(b"nothing that can be read\n").expect("sent");
    let reads = agent.try_clone().expect("another one");
    let reading = std::thread::spawn(move || {
        let lines = BufReader::new(reads).lines().take(2);
        lines.collect::<Result<Vec<String>, _>>().expect("two lines")
    });
    assert!(matches!(link.next().await, Some(Order::Told)));
    assert!(link.listens());
    let heard = reading.join().expect("no panic");
    let heard = heard.iter().map(|it| serde_json::from_str(it).expect("news"));
    let heard: Vec<Vec<BalancerNews>> = heard.collect();
    assert_eq!(heard, [news.to_vec(), vec![BalancerNews::Serves]]);
    writeln!(agent, "{HAND_OVER}").expect("sent");
    assert!(matches!(link.next().await, Some(Order::HandOver(_))));
}
