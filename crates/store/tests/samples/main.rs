//! What a release has stored, every later one reads: a sample of each kind of record, as each release writes it.
//!
//! The files of a release that is out are never changed. A difference in those of the release in the making is
//! fine as long as files of older releases still decode; `UPDATE_EXPECT=1` writes them anew.

mod capacity_providers;
mod cloud_map;
mod code_deploy;
mod file_systems;
mod load_balancing;
mod networks;
mod records;
mod repositories;
mod secrets;
mod service_connect;
mod services;
mod task_sets;

use std::fmt::Debug;
use std::path::PathBuf;

use expect_test::expect_file;
use store::Record;

/// The release in the making.
const RELEASE: &str = "0.1";

/// Encodes as expected, and every release's file decodes to the same.
fn check<R: Record + Debug>(sample: &R) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    let path = folder.join(RELEASE).join(format!("{}.json", R::TABLE));
    let encoded = serde_json::to_string_pretty(sample).expect("encodes");
    expect_file![&path].assert_eq(&format!("{encoded}\n"));
    for release in std::fs::read_dir(&folder).expect("is there") {
        let path = release
            .expect("is there")
            .path()
            .join(format!("{}.json", R::TABLE));
        let Ok(text) = std::fs::read_to_string(&path) else {
            // Not a release, or the kind of record is newer than it.
            continue;
        };
        let decoded: R =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(decoded, *sample, "{}", path.display());
    }
}

#[test]
fn records_are_stored_as_this_release_does() {
    check(&records::cluster());
    check(&records::task_definition());
    check(&records::task_definition_family());
    check(&services::service());
    check(&services::service_deployment());
    check(&services::service_revision());
    check(&services::service_event());
    check(&records::task());
    check(&records::container_instance());
    check(&records::host());
    check(&records::vpc());
    check(&records::subnet());
    check(&networks::security_group());
    check(&networks::network_acl());
    check(&networks::route_table());
    check(&networks::internet_gateway());
    check(&networks::prefix_list());
    check(&cloud_map::namespace());
    check(&cloud_map::discovery_service());
    check(&cloud_map::discovery_instance());
    check(&cloud_map::cloud_map_operation());
    check(&networks::nat_gateway());
    check(&networks::egress_only_internet_gateway());
    check(&networks::elastic_address());
    check(&networks::vpc_endpoint());
    check(&networks::dhcp_options());
    check(&networks::network_interface());
    check(&service_connect::client_alias());
    check(&service_connect::proxy());
    check(&records::access_key());
    check(&records::account_setting());
    check(&capacity_providers::capacity_provider());
    check(&secrets::parameter());
    check(&secrets::parameter_version());
    check(&secrets::secret());
    check(&secrets::secret_version());
    check(&secrets::role());
    check(&repositories::repository());
    check(&repositories::image());
    check(&repositories::layer());
    check(&file_systems::file_system());
    check(&file_systems::mount_target());
    check(&file_systems::access_point());
    check(&load_balancing::classic_load_balancer());
    check(&load_balancing::load_balancer());
    check(&load_balancing::listener());
    check(&load_balancing::listener_rule());
    check(&load_balancing::target_group());
    check(&load_balancing::target());
    check(&secrets::certificate());
    check(&code_deploy::application());
    check(&code_deploy::application_revision());
    check(&code_deploy::deployment_group());
    check(&code_deploy::deployment_config());
    check(&code_deploy::deployment());
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn keys_are_stored_as_this_release_does() {
    fn text<R: Record>(record: &R) -> String {
        R::key_text(&record.key())
    }
    let arn = "arn:aws:ecs:us-east-1:123456789012";
    assert_eq!(text(&records::cluster()), format!("{arn}:cluster/default"));
    assert_eq!(
        text(&records::task_definition()),
        format!("{arn}:task-definition/web:7")
    );
    assert_eq!(
        text(&records::task_definition_family()),
        "123456789012/us-east-1/web"
    );
    assert_eq!(text(&services::service()), format!("{arn}:service/default/web"));
    assert_eq!(
        text(&services::service_event()),
        format!("{arn}:service/default/web#00000000000000000041")
    );
    assert_eq!(
        text(&records::task()),
        format!("{arn}:task/default/0123456789abcdef0123456789abcdef")
    );
    assert_eq!(text(&cloud_map::namespace()), "ns-abcdefgh01234567");
    assert_eq!(
        text(&cloud_map::discovery_instance()),
        "srv-abcdefgh01234567/web-1"
    );
    assert_eq!(text(&secrets::parameter()), "123456789012/us-east-1//shop/db");
    assert_eq!(
        text(&secrets::parameter_version()),
        "123456789012/us-east-1//shop/db:00000000000000000002"
    );
    assert_eq!(text(&secrets::secret()), "123456789012/us-east-1/shop/db");
    assert_eq!(
        text(&secrets::secret_version()),
        "123456789012/us-east-1/shop/db:11111111-1111-1111-1111-111111111111"
    );
    assert_eq!(text(&file_systems::file_system()), "fs-0123456789abcdef0");
    assert_eq!(text(&file_systems::mount_target()), "fsmt-0123456789abcdef0");
    assert_eq!(text(&file_systems::access_point()), "fsap-0123456789abcdef0");
    let elb = "arn:aws:elasticloadbalancing:us-east-1:123456789012";
    let path = "app/web/50dc6c495c0c9188";
    assert_eq!(
        text(&load_balancing::load_balancer()),
        format!("{elb}:loadbalancer/{path}")
    );
    assert_eq!(
        text(&load_balancing::listener_rule()),
        format!("{elb}:listener-rule/{path}/f2f7dc8efc522ab2/9683b2d02a6cabee")
    );
    assert_eq!(
        text(&load_balancing::target()),
        format!("{elb}:targetgroup/web/73e2d6bc24d8a067 8080 172.31.0.10")
    );
    let scope = "123456789012/us-east-1";
    assert_eq!(text(&code_deploy::application()), format!("{scope}/shop"));
    assert_eq!(
        text(&code_deploy::application_revision()),
        format!(
            "{scope}/11111111-1111-1111-1111-111111111111/AppSpecContent/{}",
            "0a".repeat(32)
        )
    );
    assert_eq!(
        text(&code_deploy::deployment_group()),
        format!("{scope}/shop/web")
    );
    assert_eq!(text(&code_deploy::deployment_config()), format!("{scope}/slow"));
    assert_eq!(text(&code_deploy::deployment()), format!("{scope}/d-A1B2C3D4E"));
    assert_eq!(text(&secrets::role()), "123456789012/web");
    assert_eq!(text(&records::host()), "fedcba9876543210fedcba9876543210");
    assert_eq!(text(&records::vpc()), "vpc-0123456789abcdef0");
    assert_eq!(text(&records::subnet()), "subnet-0123456789abcdef0");
    assert_eq!(text(&records::access_key()), "AKIAIOSFODNN7EXAMPLE");
    assert_eq!(
        text(&records::account_setting()),
        "123456789012/us-east-1/arn:aws:iam::123456789012:root/containerInsights"
    );
    assert_eq!(
        text(&repositories::repository()),
        "123456789012/us-east-1/team/web"
    );
    let digest = repositories::layer().digest;
    assert_eq!(
        text(&repositories::layer()),
        format!("123456789012/us-east-1/team/web@{digest}")
    );
}
