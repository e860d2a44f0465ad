//! What proxies of Service Connect have counted, for people.

use std::fmt::Write;

use api::gantry::{ClientAliasMetrics, ServiceConnectMetrics};

use crate::commands::task::text::{last_part, time};

#[cfg(test)]
mod tests;

/// Longer than the name of any metric.
const NAME_WIDTH: usize = 27;

/// Some lines for each client alias.
pub fn text(aliases: &[ClientAliasMetrics]) -> String {
    let mut text = String::new();
    for it in aliases {
        if !text.is_empty() {
            text.push('\n');
        }
        let word = |it: &Option<String>| it.clone().unwrap_or_else(|| "?".to_owned());
        let _ = writeln!(
            text,
            "{}:{}  {}, service {}, {} in {}",
            word(&it.dns_name),
            it.port.unwrap_or_default(),
            word(&it.app_protocol),
            it.service_arn.as_deref().map_or("?", last_part),
            word(&it.discovery_name),
            word(&it.namespace),
        );
        match &it.metrics {
            Some(metrics) => {
                let since = it.since.map(time).unwrap_or_default();
                let proxies = match it.proxies.unwrap_or_default() {
                    1 => "1 proxy".to_owned(),
                    many => format!("{many} proxies"),
                };
                line(
                    &mut text,
                    "counted",
                    Some(&format!("by {proxies}, since {since}")),
                );
                self::metrics(&mut text, metrics);
            }
            None => line(&mut text, "counted", Some("nothing yet")),
        }
    }
    if text.is_empty() {
        text.push_str("There is no client alias.\n");
    }
    text
}

fn metrics(text: &mut String, it: &ServiceConnectMetrics) {
    let mut number = |name: &str, it: Option<i64>| {
        let shown = it.map(|it| it.to_string());
        line(text, name, shown.as_deref());
    };
    number("ActiveConnectionCount", it.active_connection_count);
    number("NewConnectionCount", it.new_connection_count);
    number("ProcessedBytes", it.processed_bytes);
    number("RequestCount", it.request_count);
    number("GrpcRequestCount", it.grpc_request_count);
    number("HTTPCode_Target_2XX_Count", it.http_code_target2_xx_count);
    number("HTTPCode_Target_3XX_Count", it.http_code_target3_xx_count);
    number("HTTPCode_Target_4XX_Count", it.http_code_target4_xx_count);
    number("HTTPCode_Target_5XX_Count", it.http_code_target5_xx_count);
    let times = it.target_response_time.as_ref();
    let times = times.and_then(|it| Some((it.sample_count.filter(|it| *it > 0)?, it.sum?, it.maximum?)));
    let times = times.map(|(count, sum, maximum)| {
        let average = sum / count as f64;
        format!("{average:.3} ms on average, {maximum:.3} ms at most")
    });
    line(text, "TargetResponseTime", times.as_deref());
}

/// A named value, if there is one.
fn line(text: &mut String, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        let _ = writeln!(text, "  {name:<NAME_WIDTH$}{value}");
    }
}
