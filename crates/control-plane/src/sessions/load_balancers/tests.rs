use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::Scope;
use serde_json::{Value, json};

use super::*;
use crate::fixture::{Fixture, text};

const ELB: &str = "elasticloadbalancing";

/// A load balancer in a subnet of its own.
async fn load_balancer(fixture: &Fixture) -> Value {
    let scope = Scope::new("123456789012", "us-east-1");
    let made = fixture
        .store()
        .transact(move |tx| -> Result<_, std::convert::Infallible> {
            let vpc = tx.put(Vpc {
                is_default: true,
                ..Vpc::new(
                    tx.ids().ec2("vpc"),
                    scope.clone(),
                    "10.0.0.0/16".parse().expect("a range"),
                    tx.ids().ec2("sg"),
                )
            });
            transitions::furnish_vpc(tx, &vpc);
            let subnet = tx.put(Subnet {
                id: tx.ids().ec2("subnet"),
                scope,
                vpc_id: vpc.id.clone(),
                cidr: "10.0.0.0/28".parse().expect("a range"),
                availability_zone: "us-east-1a".to_owned(),
                is_default: true,
                maps_public_ip_on_launch: true,
                tags: Vec::new(),
            });
            Ok(subnet.id.clone())
        });
    let subnet = made.await.expect("is stored");
    let input = json!({ "Name": "net", "Type": "network", "Subnets": [subnet] });
    let made = fixture.ask_of(ELB, "CreateLoadBalancer", input).await;
    made["LoadBalancers"][0].clone()
}

/// Imports a certificate: its key, and its ARN.
async fn certificate(fixture: &Fixture, arn: Option<&str>) -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["a.example.com".to_owned()]).expect("a certificate");
    let key = made.signing_key.serialize_pem();
    let mut input = json!({
        "Certificate": STANDARD.encode(made.cert.pem()), "PrivateKey": STANDARD.encode(&key),
    });
    if let Some(arn) = arn {
        input["CertificateArn"] = json!(arn);
    }
    let imported = fixture.ask_of("acm", "ImportCertificate", input).await;
    (key, text(&imported["CertificateArn"]))
}

fn told_of(fixture: &Fixture, arn: &LoadBalancerArn) -> Told {
    let served = fixture
        .store()
        .read(|state| served(state, arn, ("host", &[7; 32])));
    served.expect("is there")
}

#[tokio::test]
async fn keys_are_opened_for_the_message_alone() {
    let fixture = Fixture::new().await;
    let load_balancer = load_balancer(&fixture).await;
    let (key, certificate_arn) = certificate(&fixture, None).await;
    let input = json!({
        "Name": "tls", "Protocol": "TCP", "Port": 80, "VpcId": load_balancer["VpcId"], "TargetType": "ip",
    });
    let group = fixture.ask_of(ELB, "CreateTargetGroup", input).await["TargetGroups"][0].clone();
    let input = json!({
        "LoadBalancerArn": load_balancer["LoadBalancerArn"], "Protocol": "TLS", "Port": 443,
        "Certificates": [{ "CertificateArn": certificate_arn }],
        "DefaultActions": [{ "Type": "forward", "TargetGroupArn": group["TargetGroupArn"] }],
    });
    fixture.ask_of(ELB, "CreateListener", input).await;
    let arn = LoadBalancerArn::parse(&text(&load_balancer["LoadBalancerArn"])).expect("an ARN");

    let told = told_of(&fixture, &arn);
    let line = key.lines().nth(1).expect("a line").to_owned();
    assert!(!format!("{told:?}").contains(&line), "it is sealed");
    let known = BTreeMap::from([(arn.clone(), told.clone())]);
    let vault = &fixture.control_plane().values;
    let sent = told.into_served(vault);
    assert_eq!(sent.certificates[0].key, key);
    assert_eq!(sent.certificates[0].arn.as_str(), certificate_arn);
    assert!(!format!("{sent:?}").contains(&line), "nor is it printed");

    let changes = |fixture: &Fixture| {
        let now = told_of(fixture, &arn);
        difference(&known, [(arn.clone(), Some(now))].into_iter(), false)
            .changed
            .len()
    };
    assert_eq!(changes(&fixture), 0);
    let (renewed, _) = certificate(&fixture, Some(&certificate_arn)).await;
    assert_eq!(changes(&fixture), 1, "a new one is news");
    let sent = told_of(&fixture, &arn).into_served(vault);
    assert_eq!(sent.certificates[0].key, renewed);
}

