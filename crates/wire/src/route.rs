//! Which operation of which service a request calls, and in which protocol: a fact of the request.

use http::{Method, Uri};

use crate::error::CommonError;
use crate::shape::{Service, ServiceProtocol};
use crate::{query, rest};

#[cfg(test)]
mod tests;

/// Protocols that are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// awsJson 1.0
    Json10,
    /// awsJson 1.1
    Json11,
    /// query, answered in XML
    Query,
    /// Amazon EC2's kind of query
    Ec2,
    /// rest-json
    RestJson,
    /// rest-xml
    RestXml,
}

impl Protocol {
    /// Content type of answers.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json10 => "application/x-amz-json-1.0",
            Self::Json11 => "application/x-amz-json-1.1",
            Self::Query | Self::RestXml => "text/xml",
            Self::Ec2 => "text/xml;charset=UTF-8",
            Self::RestJson => "application/json",
        }
    }

    /// The protocol that a content type announces; JSON 1.1 where it announces none of them. A form is of the query
    /// protocol until its service is known.
    pub fn of_content_type(content_type: &str) -> Self {
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        if kind.eq_ignore_ascii_case("application/x-amz-json-1.0") {
            return Self::Json10;
        }
        if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            Self::Query
        } else {
            Self::Json11
        }
    }

    /// The protocol in which a client expects to hear that its request leads nowhere. Its endpoint would have only that
    /// of its service, so a request without a target that is signed for a service of forms or JSON is answered in the
    /// service's own protocol, whatever content type it announces.
    pub fn of_request(
        services: &[&'static Service],
        content_type: &str,
        target: Option<&str>,
        signed_for: Option<&str>,
    ) -> Self {
        let announced = Self::of_content_type(content_type);
        let meant = services.iter().find(|it| signed_for == Some(it.signing_name));
        match (target, meant.map(|it| it.protocol)) {
            (None, Some(ServiceProtocol::Query)) => Self::Query,
            (None, Some(ServiceProtocol::Ec2)) => Self::Ec2,
            (None, Some(ServiceProtocol::Json(_))) if announced == Self::Query => Self::Json11,
            _ => announced,
        }
    }
}

/// Where a request leads.
#[derive(Debug)]
pub struct Route<'a> {
    /// The service.
    pub service: &'static Service,
    /// The operation, which may not exist.
    pub operation: std::borrow::Cow<'a, str>,
    /// How it is spoken.
    pub protocol: Protocol,
}

/// Finds the operation of a request by its target, or by the action of its form. `protocol` is that of
/// [`Protocol::of_request`].
///
/// # Errors
/// It names no operation of these services.
pub fn route<'a>(
    services: &[&'static Service],
    protocol: Protocol,
    content_type: &str,
    target: Option<&'a str>,
    body: &[u8],
) -> Result<Route<'a>, CommonError> {
    if let Some(target) = target {
        let (prefix, operation) = target.split_once('.').unwrap_or((target, ""));
        let service = services
            .iter()
            .find(|it| matches!(it.protocol, ServiceProtocol::Json(_)) && it.target_prefix == prefix);
        let service = service.ok_or_else(|| CommonError::unknown_operation(target))?;
        let is_json = content_type
            .to_ascii_lowercase()
            .starts_with("application/x-amz-json-1.");
        if !is_json {
            return Err(CommonError {
                json_code: "UnknownOperationException",
                ..CommonError::serialization(format!(
                    "The content type {content_type:?} is not spoken here: use application/x-amz-json-1.1."
                ))
            });
        }
        return Ok(Route {
            service,
            operation: operation.into(),
            protocol,
        });
    }
    if Protocol::of_content_type(content_type) != Protocol::Query {
        return Err(match protocol {
            Protocol::Query | Protocol::Ec2 => CommonError::missing_action("it is no form"),
            _ => CommonError::unknown_operation("(no X-Amz-Target header, and no form)"),
        });
    }
    let action = query::parameter(body, "Action").unwrap_or_default();
    if action.is_empty() {
        return Err(CommonError::missing_action("its form has no Action"));
    }
    let version = query::parameter(body, "Version").unwrap_or_default();
    let spoken = services.iter().find_map(|it| {
        match it.protocol {
            ServiceProtocol::Json(_) | ServiceProtocol::RestJson(_) | ServiceProtocol::RestXml(_) => None,
            ServiceProtocol::Query => Some((it, Protocol::Query)),
            ServiceProtocol::Ec2 => Some((it, Protocol::Ec2)),
        }
        .filter(|_| it.api_version == version)
    });
    let (service, protocol) =
        spoken.ok_or_else(|| CommonError::unknown_version(protocol, &action, &version))?;
    Ok(Route {
        service,
        operation: action.into(),
        protocol,
    })
}

/// The form of a request of the query protocols that has it in its address, as a GET does.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html>
pub fn form_of_query<'a>(method: &Method, uri: &'a Uri) -> Option<&'a str> {
    let is_asked = *method == Method::GET && uri.path() == "/";
    let form = uri.query().filter(|_| is_asked)?;
    query::parameter(form.as_bytes(), "Action").map(|_| form)
}

/// Finds the operation of a request by its method and path: among those of the service that it is signed for, or among
/// all where nothing tells. The protocol is that of the service. `None` where it is not of rest-json or rest-xml at all.
///
/// # Errors
/// The service has no such operation.
pub fn route_of_path(
    services: &[&'static Service],
    signed_for: Option<&str>,
    method: &Method,
    uri: &Uri,
) -> Option<(Protocol, Result<Route<'static>, CommonError>)> {
    for service in services {
        let (operations, protocol) = match service.protocol {
            ServiceProtocol::RestJson(operations) => (operations, Protocol::RestJson),
            ServiceProtocol::RestXml(operations) => (operations, Protocol::RestXml),
            ServiceProtocol::Json(_) | ServiceProtocol::Query | ServiceProtocol::Ec2 => continue,
        };
        let is_meant = signed_for == Some(service.signing_name);
        if !is_meant && signed_for.is_some() {
            continue;
        }
        match rest::find(operations, method, uri) {
            Some(operation) => {
                let route = Route {
                    service,
                    operation: operation.name.into(),
                    protocol,
                };
                return Some((protocol, Ok(route)));
            }
            None if is_meant => {
                let operation = format!("{method} {}", uri.path());
                return Some((protocol, Err(CommonError::unknown_operation(&operation))));
            }
            None => {}
        }
    }
    None
}
