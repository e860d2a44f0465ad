//! What a load balancer says when it answers by itself: Amazon's words, of which classic load balancers have others.
//!
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html>
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/ts-elb-error-message.html>

use super::answer::Fault;
use super::head::Refusal;

#[cfg(test)]
mod tests;

/// An answer of the load balancer's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) status: u16,
    /// What stands behind the status.
    pub(crate) reason: &'static str,
    /// What a browser shows; none of classic load balancers, which say no more than the first line.
    pub(crate) page: Option<String>,
}

/// How a load balancer words a fault.
pub(crate) fn words(fault: Fault, is_classic: bool) -> Words {
    if is_classic {
        let (status, reason) = of_classic(fault);
        return Words {
            status,
            reason,
            page: None,
        };
    }
    let (status, reason) = of_application(fault);
    let page = match fault {
        Fault::InTheClear => {
            const CAUSE: &str = "The plain HTTP request was sent to HTTPS port";
            let rest = format!("<center>{CAUSE}</center>\r\n");
            written(&format!("{status} {CAUSE}"), &format!("{status} {reason}"), &rest)
        }
        _ => page(status, reason),
    };
    Words {
        status,
        reason,
        page: Some(page),
    }
}

/// What a browser shows of a status.
pub(crate) fn page(status: u16, title: &str) -> String {
    let heading = format!("{status} {title}");
    written(&heading, &heading, "")
}

fn written(title: &str, heading: &str, rest: &str) -> String {
    format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{heading}</h1></center>\r\n{rest}</body>\r\n</html>\r\n"
    )
}

fn of_application(fault: Fault) -> (u16, &'static str) {
    match fault {
        Fault::Refused(refusal) => match refusal {
            Refusal::Malformed(_) | Refusal::Host | Refusal::TooLarge => (400, "Bad Request"),
            Refusal::UriTooLong => (414, "Request-URI Too Large"),
            Refusal::UnknownEncoding => (501, "Not Implemented"),
            Refusal::Version => (505, "HTTP Version Not Supported"),
            Refusal::Slow => (408, "Request Time-out"),
        },
        Fault::BadRequest | Fault::InTheClear => (400, "Bad Request"),
        Fault::Method => (405, "Not Allowed"),
        Fault::ClientSlow => (408, "Request Time-out"),
        Fault::ClientGone => (460, "Client Closed Request"),
        Fault::TooManyForwarders => (463, "Too Many Forwarders"),
        Fault::VersionMismatch => (464, "Incompatible Protocol Versions"),
        Fault::BadGateway | Fault::TargetClosed => (502, "Bad Gateway"),
        Fault::NoTarget => (503, "Service Temporarily Unavailable"),
        Fault::Timeout => (504, "Gateway Time-out"),
    }
}

/// A classic load balancer knows six statuses. An instance that closes its connection is not in time to it.
fn of_classic(fault: Fault) -> (u16, &'static str) {
    match fault {
        Fault::Refused(Refusal::Slow) | Fault::ClientSlow | Fault::ClientGone => (408, "REQUEST_TIMEOUT"),
        Fault::Refused(_)
        | Fault::BadRequest
        | Fault::InTheClear
        | Fault::TooManyForwarders
        | Fault::VersionMismatch => (400, "BAD_REQUEST"),
        Fault::Method => (405, "METHOD_NOT_ALLOWED"),
        Fault::BadGateway => (502, "BAD_GATEWAY"),
        Fault::NoTarget => (503, "Service Unavailable: Back-end server is at capacity"),
        Fault::TargetClosed | Fault::Timeout => (504, "GATEWAY_TIMEOUT"),
    }
}
