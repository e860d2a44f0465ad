//! Access logs: turned on with a bucket that is there, and written to it.

use std::io::Read;

use domain::LoadBalancerArn;
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use wire::s3::ListedQuery;

use super::World;
use crate::access_logs;
use crate::fixture::text;

fn turned_on(arn: &Value, bucket: &str) -> Value {
    json!({ "LoadBalancerArn": arn, "Attributes": [
        { "Key": "access_logs.s3.enabled", "Value": "true" },
        { "Key": "access_logs.s3.bucket", "Value": bucket },
        { "Key": "access_logs.s3.prefix", "Value": "web" },
    ] })
}

impl World {
    fn keys(&self) -> Vec<String> {
        let query = ListedQuery {
            bucket: "logs".to_owned(),
            max_keys: 1000,
            ..ListedQuery::default()
        };
        let page = self.fixture.control_plane().object_storage.list(&query);
        let objects = page.expect("is there").objects.into_iter();
        objects.map(|it| it.key).collect()
    }

    fn object(&self, key: &str) -> Vec<u8> {
        let object = self.fixture.control_plane().object_storage.object("logs", key);
        object.expect("is there").read_at(0, 1 << 20).expect("is read")
    }
}

#[tokio::test]
async fn lines_become_objects_of_the_bucket() {
    let world = World::new().await;
    let arn = world.load_balancer("web", "application").await["LoadBalancerArn"].clone();
    let (code, message) = world
        .refused("ModifyLoadBalancerAttributes", turned_on(&arn, "logs"))
        .await;
    assert_eq!(code, "InvalidConfigurationRequest");
    assert!(message.starts_with("Access Denied for bucket: logs. Please check S3bucket permission"));

    let control_plane = world.fixture.control_plane();
    control_plane.object_storage.create_bucket("logs").expect("made");
    world
        .ask("ModifyLoadBalancerAttributes", turned_on(&arn, "logs"))
        .await;
    let test = "web/AWSLogs/123456789012/ELBAccessLogTestFile";
    assert_eq!(world.keys(), [test]);
    assert!(
        world
            .object(test)
            .starts_with(b"Enable AccessLog for ELB: web at ")
    );

    let parsed = LoadBalancerArn::parse(&text(&arn)).expect("an ARN");
    assert!(
        control_plane
            .access_logs
            .take(&parsed, &["http …".to_owned()])
            .is_none()
    );
    let shutdown = tokio_util::sync::CancellationToken::new();
    shutdown.cancel();
    access_logs::keep_access_logs(control_plane.clone(), shutdown).await;
    let keys = world.keys();
    let key = keys.iter().find(|it| *it != test).expect("an object");
    let begin = "web/AWSLogs/123456789012/elasticloadbalancing/us-east-1/";
    assert!(key.starts_with(begin) && key.ends_with(".log.gz"), "{key}");
    assert!(
        key.contains("/123456789012_elasticloadbalancing_us-east-1_app.web."),
        "{key}"
    );
    let mut lines = String::new();
    let object = world.object(key);
    GzDecoder::new(&object[..])
        .read_to_string(&mut lines)
        .expect("compressed");
    assert_eq!(lines, "http …\n");
}

#[tokio::test]
async fn logs_that_are_not_written_are_refused() {
    let world = World::new().await;
    let web = world.load_balancer("web", "application").await["LoadBalancerArn"].clone();
    let tcp = world.load_balancer("tcp", "network").await["LoadBalancerArn"].clone();
    for (arn, what) in [
        (&web, "connection_logs"),
        (&web, "health_check_logs"),
        (&tcp, "access_logs"),
    ] {
        let input = json!({ "LoadBalancerArn": arn, "Attributes": [
            { "Key": format!("{what}.s3.enabled"), "Value": "true" },
            { "Key": format!("{what}.s3.bucket"), "Value": "logs" },
        ] });
        let (code, message) = world.refused("ModifyLoadBalancerAttributes", input).await;
        assert_eq!(code, "InvalidConfigurationRequest");
        assert!(
            message.contains(what) && message.contains("not supported"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_prefix_leaves_room_for_what_follows_it() {
    let world = World::new().await;
    let web = world.load_balancer("web", "application").await["LoadBalancerArn"].clone();
    for (prefix, message) in [
        (
            "web/AWSLogs",
            "The value of 'access_logs.s3.prefix' cannot contain 'AWSLogs'",
        ),
        (
            "/web",
            "The value of 'access_logs.s3.prefix' cannot start or end with '/'",
        ),
        (
            "web/",
            "The value of 'access_logs.s3.prefix' cannot start or end with '/'",
        ),
    ] {
        let input = json!({ "LoadBalancerArn": web, "Attributes": [
            { "Key": "access_logs.s3.prefix", "Value": prefix },
        ] });
        let refused = world.refused("ModifyLoadBalancerAttributes", input).await;
        assert_eq!(refused, ("ValidationError".to_owned(), message.to_owned()));
    }
}
