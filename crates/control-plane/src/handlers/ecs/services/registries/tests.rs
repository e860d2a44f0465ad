//! What is accepted of service registries, by network mode and DNS record.

use serde_json::{Value, json};

use crate::fixture::{Fixture, text};

/// A service of Cloud Map with DNS records of these types; none for one of HTTP.
async fn registry(fixture: &Fixture, name: &str, types: &[&str]) -> String {
    let ask = |operation, input| fixture.ask_of("servicediscovery", operation, input);
    let namespace = match types {
        [] => json!({ "Name": name }),
        _ => json!({ "Name": format!("{name}.test") }),
    };
    let operation = match types {
        [] => ask("CreateHttpNamespace", namespace).await,
        _ => ask("CreatePublicDnsNamespace", namespace).await,
    };
    let id = json!({ "OperationId": operation["OperationId"] });
    let operation = ask("GetOperation", id).await["Operation"].clone();
    let mut service = json!({ "Name": name, "NamespaceId": operation["Targets"]["NAMESPACE"] });
    if !types.is_empty() {
        let records = types.iter().map(|it| json!({ "Type": it, "TTL": 10 }));
        service["DnsConfig"] = json!({ "DnsRecords": records.collect::<Vec<_>>() });
    }
    text(&ask("CreateService", service).await["Service"]["Arn"])
}

async fn definition(fixture: &Fixture, mode: &str) {
    let container = json!({
        "name": "web", "image": "web", "cpu": 10, "memory": 64,
        "portMappings": [{ "containerPort": 80 }],
    });
    let input = json!({ "family": mode, "networkMode": mode, "containerDefinitions": [container] });
    fixture.ask("RegisterTaskDefinition", input).await;
}

fn create(mode: &str, registry: Value) -> Value {
    json!({
        "serviceName": "new", "taskDefinition": mode, "desiredCount": 0, "serviceRegistries": [registry],
    })
}

fn with(arn: &str, more: Value) -> Value {
    let mut registry = more;
    registry["registryArn"] = json!(arn);
    registry
}

#[tokio::test]
async fn what_tasks_with_ports_of_the_host_need_is_asked_for() {
    let fixture = Fixture::new().await;
    for mode in ["bridge", "host"] {
        definition(&fixture, mode).await;
    }
    let http = registry(&fixture, "http", &[]).await;
    let a = registry(&fixture, "a", &["A"]).await;
    let srv = registry(&fixture, "srv", &["SRV"]).await;
    let container = json!({ "containerName": "web", "containerPort": 80 });
    let missing = "When specifying 'host' or 'bridge' for networkMode, values for 'containerName'";
    let cases = [
        (with(&srv, json!({})), missing),
        (with(&srv, json!({ "port": 80 })), missing),
        (with(&http, json!({ "containerName": "web" })), missing),
        (
            with(&a, container.clone()),
            "An SRV record is the only supported DNS record type",
        ),
        (
            with(&srv, json!({ "containerName": "web", "containerPort": 81 })),
            "The container web did not have a container port 81 defined.",
        ),
    ];
    for mode in ["bridge", "host"] {
        for (registry, expected) in &cases {
            let (code, message) = fixture
                .refused("CreateService", create(mode, registry.clone()))
                .await;
            assert_eq!(code, "InvalidParameterException", "{registry}: {message}");
            assert!(message.starts_with(expected), "{registry}: {message}");
        }
    }
    let created = fixture
        .ask("CreateService", create("host", with(&srv, container)))
        .await;
    let expected = json!([{ "registryArn": srv, "containerName": "web", "containerPort": 80 }]);
    assert_eq!(created["service"]["serviceRegistries"], expected);
}

#[tokio::test]
async fn a_registry_is_one_that_there_is() {
    let fixture = Fixture::new().await;
    definition(&fixture, "host").await;
    let gone = "arn:aws:servicediscovery:us-east-1:123456789012:service/srv-0123456789abcdef";
    let input = create("host", with(gone, json!({})));
    let (code, message) = fixture.refused("CreateService", input).await;
    assert_eq!(code, "ClientException");
    assert!(
        message.contains("Route 53 error: \"ServiceNotFound.\""),
        "{message}"
    );
    let (code, _) = fixture
        .refused("CreateService", create("host", with("web", json!({}))))
        .await;
    assert_eq!(code, "InvalidParameterException");
    let mut two = create("host", with(gone, json!({})));
    two["serviceRegistries"] = json!([with(gone, json!({})), with(gone, json!({}))]);
    let (code, message) = fixture.refused("CreateService", two).await;
    assert_eq!(code, "InvalidParameterException", "{message}");
}

