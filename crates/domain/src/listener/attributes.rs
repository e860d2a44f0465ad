//! Attributes of listeners: headers of requests and answers, and how long connections may be idle.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Protocol, response_headers};
use crate::load_balancing_attribute::{AttributeRefusal, InvalidValue, boolean, number};

/// How a listener treats what comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ListenerAttributes {
    /// `tcp.idle_timeout.seconds` of TCP and TLS on a network load balancer, 60 to 6000.
    pub tcp_idle_timeout_seconds: u32,
    /// `routing.http.response.server.enabled`: whether answers say `server: awselb/2.0`.
    pub adds_server_header: bool,
    /// Headers that are set in answers, by their names in lower case.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub response_headers: BTreeMap<String, String>,
    /// Headers about TLS that requests get under another name: their usual names in lower case, and those wanted.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub renamed_request_headers: BTreeMap<String, String>,
}

impl Default for ListenerAttributes {
    fn default() -> Self {
        Self {
            tcp_idle_timeout_seconds: 350,
            adds_server_header: true,
            response_headers: BTreeMap::new(),
            renamed_request_headers: BTreeMap::new(),
        }
    }
}

const TCP_IDLE_TIMEOUT: &str = "tcp.idle_timeout.seconds";
const SERVER: &str = "routing.http.response.server.enabled";

/// Attributes that set a header in answers, and the header.
const RESPONSE_HEADERS: &[(&str, &str)] = &[
    (
        "routing.http.response.strict_transport_security.header_value",
        "strict-transport-security",
    ),
    (
        "routing.http.response.access_control_allow_origin.header_value",
        "access-control-allow-origin",
    ),
    (
        "routing.http.response.access_control_allow_methods.header_value",
        "access-control-allow-methods",
    ),
    (
        "routing.http.response.access_control_allow_headers.header_value",
        "access-control-allow-headers",
    ),
    (
        "routing.http.response.access_control_allow_credentials.header_value",
        "access-control-allow-credentials",
    ),
    (
        "routing.http.response.access_control_expose_headers.header_value",
        "access-control-expose-headers",
    ),
    (
        "routing.http.response.access_control_max_age.header_value",
        "access-control-max-age",
    ),
    (
        "routing.http.response.content_security_policy.header_value",
        "content-security-policy",
    ),
    (
        "routing.http.response.x_content_type_options.header_value",
        "x-content-type-options",
    ),
    (
        "routing.http.response.x_frame_options.header_value",
        "x-frame-options",
    ),
];

/// Attributes of HTTPS that give a header of requests another name, and its usual name.
const REQUEST_HEADERS: &[(&str, &str)] = &[
    (
        "routing.http.request.x_amzn_mtls_clientcert_serial_number.header_name",
        "X-Amzn-Mtls-Clientcert-Serial-Number",
    ),
    (
        "routing.http.request.x_amzn_mtls_clientcert_issuer.header_name",
        "X-Amzn-Mtls-Clientcert-Issuer",
    ),
    (
        "routing.http.request.x_amzn_mtls_clientcert_subject.header_name",
        "X-Amzn-Mtls-Clientcert-Subject",
    ),
    (
        "routing.http.request.x_amzn_mtls_clientcert_validity.header_name",
        "X-Amzn-Mtls-Clientcert-Validity",
    ),
    (
        "routing.http.request.x_amzn_mtls_clientcert_leaf.header_name",
        "X-Amzn-Mtls-Clientcert-Leaf",
    ),
    (
        "routing.http.request.x_amzn_mtls_clientcert.header_name",
        "X-Amzn-Mtls-Clientcert",
    ),
    (
        "routing.http.request.x_amzn_tls_version.header_name",
        "X-Amzn-Tls-Version",
    ),
    (
        "routing.http.request.x_amzn_tls_cipher_suite.header_name",
        "X-Amzn-Tls-Cipher-Suite",
    ),
];

/// Longest name that a header of requests may get.
const HEADER_NAME_MAX: usize = 40;

impl ListenerAttributes {
    /// Keys and values of the attributes that a listener of this protocol has.
    pub fn list(&self, protocol: Protocol) -> Vec<(&'static str, String)> {
        let mut all = Vec::new();
        match protocol {
            Protocol::Tcp | Protocol::Tls => {
                all.push((TCP_IDLE_TIMEOUT, self.tcp_idle_timeout_seconds.to_string()));
            }
            Protocol::Udp | Protocol::TcpUdp => {}
            Protocol::Http | Protocol::Https => {
                all.push((SERVER, self.adds_server_header.to_string()));
                let value = |header: &str| self.response_headers.get(header).cloned().unwrap_or_default();
                all.extend(RESPONSE_HEADERS.iter().map(|(key, header)| (*key, value(header))));
            }
        }
        if protocol == Protocol::Https {
            all.extend(REQUEST_HEADERS.iter().map(|(key, header)| {
                let name = self.renamed_request_headers.get(&header.to_lowercase());
                (*key, name.cloned().unwrap_or_else(|| (*header).to_owned()))
            }));
        }
        all
    }

    /// Sets one.
    ///
    /// # Errors
    /// There is none of that key, listeners of this protocol have none, or it cannot have that value.
    pub fn set(&mut self, protocol: Protocol, key: &str, value: &str) -> Result<(), AttributeRefusal> {
        let is_own = self.list(protocol).iter().any(|(it, _)| *it == key);
        let is_known = [Protocol::Tcp, Protocol::Https]
            .iter()
            .any(|it| self.list(*it).iter().any(|(it, _)| *it == key));
        match (is_own, is_known) {
            (true, _) => {}
            (false, true) => return Err(AttributeRefusal::NotOfThisKind(key.to_owned())),
            (false, false) => return Err(AttributeRefusal::Unknown(key.to_owned())),
        }
        self.write(key, value).map_err(|reason| AttributeRefusal::Value {
            key: key.to_owned(),
            reason,
        })
    }

    fn write(&mut self, key: &str, value: &str) -> Result<(), InvalidValue> {
        let find =
            |table: &[(&str, &'static str)]| table.iter().find(|(it, _)| *it == key).map(|(_, it)| *it);
        if let Some(header) = find(RESPONSE_HEADERS) {
            return self.set_response_header(header, value);
        }
        if let Some(header) = find(REQUEST_HEADERS) {
            return self.rename_request_header(header, value);
        }
        if key == SERVER {
            self.adds_server_header = boolean(value)?;
        } else {
            self.tcp_idle_timeout_seconds = number(value, 60..=6000)?;
        }
        Ok(())
    }

    fn set_response_header(&mut self, header: &str, value: &str) -> Result<(), InvalidValue> {
        if value.is_empty() {
            self.response_headers.remove(header);
            return Ok(());
        }
        response_headers::check(header, value)?;
        self.response_headers.insert(header.to_owned(), value.to_owned());
        Ok(())
    }

    fn rename_request_header(&mut self, header: &str, name: &str) -> Result<(), InvalidValue> {
        let is_name = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_');
        if name.is_empty() || name.len() > HEADER_NAME_MAX || !name.bytes().all(is_name) {
            return Err(InvalidValue(format!(
                "1 to {HEADER_NAME_MAX} letters, digits, '-' and '_'"
            )));
        }
        match name.eq_ignore_ascii_case(header) {
            true => self.renamed_request_headers.remove(&header.to_lowercase()),
            false => self
                .renamed_request_headers
                .insert(header.to_lowercase(), name.to_owned()),
        };
        Ok(())
    }
}
