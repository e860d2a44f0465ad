use api::gantry::TargetResponseTime;

use super::*;

fn alias(name: &str, protocol: &str) -> ClientAliasMetrics {
    ClientAliasMetrics {
        service_arn: Some("arn:aws:ecs:us-east-1:000000000000:service/default/web".to_owned()),
        namespace: Some("internal".to_owned()),
        discovery_name: Some("web".to_owned()),
        dns_name: Some(name.to_owned()),
        port: Some(8000),
        app_protocol: Some(protocol.to_owned()),
        ..ClientAliasMetrics::default()
    }
}

#[test]
fn each_alias_is_shown_with_what_was_counted_of_it() {
    let counted = ClientAliasMetrics {
        proxies: Some(2),
        since: Some(domain::Timestamp::UNIX_EPOCH),
        metrics: Some(ServiceConnectMetrics {
            active_connection_count: Some(1),
            new_connection_count: Some(7),
            processed_bytes: Some(4096),
            request_count: Some(4),
            http_code_target2_xx_count: Some(3),
            http_code_target3_xx_count: Some(0),
            http_code_target4_xx_count: Some(0),
            http_code_target5_xx_count: Some(1),
            target_response_time: Some(TargetResponseTime {
                sample_count: Some(4),
                sum: Some(10.0),
                maximum: Some(7.25),
            }),
            ..ServiceConnectMetrics::default()
        }),
        ..alias("web.internal", "http")
    };
    let shown = text(&[counted, alias("db.internal", "tcp")]);
    let expected = "\
web.internal:8000  http, service web, web in internal
  counted                    by 2 proxies, since 1970-01-01 00:00:00Z
  ActiveConnectionCount      1
  NewConnectionCount         7
  ProcessedBytes             4096
  RequestCount               4
  HTTPCode_Target_2XX_Count  3
  HTTPCode_Target_3XX_Count  0
  HTTPCode_Target_4XX_Count  0
  HTTPCode_Target_5XX_Count  1
  TargetResponseTime         2.500 ms on average, 7.250 ms at most

db.internal:8000  tcp, service web, web in internal
  counted                    nothing yet
";
    assert_eq!(shown, expected);
    assert_eq!(text(&[]), "There is no client alias.\n");
}
