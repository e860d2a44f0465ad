use super::*;

#[test]
fn the_accounts_own_registry_is_known_by_account_region_and_address() {
    let task = "arn:aws:ecs:us-east-1:123456789012:task/default/0123";
    for (image, expected) in [
        (
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1",
            Owner::OwnByAmazonsName,
        ),
        (
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/web@sha256:0",
            Owner::OwnByAmazonsName,
        ),
        ("127.0.0.1:4566/web:1", Owner::Own),
        ("210987654321.dkr.ecr.us-east-1.amazonaws.com/web:1", Owner::Other),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1", Owner::Other),
        (
            "123456789012.dkr.ecr.us-east-1.amazonaws.com.example.com/web",
            Owner::Other,
        ),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com", Owner::Other),
        ("public.ecr.aws/docker/library/busybox", Owner::Other),
        ("127.0.0.1:5000/web:1", Owner::Other),
        ("busybox", Owner::Other),
        ("", Owner::Other),
    ] {
        assert_eq!(owner(image, task, "127.0.0.1:4566"), expected, "{image}");
    }
}

#[test]
fn a_token_is_a_user_and_a_password() {
    let data = |token: &str, endpoint: &str| ecr::AuthorizationData {
        authorization_token: Some(STANDARD.encode(token)),
        expires_at: Some(Timestamp::UNIX_EPOCH),
        proxy_endpoint: Some(endpoint.to_owned()),
    };
    let parsed = parse(&data("AWS:a:b", "http://127.0.0.1:4566")).expect("is one");
    assert_eq!(
        (
            parsed.credentials.username.as_str(),
            parsed.credentials.password.as_str()
        ),
        ("AWS", "a:b")
    );
    assert_eq!(parsed.registry, "127.0.0.1:4566");
    assert!(!format!("{:?}", parsed.credentials).contains("a:b"));
    assert!(parse(&data("AWS", "http://127.0.0.1:4566")).is_none());
    assert!(parse(&data("AWS:a", "127.0.0.1:4566")).is_none());
    assert!(parse(&ecr::AuthorizationData::default()).is_none());
}
