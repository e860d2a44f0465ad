//! Who may ask how much.

use std::time::Duration;

use super::*;

fn client(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0a00_0000 + number)
}

#[test]
fn a_client_gets_its_share_again_as_time_goes_by() {
    let now = Instant::now();
    let mut limit = Limit::new(100, now);
    let admitted = |limit: &mut Limit, client, now| (0..1000).filter(|_| limit.take(client, now)).count();
    assert_eq!(admitted(&mut limit, client(1), now), 100);
    assert_eq!(admitted(&mut limit, client(2), now), 100, "others have theirs");
    assert_eq!(
        admitted(&mut limit, client(1), now + Duration::from_millis(500)),
        50
    );
    assert_eq!(admitted(&mut limit, client(1), now + Duration::from_secs(9)), 100);
}

#[test]
fn very_many_clients_are_bounded_and_those_known_keep_theirs() {
    let now = Instant::now();
    let mut limit = Limit::new(10, now);
    assert!(limit.take(client(1), now));
    for number in 0..100_000 {
        limit.take(client(number), now);
    }
    assert!(limit.clients.len() <= CLIENTS_MAX);
    assert!(limit.take(client(1), now));
    let later = now + Duration::from_secs(2);
    assert!(
        limit.take(client(99_999), later),
        "those that are silent make room"
    );
    assert!(limit.clients.len() < CLIENTS_MAX);
}
