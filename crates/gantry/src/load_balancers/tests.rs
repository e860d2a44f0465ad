//! What people are shown of load balancers.

use super::*;

fn shown(listeners: &[(&str, u16)]) -> Shown {
    Shown {
        name: "web".to_owned(),
        kind: "application".to_owned(),
        scheme: "internet-facing".to_owned(),
        state: "active".to_owned(),
        reason: None,
        addresses: vec![
            "172.31.0.5".parse().expect("one"),
            "fd00::5".parse().expect("one"),
        ],
        listeners: listeners
            .iter()
            .map(|(it, port)| ((*it).to_owned(), *port))
            .collect(),
        published: Vec::new(),
    }
}

#[test]
fn each_listener_has_a_url_at_each_address() {
    let all = shown(&[("HTTPS", 443), ("HTTP", 80), ("HTTP", 8080), ("TCP_UDP", 53)]);
    let wanted = "web  application, internet-facing, active
  tcp+udp://172.31.0.5:53
  tcp+udp://[fd00::5]:53
  http://172.31.0.5/
  http://[fd00::5]/
  https://172.31.0.5/
  https://[fd00::5]/
  http://172.31.0.5:8080/
  http://[fd00::5]:8080/
";
    assert_eq!(text(&[all]), wanted);
}

#[test]
fn what_does_not_answer_says_why() {
    let mut failed = shown(&[]);
    failed.state = "failed".to_owned();
    failed.reason = Some("no network".to_owned());
    let wanted = "web  application, internet-facing, failed: no network
  no listener: nothing answers yet
";
    assert_eq!(text(&[failed]), wanted);
    assert_eq!(text(&[]), "");
}

#[test]
fn published_ports_are_shown_with_their_listeners() {
    let mut it = shown(&[("HTTP", 80), ("TCP_UDP", 53)]);
    it.addresses.truncate(1);
    let port = |port, protocol: &str, failure: Option<&str>| PublishedPort {
        port,
        protocol: protocol.to_owned(),
        failure: failure.map(str::to_owned),
    };
    it.published = vec![
        port(53, "tcp", Some("taken")),
        port(53, "udp", None),
        port(80, "tcp", None),
    ];
    let wanted = "web  application, internet-facing, active
  tcp+udp://172.31.0.5:53
  port 53/tcp is not published: taken
  tcp+udp://localhost:53  and at all IPv4 addresses of this machine (udp)
  http://172.31.0.5/
  http://localhost/  and at all IPv4 addresses of this machine (tcp)
";
    assert_eq!(text(&[it]), wanted);
}
