//! Expressions of the cluster query language: shown so that they parse to the same, and evaluated in bounded time.
#![no_main]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use domain::container_instance::{ContainerInstance, ContainerInstanceStatus};
use domain::host::{Host, Resources};
use domain::tags::Pair;
use domain::{ClusterArn, Scope};
use libfuzzer_sys::fuzz_target;
use placement::query::{Expression, Facts};

struct World {
    host: Host,
    container_instance: ContainerInstance,
    groups: BTreeSet<String>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let cluster = ClusterArn::of(&Scope::new("123456789012", "us-east-1"), "default");
    let host = Host {
        id: "h".into(),
        account: "1".into(),
        total: Resources::default(),
        promised: Resources::default(),
        task_count: 0,
        is_fargate_capacity: false,
        is_connected: true,
        availability_zone: "us-east-1a".into(),
        number: 1,
        address: None,
    };
    // A long value shows patterns that take more than one pass over it.
    let long = "ab".repeat(64);
    let container_instance = ContainerInstance {
        agent_hash: String::new(),
        arn: cluster.member("h"),
        host_id: "h".into(),
        ec2_instance_id: "i-abcd1234".into(),
        status: ContainerInstanceStatus::Active,
        attributes: vec![
            Pair::new("a", &long),
            Pair::new("cores", "16"),
            Pair::new("x", "NaN"),
        ],
        agent_version: "1.17.0".into(),
        docker_version: String::new(),
        is_external: false,
        registered_at: jiff::Timestamp::UNIX_EPOCH,
        version: 1,
        tags: Vec::new(),
    };
    let groups = BTreeSet::from(["service:web".to_owned(), "family:web".to_owned()]);
    World {
        host,
        container_instance,
        groups,
    }
});

fuzz_target!(|text: &str| {
    let expression = match text.parse::<Expression>() {
        Ok(it) => it,
        Err(error) => {
            let end = text.chars().count() + 1;
            assert!((1..=end).contains(&error.position), "{error}");
            return;
        }
    };
    let facts = Facts {
        host: &WORLD.host,
        container_instance: &WORLD.container_instance,
        running: 1,
        pending: 2,
        groups: &WORLD.groups,
    };
    let shown = expression.to_string();
    let holds = expression.holds(&facts);
    match shown.parse::<Expression>() {
        Ok(again) => {
            assert_eq!(again, expression, "{shown}");
            assert_eq!(again.holds(&facts), holds);
            assert_eq!(again.to_string(), shown);
        }
        // Quotation marks and spaces can make it longer than an expression may be.
        Err(error) => assert!(
            shown.chars().count() > placement::query::EXPRESSION_LENGTH_MAX,
            "{error}: {shown}"
        ),
    }
    // What is denied is the opposite.
    if let Ok(denied) = format!("not ({text})").parse::<Expression>() {
        assert_eq!(denied.holds(&facts), !holds);
    }
});
