use super::*;

fn order(target: &str) -> Option<StreamTarget> {
    let message = acs::OpenStreamMessage {
        session_id: Some("s".to_owned()),
        token: Some("t".to_owned()),
        task_arn: Some("arn:aws:ecs:us-east-1:123456789012:task/lab/0a1b".to_owned()),
        container_name: Some("web".to_owned()),
        target: Some(target.to_owned()),
        ..acs::OpenStreamMessage::default()
    };
    let order = StreamOrder::read(message)?;
    assert_eq!(
        (order.stream.task_id.as_str(), order.stream.container.as_str()),
        ("0a1b", "web")
    );
    Some(order.stream.target)
}

#[test]
fn exactly_one_target_is_read() {
    let read = StreamTarget::ReadFiles {
        path: "/etc".into(),
        follow_link: true,
    };
    let write = StreamTarget::WriteFiles {
        path: "/srv".into(),
        name: "site".to_owned(),
        contents_only: false,
        keep_owners: true,
    };
    for (text, expected) in [
        (r#"{"port":80}"#, Some(StreamTarget::Port(80))),
        (r#"{"readFiles":{"path":"/etc","followLink":true}}"#, Some(read)),
        (
            r#"{"writeFiles":{"path":"/srv","name":"site","keepOwners":true}}"#,
            Some(write),
        ),
        (r#"{"port":0}"#, None),
        (r#"{"port":65536}"#, None),
        (r#"{"port":80,"readFiles":{"path":"/"}}"#, None),
        ("{}", None),
        ("{", None),
    ] {
        assert_eq!(order(text), expected, "{text}");
    }
}
