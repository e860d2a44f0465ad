use serde_json::{Value, json};

use crate::fixture::{Fixture, text};

/// A family `web` with a named port in a cluster whose namespace is `internal`.
async fn world(network_mode: &str) -> Fixture {
    let fixture = Fixture::new().await;
    let cluster = json!({ "cluster": "default", "serviceConnectDefaults": { "namespace": "internal" } });
    fixture.ask("UpdateCluster", cluster).await;
    register(&fixture, network_mode, "http").await;
    fixture
}

async fn register(fixture: &Fixture, network_mode: &str, port_name: &str) {
    let ports = json!([
        { "containerPort": 80, "name": port_name, "appProtocol": "http" },
        { "containerPort": 81, "name": "raw" },
    ]);
    let containers = json!([
        { "name": "web", "image": "web", "memory": 64, "portMappings": if network_mode == "none" { json!([]) } else { ports } },
    ]);
    let input = json!({ "family": "web", "networkMode": network_mode, "containerDefinitions": containers });
    fixture.ask("RegisterTaskDefinition", input).await;
}

fn service(name: &str, connect: Value) -> Value {
    json!({
        "serviceName": name, "taskDefinition": "web", "desiredCount": 0, "serviceConnectConfiguration": connect,
    })
}

fn offers(services: Value) -> Value {
    json!({ "enabled": true, "services": services })
}

#[tokio::test]
async fn a_service_reads_back_what_it_offers_and_what_was_made_for_it() {
    let fixture = world("bridge").await;
    let mut connect = offers(json!([{
        "portName": "http", "discoveryName": "api", "clientAliases": [{ "port": 80 }],
        "timeout": { "idleTimeoutSeconds": 60, "perRequestTimeoutSeconds": 5 },
    }]));
    let options = json!({ "awslogs-group": "/ecs/service-connect-proxy", "awslogs-region": "us-east-1" });
    connect["logConfiguration"] = json!({ "logDriver": "awslogs", "options": options, "secretOptions": [] });
    let made = fixture
        .ask("CreateService", service("web", connect.clone()))
        .await;
    let deployment = &made["service"]["deployments"][0];
    let shown = &deployment["serviceConnectConfiguration"];
    assert_eq!(shown["services"], connect["services"]);
    assert_eq!(shown["enabled"], true);
    assert_eq!(shown["logConfiguration"], connect["logConfiguration"]);
    let resource = &deployment["serviceConnectResources"][0];
    assert_eq!(resource["discoveryName"], "api");
    let arn = text(&resource["discoveryArn"]);
    assert!(
        arn.contains(":servicediscovery:") && arn.contains("service/srv-"),
        "{arn}"
    );

    let revision = text(&made["service"]["currentServiceRevisions"][0]["arn"]);
    let described = fixture
        .ask(
            "DescribeServiceRevisions",
            json!({ "serviceRevisionArns": [revision] }),
        )
        .await;
    let shown = &described["serviceRevisions"][0]["serviceConnectConfiguration"];
    assert_eq!(shown["services"], connect["services"]);

    let names = names(&fixture);
    assert_eq!(names, [("api.internal".to_owned(), 80)]);
    let listed = fixture
        .ask("ListServicesByNamespace", json!({ "namespace": "internal" }))
        .await;
    assert_eq!(listed["serviceArns"], json!([made["service"]["serviceArn"]]));

    let same = fixture.ask("CreateService", service("web", connect)).await;
    assert_eq!(same["service"]["deployments"][0]["id"], deployment["id"]);
}

/// The client aliases that there are.
fn names(fixture: &Fixture) -> Vec<(String, u16)> {
    fixture.store().read(|state| {
        let aliases = state.all::<domain::service_connect::ClientAlias>();
        aliases.map(|it| (it.key.dns_name.clone(), it.key.port)).collect()
    })
}