/// Subnets for tasks with an address of their own.
async fn network(fixture: &Fixture) -> Value {
    let made = fixture.store().transact(|tx| {
        let scope = domain::Scope::new("123456789012", "us-east-1");
        let cidr = "172.31.0.0/16".parse().expect("valid");
        let (_, subnets) = orchestrator::transitions::ensure_default_network(tx, &scope, cidr);
        Ok::<_, std::convert::Infallible>(subnets[0].id.clone())
    });
    json!({ "awsvpcConfiguration": { "subnets": [made.await.expect("is made")] } })
}

#[tokio::test]
async fn tasks_with_an_address_of_their_own_name_a_port_where_the_record_has_one() {
    let fixture = Fixture::new().await;
    definition(&fixture, "awsvpc").await;
    let network = network(&fixture).await;
    let (http, a, srv) = (
        registry(&fixture, "http", &[]).await,
        registry(&fixture, "a", &["A"]).await,
        registry(&fixture, "srv", &["SRV"]).await,
    );
    let both = registry(&fixture, "both", &["A", "SRV"]).await;
    let container = json!({ "containerName": "web", "containerPort": 80 });
    let port = json!({ "port": 80 });
    let of_all = json!({ "containerName": "web", "containerPort": 80, "port": 80 });
    let create = |registry: &Value| {
        let mut input = create("awsvpc", registry.clone());
        input["networkConfiguration"] = network.clone();
        input
    };
    let useless = "A port was provided but is not required by the specified service registry";
    let no_container =
        "The values specified for serviceRegistries do not require a value for 'containerPort'.";
    let either = "The values specified for serviceRegistries must be either a 'containerName' and 'containerPort' combination";
    let needed = "The service registry has SRV records: serviceRegistries require either";
    for (registry, expected) in [
        (with(&a, port.clone()), useless),
        (with(&a, container.clone()), no_container),
        (with(&srv, of_all.clone()), either),
        (with(&both, of_all.clone()), either),
        (with(&http, of_all), either),
        (with(&srv, json!({})), needed),
        (with(&both, json!({ "containerName": "web" })), needed),
        (with(&srv, json!({ "port": 0 })), needed),
        (
            with(&srv, json!({ "port": -1 })),
            "The port -1 of the service registry is invalid.",
        ),
        (
            with(&srv, json!({ "containerName": "web", "containerPort": 65_536 })),
            "The container web did not have a container port 65536 defined.",
        ),
        (
            with(&srv, json!({ "containerName": "other", "containerPort": 80 })),
            "The container other does not exist in the task definition.",
        ),
        (
            with("web", json!({})),
            "The service registry ARN is invalid: \"web\".",
        ),
    ] {
        let (code, message) = fixture.refused("CreateService", create(&registry)).await;
        assert!(
            code == "InvalidParameterException" && message.starts_with(expected),
            "{registry}: {message}"
        );
    }
    for (index, registry) in [
        with(&a, json!({})),
        with(&srv, port.clone()),
        with(&srv, container.clone()),
        with(&both, port),
        with(&http, json!({})),
        with(&http, container),
    ]
    .iter()
    .enumerate()
    {
        let mut input = create(registry);
        input["serviceName"] = json!(format!("s{index}"));
        let created = fixture.ask("CreateService", input).await;
        assert_eq!(created["service"]["serviceRegistries"], json!([registry]));
    }
}

#[tokio::test]
async fn tasks_without_a_network_have_no_registry() {
    let fixture = Fixture::new().await;
    let container = json!({ "name": "web", "image": "web", "memory": 64 });
    let none = json!({ "family": "none", "networkMode": "none", "containerDefinitions": [container] });
    fixture.ask("RegisterTaskDefinition", none).await;
    let http = registry(&fixture, "http", &[]).await;
    let refused = fixture
        .refused("CreateService", create("none", with(&http, json!({}))))
        .await;
    let expected =
        "Service registries cannot be used with the none network mode specified in the task definition.";
    assert_eq!(
        refused,
        ("InvalidParameterException".to_owned(), expected.to_owned())
    );
}