#[tokio::test]
async fn a_balancer_is_told_of_the_targets_that_get_traffic() {
    let fixture = Fixture::new().await;
    let load_balancer = load_balancer(&fixture).await;
    let vpc = &load_balancer["VpcId"];
    let input = json!({
        "Name": "web", "Protocol": "TCP", "Port": 80, "VpcId": vpc, "TargetType": "ip",
    });
    let group = fixture.ask_of(ELB, "CreateTargetGroup", input).await["TargetGroups"][0].clone();
    let input = json!({
        "LoadBalancerArn": load_balancer["LoadBalancerArn"], "Protocol": "TCP", "Port": 80,
        "DefaultActions": [{ "Type": "forward", "TargetGroupArn": group["TargetGroupArn"] }],
    });
    fixture.ask_of(ELB, "CreateListener", input).await;
    let arn = LoadBalancerArn::parse(&text(&load_balancer["LoadBalancerArn"])).expect("an ARN");
    let record = fixture
        .store()
        .read(|state| state.get::<LoadBalancer>(&arn).cloned());
    let record = record.expect("is there");
    let group = TargetGroupArn::parse(&text(&group["TargetGroupArn"])).expect("an ARN");
    let own = record.zones[0].name.clone();
    for (zone, port) in [(Some(own), 80), (Some("us-east-1z".to_owned()), 81), (None, 82)] {
        let new = transitions::NewTarget {
            id: "172.31.0.9".to_owned(),
            port,
            zone,
            address: None,
            task: None,
        };
        let group = group.clone();
        let done = fixture.store().transact(move |tx| {
            transitions::register_targets(tx, &group, vec![new]);
            Ok::<_, ()>(())
        });
        done.await.expect("is stored");
    }
    let ports = || {
        let told = told_of(&fixture, &arn).served.targets.clone().into_iter();
        told.map(|it| it.key.port).collect::<Vec<_>>()
    };
    assert_eq!(
        ports(),
        [80, 81, 82],
        "a network load balancer sends across zones"
    );
    let application = LoadBalancer {
        kind: LoadBalancerKind::Application,
        ..LoadBalancer::clone(&record)
    };
    let done = fixture.store().transact(move |tx| {
        tx.put(application);
        Ok::<_, ()>(())
    });
    done.await.expect("is stored");
    assert_eq!(ports(), [80, 82]);
}

#[tokio::test]
async fn a_target_is_checked_once_its_balancer_has_heard_of_it() {
    let fixture = Fixture::new().await;
    let load_balancer = load_balancer(&fixture).await;
    let input = json!({
        "Name": "web", "Protocol": "TCP", "Port": 80, "VpcId": load_balancer["VpcId"], "TargetType": "ip",
    });
    let group = fixture.ask_of(ELB, "CreateTargetGroup", input).await["TargetGroups"][0].clone();
    let group = &group["TargetGroupArn"];
    let input = json!({
        "LoadBalancerArn": load_balancer["LoadBalancerArn"], "Protocol": "TCP", "Port": 80,
        "DefaultActions": [{ "Type": "forward", "TargetGroupArn": group }],
    });
    fixture.ask_of(ELB, "CreateListener", input).await;
    let arn = LoadBalancerArn::parse(&text(&load_balancer["LoadBalancerArn"])).expect("an ARN");
    let register = json!({ "TargetGroupArn": group, "Targets": [{ "Id": "10.0.0.9" }] });
    let reason = async || {
        let described = fixture
            .ask_of(ELB, "DescribeTargetHealth", json!({ "TargetGroupArn": group }))
            .await;
        let health = described["TargetHealthDescriptions"][0]["TargetHealth"].clone();
        assert_eq!(health["State"], "initial");
        text(&health["Reason"])
    };
    let balancers = &fixture.control_plane().balancers;
    let follower = balancers.open("host", "123456789012", 1);
    fixture.ask_of(ELB, "RegisterTargets", register).await;
    assert_eq!(reason().await, "Elb.RegistrationInProgress");
    let commits = fixture.store().last_commit();
    follower.has_told([told_of(&fixture, &arn).served], &[]);
    assert_eq!(reason().await, "Elb.InitialHealthChecking");
    assert_eq!(fixture.store().last_commit(), commits, "that costs no write");
    // what another host is told later begins anew
    balancers.close("host", &follower);
    assert_eq!(reason().await, "Elb.RegistrationInProgress");
    let follower = balancers.open("host", "123456789012", 1);
    follower.has_told([told_of(&fixture, &arn).served], &[]);
    assert_eq!(reason().await, "Elb.InitialHealthChecking");
    follower.has_told([], std::slice::from_ref(&arn));
    assert_eq!(reason().await, "Elb.RegistrationInProgress");
}
