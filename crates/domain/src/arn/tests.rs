use super::*;

#[test]
fn an_arn_says_where_its_resource_is() {
    let arn = TaskArn::parse("arn:aws:ecs:eu-west-1:123456789012:task/lab/0123").expect("valid");
    assert_eq!(arn.scope(), Scope::new("123456789012", "eu-west-1"));
    assert_eq!(
        arn.cluster().as_str(),
        "arn:aws:ecs:eu-west-1:123456789012:cluster/lab"
    );
    assert_eq!(arn.name(), "0123");
    let cluster = arn.cluster();
    assert_eq!(cluster.member::<kinds::Task>("0123"), arn);
}

#[test]
fn what_is_no_arn_of_the_kind_is_refused() {
    for text in [
        "",
        "web",
        "arn:aws:ecs:us-east-1:1:task/lab",
        "arn:aws:ecs:us-east-1:1:service/lab/web",
        "arn:aws:ecs:us-east-1:1:task/lab/",
        "arn:aws:ecs:us-east-1:1:task/lab/a/b",
        "arn:aws:ecs::1:task/lab/a",
        "arn:aws:ecs:us/east:1:task/lab/a",
        "arn:aws:ecs:us-east-1:1/2:task/lab/a",
        "arn:aws:ec2:us-east-1:1:task/lab/a",
        "arn:aws:ecs:us-east-1:1:tasks/lab/a",
    ] {
        assert!(TaskArn::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_task_definition_names_family_and_revision() {
    let scope = Scope::new("1", "us-east-1");
    assert_eq!(
        TaskDefinitionArn::of(&scope, "web", 7).family_and_revision(),
        Some(("web", 7))
    );
    let bare = TaskDefinitionArn::parse("arn:aws:ecs:us-east-1:1:task-definition/web").expect("valid");
    assert_eq!(bare.family_and_revision(), None);
    // A revision has one name.
    for other in ["web:01", "web:+1", "web:0", "web:", "web:1:1", ":1"] {
        let other = TaskDefinitionArn::new(&scope, &[other]);
        assert_eq!(other.family_and_revision(), None, "{other}");
    }
}

#[test]
fn a_task_set_names_its_service() {
    let service = ServiceArn::parse("arn:aws:ecs:us-east-1:1:service/lab/web").expect("valid");
    let arn: TaskSetArn = service.part("ecs-svc/1234567890123456789");
    assert_eq!(
        arn.as_str(),
        "arn:aws:ecs:us-east-1:1:task-set/lab/web/ecs-svc/1234567890123456789"
    );
    assert_eq!(TaskSetArn::parse(arn.as_str()).as_ref(), Ok(&arn));
    assert_eq!(
        (arn.service(), arn.id()),
        (service, "ecs-svc/1234567890123456789")
    );
}

#[test]
fn arns_are_ordered_as_their_texts_are() {
    let parts = |account: &str, cluster: &str, name: &str| {
        TaskArn::new(&Scope::new(account, "us-east-1"), &[cluster, name])
    };
    // One begins like another; a name may be shorter than what is carried along, or differ only behind it.
    let names = [
        "0", "00", "000000", "0000000", "0000001", "000001", "1", "a-b", "a", "ab", "é",
    ];
    let mut arns = Vec::new();
    for account in ["1", "2"] {
        for cluster in ["web", "web-2", "we"] {
            arns.extend(names.map(|name| parts(account, cluster, name)));
        }
    }
    for left in &arns {
        for right in &arns {
            assert_eq!(
                left.cmp(right),
                left.as_str().cmp(right.as_str()),
                "{left} {right}"
            );
            assert_eq!(left == right, left.as_str() == right.as_str(), "{left} {right}");
        }
        assert_eq!(TaskArn::parse(left.as_str()).as_ref(), Ok(left));
    }
}
