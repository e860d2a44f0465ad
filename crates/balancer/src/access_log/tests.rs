use domain::Timestamp;
use expect_test::expect;

use super::Entry;

#[test]
fn lines_are_amazons_and_cannot_be_broken() {
    let time = |ms| Timestamp::from_millisecond(ms).expect("a time");
    let entry = Entry {
        kind: "https",
        ended: time(1_700_000_000_123),
        load_balancer: "app/web/50dc6c495c0c9188".into(),
        client: "192.0.2.7:5000".parse().expect("an address"),
        target: Some("10.0.0.1:80".parse().expect("an address")),
        times_ms: [Some(0), Some(1048), None],
        status: 200,
        target_status: Some(200),
        received: 34,
        sent: 366,
        request: "GET https://a:443/\"x\n HTTP/1.1".to_owned(),
        user_agent: "curl/8".to_owned(),
        cipher: "-",
        tls_version: "TLSv1.3",
        group: Some("arn:group".into()),
        trace_id: "Root=1-58337262-36d228ad5d99923122bbe354".to_owned(),
        connection: [0x0123_4567_89AB_CDEF, 0x11],
        domain: None,
        certificate: None,
        priority: Some(0),
        began: time(1_700_000_000_000),
        actions: "forward",
        redirect: None,
        grade: "-",
        grade_reason: "",
    };
    expect![[r#"https 2023-11-14T22:13:20.123000Z app/web/50dc6c495c0c9188 192.0.2.7:5000 10.0.0.1:80 0.000 1.048 -1 200 200 34 366 "GET https://a:443/\x22x\x0A HTTP/1.1" "curl/8" - TLSv1.3 arn:group "Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 2023-11-14T22:13:20.000000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_0123456789abcdef0000000000000011"#]]
        .assert_eq(&entry.line());
}