#[tokio::test]
async fn an_update_deploys_anew_and_takes_away_what_is_offered_no_more() {
    let fixture = world("bridge").await;
    let both = offers(json!([
        { "portName": "http", "clientAliases": [{ "port": 80, "dnsName": "web" }] },
        { "portName": "raw", "clientAliases": [{ "port": 81, "dnsName": "web" }] },
    ]));
    let made = fixture.ask("CreateService", service("web", both)).await;
    assert_eq!(names(&fixture), [("web".to_owned(), 80), ("web".to_owned(), 81)]);
    let addresses: std::collections::BTreeSet<_> = fixture.store().read(|state| {
        let aliases = state.all::<domain::service_connect::ClientAlias>();
        aliases.map(|it| it.address).collect()
    });
    assert_eq!(addresses.len(), 1, "a name has one address");
    let one = offers(json!([{ "portName": "raw", "clientAliases": [{ "port": 81, "dnsName": "web" }] }]));
    let update = json!({ "service": "web", "serviceConnectConfiguration": one });
    let updated = fixture.ask("UpdateService", update.clone()).await;
    let id = |it: &Value| text(&it["service"]["deployments"][0]["id"]);
    assert_ne!(id(&made), id(&updated));
    assert_eq!(names(&fixture), [("web".to_owned(), 81)]);
    let again = fixture.ask("UpdateService", update).await;
    assert_eq!(id(&again), id(&updated), "nothing is new");
    let off = json!({ "service": "web", "serviceConnectConfiguration": { "enabled": false } });
    let off = fixture.ask("UpdateService", off).await;
    assert_eq!(
        off["service"]["deployments"][0]["serviceConnectConfiguration"],
        json!({ "enabled": false })
    );
    assert!(names(&fixture).is_empty());
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn what_amazon_refuses_is_refused() {
    let fixture = world("bridge").await;
    let alias = |port: i32, name: &str| json!([{ "port": port, "dnsName": name }]);
    let other = offers(json!([{ "portName": "http", "clientAliases": alias(80, "taken") }]));
    fixture.ask("CreateService", service("other", other)).await;
    let cases = [
        (
            json!([{ "portName": "nothing" }]),
            "does not refer to any named PortMapping",
        ),
        (
            json!([{ "portName": "http", "clientAliases": [{ "port": 1 }, { "port": 2 }] }]),
            "at most 1",
        ),
        (
            json!([{ "portName": "http", "clientAliases": [{ "port": 0 }] }]),
            "from 1 to 65535",
        ),
        (
            json!([{ "portName": "http", "discoveryName": "-web" }]),
            "Invalid discoveryName",
        ),
        (
            json!([{ "portName": "http", "discoveryName": "Web" }]),
            "Invalid discoveryName",
        ),
        (
            json!([{ "portName": "http", "clientAliases": alias(80, "a..b") }]),
            "Invalid dnsName",
        ),
        (
            json!([{ "portName": "http", "ingressPortOverride": 80 }]),
            "IngressPortOverride cannot use ports <= 1024.",
        ),
        (
            json!([{ "portName": "raw", "timeout": { "perRequestTimeoutSeconds": 1 } }]),
            "appProtocol",
        ),
        (
            json!([{ "portName": "http", "timeout": { "idleTimeoutSeconds": -1 } }]),
            "less than 0",
        ),
        (
            json!([{ "portName": "http" }, { "portName": "http", "discoveryName": "b" }]),
            "must be unique",
        ),
        (
            json!([{ "portName": "raw", "discoveryName": "b", "clientAliases": alias(80, "taken") }]),
            "another service of it has one of them",
        ),
    ];
    for (services, expected) in cases {
        let (code, message) = fixture
            .refused("CreateService", service("web", offers(services.clone())))
            .await;
        assert_eq!(code, "InvalidParameterException", "{services}: {message}");
        assert!(message.contains(expected), "{services}: {message}");
    }
    let unbuilt = [
        json!([{ "portName": "http", "tls": { "issuerCertificateAuthority": {} } }]),
        json!([{ "portName": "http", "clientAliases": [
            { "port": 80, "testTrafficRules": { "header": { "name": "x" } } },
        ] }]),
    ];
    for services in unbuilt {
        let (code, _) = fixture
            .refused("CreateService", service("web", offers(services)))
            .await;
        assert_eq!(code, "UnsupportedFeatureException");
    }
    let elsewhere = json!({ "enabled": true, "namespace": "elsewhere" });
    let (code, _) = fixture.refused("CreateService", service("web", elsewhere)).await;
    assert_eq!(code, "NamespaceNotFoundException");
    let mut deployed = service("web", offers(json!([])));
    deployed["deploymentController"] = json!({ "type": "EXTERNAL" });
    let (code, _) = fixture.refused("CreateService", deployed).await;
    assert_eq!(code, "InvalidParameterException");
    register(&fixture, "host", "http").await;
    let (code, message) = fixture
        .refused("CreateService", service("web", offers(json!([]))))
        .await;
    assert!(
        code == "InvalidParameterException" && message.contains("host network mode"),
        "{message}"
    );
}

#[tokio::test]
async fn a_cluster_makes_the_namespace_that_it_names() {
    let fixture = world("bridge").await;
    let described = fixture
        .ask("DescribeClusters", json!({ "clusters": ["default"] }))
        .await;
    let arn = text(&described["clusters"][0]["serviceConnectDefaults"]["namespace"]);
    assert!(arn.contains(":namespace/ns-"), "{arn}");
    let named = json!({ "clusterName": "b", "serviceConnectDefaults": { "namespace": "internal" } });
    let made = fixture.ask("CreateCluster", named).await;
    assert_eq!(
        made["cluster"]["serviceConnectDefaults"]["namespace"],
        json!(arn),
        "there is one of that name"
    );
    assert_eq!(made["cluster"]["attachmentsStatus"], "UPDATE_COMPLETE");
    let attachment = &made["cluster"]["attachments"][0];
    let shown = (&attachment["type"], &attachment["status"], &attachment["details"]);
    assert_eq!(shown, (&json!("sc"), &json!("ATTACHED"), &json!([])));
    let asked = json!({ "clusters": ["b"], "include": ["ATTACHMENTS"] });
    let described = fixture.ask("DescribeClusters", asked).await;
    assert_eq!(&described["clusters"][0]["attachments"][0], attachment);
    let tags = json!({ "ResourceARN": arn });
    let tags = fixture
        .ask_of("servicediscovery", "ListTagsForResource", tags)
        .await;
    assert_eq!(
        tags["Tags"],
        json!([{ "Key": "AmazonECSManaged", "Value": "true" }])
    );
    let unknown = "arn:aws:servicediscovery:us-east-1:123456789012:namespace/ns-0123456789abcdef";
    let input = json!({ "clusterName": "c", "serviceConnectDefaults": { "namespace": unknown } });
    let (code, _) = fixture.refused("CreateCluster", input).await;
    assert_eq!(code, "NamespaceNotFoundException");
    let off = json!({ "cluster": "b", "serviceConnectDefaults": { "namespace": "" } });
    let off = fixture.ask("UpdateCluster", off).await;
    assert_eq!(off["cluster"].get("serviceConnectDefaults"), None);
    let mut none = service("web", offers(json!([])));
    none["cluster"] = json!("b");
    let (code, message) = fixture.refused("CreateService", none).await;
    assert!(
        code == "InvalidParameterException" && message.contains("namespace must be specified"),
        "{message}"
    );
}

#[tokio::test]
async fn what_a_service_offers_cannot_be_deleted_under_it() {
    let fixture = world("bridge").await;
    let connect = offers(json!([{ "portName": "http", "discoveryName": "api" }]));
    let made = fixture.ask("CreateService", service("web", connect)).await;
    let arn = text(&made["service"]["deployments"][0]["serviceConnectResources"][0]["discoveryArn"]);
    let id = arn.rsplit('/').next().expect("an id");
    let sd = "servicediscovery";
    let listed = fixture.ask_of(sd, "ListNamespaces", json!({})).await;
    let namespace = &listed["Namespaces"][0]["Id"];
    let (code, _) = fixture.refused_of(sd, "DeleteService", json!({ "Id": id })).await;
    assert_eq!(code, "ResourceInUse");
    let (code, _) = fixture
        .refused_of(sd, "DeleteNamespace", json!({ "Id": namespace }))
        .await;
    assert_eq!(code, "ResourceInUse");
    let disabled = json!({ "service": "web", "serviceConnectConfiguration": { "enabled": false } });
    fixture.ask("UpdateService", disabled).await;
    let left = fixture.ask_of(sd, "ListServices", json!({})).await;
    assert_eq!(left["Services"], json!([]), "it goes with who offered it");
    fixture
        .ask_of(sd, "DeleteNamespace", json!({ "Id": namespace }))
        .await;
}

/// Cloud Map knows of no client.
#[tokio::test]
async fn a_namespace_that_has_but_clients_can_be_deleted_and_they_go_on() {
    let fixture = world("bridge").await;
    let made = fixture
        .ask("CreateService", service("web", json!({ "enabled": true })))
        .await;
    let sd = "servicediscovery";
    let listed = fixture.ask_of(sd, "ListNamespaces", json!({})).await;
    let namespace = json!({ "Id": listed["Namespaces"][0]["Id"] });
    fixture.ask_of(sd, "DeleteNamespace", namespace).await;
    let update = json!({ "service": "web", "forceNewDeployment": true });
    let updated = fixture.ask("UpdateService", update).await;
    let deployment = |it: &Value| it["service"]["deployments"][0].clone();
    assert_ne!(deployment(&updated)["id"], deployment(&made)["id"]);
    assert_eq!(
        deployment(&updated)["serviceConnectConfiguration"],
        deployment(&made)["serviceConnectConfiguration"]
    );
    let offers =
        json!({ "service": "web", "serviceConnectConfiguration": offers(json!([{ "portName": "http" }])) });
    let (code, _) = fixture.refused("UpdateService", offers).await;
    assert_eq!(code, "NamespaceNotFoundException");
}

#[tokio::test]
async fn metrics_are_those_of_the_client_aliases_that_are_asked_for() {
    use domain::service_connect::{ClientAlias, ClientAliasMetrics, ServiceConnectMetrics};
    let fixture = world("bridge").await;
    for name in ["api", "web"] {
        let connect = offers(json!([
            { "portName": "http", "discoveryName": name, "clientAliases": [{ "port": 80 }] },
        ]));
        fixture.ask("CreateService", service(name, connect)).await;
    }
    let groups: Vec<_> = fixture.store().read(|state| {
        let aliases = state.all::<ClientAlias>();
        aliases.map(|it| it.group()).collect()
    });
    let counted = |group: &domain::TargetGroupArn| ClientAliasMetrics {
        group: group.clone(),
        metrics: ServiceConnectMetrics {
            new_connections: 2,
            requests: 7,
            target_answers: [5, 0, 1, 1],
            target_responses: 7,
            target_response_microseconds: 14_000,
            target_response_microseconds_max: 9_500,
            ..ServiceConnectMetrics::default()
        },
    };
    let since = domain::Timestamp::UNIX_EPOCH;
    let told = vec![counted(&groups[0])];
    let all = &fixture.control_plane().counted_by_proxies;
    all.take(("host", "vpc-1"), since, told, |_| true);
    let list = async |input: Value| {
        let listed = fixture.ask_of("gantry", "ListServiceConnectMetrics", input).await;
        listed["clientAliases"].as_array().cloned().unwrap_or_default()
    };
    let both = list(json!({})).await;
    let names: Vec<_> = both.iter().map(|it| text(&it["dnsName"])).collect();
    assert_eq!(names, ["api.internal", "web.internal"]);
    assert_eq!(both[0]["namespace"], "internal");
    assert_eq!((&both[0]["proxies"], &both[0]["since"]), (&json!(1), &json!(0.0)));
    let metrics = &both[0]["metrics"];
    assert_eq!(metrics["requestCount"], 7);
    assert_eq!(metrics["httpCodeTarget2XXCount"], 5);
    assert_eq!(metrics["httpCodeTarget5XXCount"], 1);
    assert_eq!(
        metrics["targetResponseTime"],
        json!({ "sampleCount": 7, "sum": 14.0, "maximum": 9.5 })
    );
    assert_eq!(both[1].get("metrics"), None, "nothing came");
    let one = list(json!({ "cluster": "default", "service": "web" })).await;
    assert_eq!(one.len(), 1);
    assert_eq!(one[0]["discoveryName"], "web");
    assert_eq!(list(json!({ "cluster": "other" })).await, Vec::<Value>::new());
    let input = json!({ "service": "none" });
    let (code, _) = fixture
        .refused_of("gantry", "ListServiceConnectMetrics", input)
        .await;
    assert_eq!(code, "ServiceNotFoundException");
}
