//! CreateListener, DescribeListeners, ModifyListener, DeleteListener.

use std::sync::Arc;

use api::elbv2::{self, Error};
use domain::Scope;
use domain::listener::{AlpnPolicy, Listener, Protocol};
use domain::load_balancer::{LoadBalancer, LoadBalancerKind};
use domain::ssl_policy::SslPolicy;
use orchestrator::transitions::{
    ListenerRefusal, NewListener, create_listener as create, delete_listener as delete,
    modify_listener as modify,
};
use store::{State, Tx};

use super::errors::{constraint, from_store, in_use, no_listener, unbuilt, validation};
use super::limits::LISTENERS_MAX;
use super::paging::{Wanted, cut};
use super::{actions, certificates, names, render, ssl_policies, tags};
use crate::call::Call;

/// `CreateListener`. One that is there with the same settings is answered again.
///
/// # Errors
/// LoadBalancerNotFound, DuplicateListener, TooManyListeners, CertificateNotFound, SSLPolicyNotFound,
/// ALPNPolicyNotFound, those of actions, TooManyTags, DuplicateTagKeys, InvalidConfigurationRequest, ValidationError.
pub async fn create_listener(
    call: Call<elbv2::CreateListener>,
) -> Result<elbv2::CreateListenerOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_mutual(input.mutual_authentication.as_ref())?;
    let tags = tags::read(input.tags.clone())?;
    let created = call.access().store().transact(move |tx| {
        let load_balancer = names::load_balancer(tx.state(), &scope, &input.load_balancer_arn)?;
        let protocol = protocol(load_balancer.kind, input.protocol.as_ref())?;
        let port = port(
            input
                .port
                .ok_or_else(|| validation("A listener port must be specified"))?,
        )?;
        let security = Security {
            certificates: input.certificates.as_deref(),
            ssl_policy: input.ssl_policy.as_deref(),
            alpn_policy: input.alpn_policy.as_deref(),
        };
        let security = security.check(tx.state(), &scope, protocol)?;
        let place = actions::Place {
            state: tx.state(),
            scope: &scope,
            load_balancer: &load_balancer,
            protocol,
        };
        let default_action = actions::read(&place, &input.default_actions)?;
        let new = NewListener {
            load_balancer: load_balancer.arn.clone(),
            port,
            protocol,
            certificates: security.certificates,
            ssl_policy: security.ssl_policy,
            alpn_policy: security.alpn_policy,
            default_action,
            action_order: actions::order(&input.default_actions)?,
            tags,
        };
        create_or_find(tx, new)
    });
    let created = created.await.map_err(from_store)?;
    Ok(elbv2::CreateListenerOutput {
        listeners: Some(vec![render::listener(&created)]),
    })
}

fn create_or_find(tx: &mut Tx<'_>, new: NewListener) -> Result<Arc<Listener>, Error> {
    let is_same = |it: &&Arc<Listener>| {
        it.port == new.port
            && it.protocol == new.protocol
            && it.default_certificate() == new.certificates.first()
            && it.ssl_policy == new.ssl_policy
            && it.alpn_policy == new.alpn_policy
            && it.default_action == new.default_action
            && it.action_order == new.action_order
            && it.tags == new.tags
    };
    if let Some(it) = tx.state().listeners_of(&new.load_balancer).find(is_same) {
        return Ok(Arc::clone(it));
    }
    if tx.state().listeners_of(&new.load_balancer).count() >= LISTENERS_MAX {
        return Err(Error::TooManyListenersException(
            elbv2::TooManyListenersException {
                message: Some(format!(
                    "A load balancer can have at most {LISTENERS_MAX} listeners"
                )),
            },
        ));
    }
    let load_balancer = new.load_balancer.clone();
    create(tx, new).map_err(|refusal| refused(&refusal, load_balancer.as_str()))
}

fn refused(refusal: &ListenerRefusal, load_balancer: &str) -> Error {
    match refusal {
        ListenerRefusal::Duplicate => Error::DuplicateListenerException(elbv2::DuplicateListenerException {
            message: Some(format!(
                "A listener already exists on this port for this load balancer '{load_balancer}'"
            )),
        }),
    }
}

/// Refuses mutual authentication, but for saying that there is none.
fn check_mutual(given: Option<&elbv2::MutualAuthenticationAttributes>) -> Result<(), Error> {
    match given.and_then(|it| it.mode.as_deref()) {
        None | Some("off") => Ok(()),
        Some(_) => Err(unbuilt("mutual authentication")),
    }
}

fn protocol(kind: LoadBalancerKind, given: Option<&elbv2::ProtocolEnum>) -> Result<Protocol, Error> {
    let given = given.ok_or_else(|| validation("A listener protocol must be specified"))?;
    let protocol = Protocol::parse(given.as_str()).filter(|it| it.kind() == kind);
    protocol.ok_or_else(|| {
        let known = match kind {
            LoadBalancerKind::Application => "HTTPS, HTTP",
            LoadBalancerKind::Network => "TLS, TCP, TCP_UDP, UDP",
        };
        validation(format!(
            "Listener protocol '{}' must be one of '{known}'",
            given.as_str()
        ))
    })
}

fn port(given: i32) -> Result<u16, Error> {
    let port = u16::try_from(given).ok().filter(|it| *it > 0);
    port.ok_or_else(|| {
        let rule = match given {
            ..=0 => "Member must have value greater than or equal to 1",
            _ => "Member must have value less than or equal to 65535",
        };
        constraint(&given.to_string(), "port", rule)
    })
}

/// What a listener says of TLS, as it is given.
struct Security<'a> {
    certificates: Option<&'a [elbv2::Certificate]>,
    ssl_policy: Option<&'a str>,
    alpn_policy: Option<&'a [String]>,
}

/// The same, checked.
struct Checked {
    certificates: Vec<String>,
    ssl_policy: Option<String>,
    alpn_policy: Option<AlpnPolicy>,
}

impl Security<'_> {
    fn check(&self, state: &State, scope: &Scope, protocol: Protocol) -> Result<Checked, Error> {
        let alpn_policy = self.alpn_policy(protocol)?;
        let certificates = self.certificates.unwrap_or_default();
        if !protocol.is_encrypted() {
            if !certificates.is_empty() {
                return Err(validation(format!(
                    "A certificate cannot be specified for {} listeners",
                    protocol.as_str()
                )));
            }
            if self.ssl_policy.is_some() {
                return Err(validation(format!(
                    "An SSL policy cannot be specified for {} listeners",
                    protocol.as_str()
                )));
            }
            return Ok(Checked {
                certificates: Vec::new(),
                ssl_policy: None,
                alpn_policy,
            });
        }
        let certificate = match certificates {
            [] => {
                return Err(validation(format!(
                    "A certificate must be specified for {} listeners",
                    protocol.as_str()
                )));
            }
            [only] => certificates::require(state, scope, only)?,
            _ => {
                return Err(validation(
                    "Up to one certificate can be specified; add others to the listener",
                ));
            }
        };
        let policy = self.ssl_policy.unwrap_or(SslPolicy::DEFAULT);
        Ok(Checked {
            certificates: vec![certificate],
            ssl_policy: Some(ssl_policies::require(policy)?.to_owned()),
            alpn_policy,
        })
    }

    fn alpn_policy(&self, protocol: Protocol) -> Result<Option<AlpnPolicy>, Error> {
        let given = match self.alpn_policy.unwrap_or_default() {
            [] => return Ok(None),
            [only] if protocol == Protocol::Tls => only,
            [_] => {
                return Err(validation(
                    "ALPN policies can be specified for TLS listeners only",
                ));
            }
            _ => return Err(validation("Up to one ALPN policy can be specified")),
        };
        AlpnPolicy::parse(given).map(Some).ok_or_else(|| {
            Error::ALPNPolicyNotSupportedException(elbv2::ALPNPolicyNotSupportedException {
                message: Some(format!("The ALPN policy '{given}' is not supported")),
            })
        })
    }
}

/// `DescribeListeners`: those of a load balancer, or of the ARNs given.
///
/// # Errors
/// ListenerNotFound, LoadBalancerNotFound, ValidationError.
pub async fn describe_listeners(
    call: Call<elbv2::DescribeListeners>,
) -> Result<elbv2::DescribeListenersOutput, Error> {
    let (scope, input) = (call.scope(), call.input());
    let arns = input.listener_arns.as_deref().unwrap_or_default();
    let found = call
        .access()
        .store()
        .read(|state| match (&input.load_balancer_arn, arns) {
            (Some(arn), []) => {
                let it = names::load_balancer(state, scope, arn)?;
                Ok(state.listeners_of(&it.arn).cloned().collect())
            }
            (None, [_, ..]) => arns
                .iter()
                .map(|arn| match names::listener(state, scope, arn) {
                    Err(Error::ListenerNotFoundException(_)) => {
                        Err(no_listener("One or more listeners not found"))
                    }
                    other => other,
                })
                .collect::<Result<Vec<_>, _>>(),
            _ => Err(validation(
                "You must specify either listener ARNs or a load balancer ARN",
            )),
        })?;
    let wanted = Wanted {
        listing: &format!("listeners {:?} {arns:?}", input.load_balancer_arn),
        marker: input.marker.as_deref(),
        page_size: input.page_size,
    };
    let mut found: Vec<_> = found.into_iter().map(|it| (it.arn.to_string(), it)).collect();
    found.sort_by(|left, right| left.0.cmp(&right.0));
    let (found, next_marker) = cut(call.access(), &wanted, found)?;
    Ok(elbv2::DescribeListenersOutput {
        listeners: Some(found.iter().map(|it| render::listener(it)).collect()),
        next_marker,
    })
}

/// `ModifyListener`: what is not given stays; certificates that are given replace the default one.
///
/// # Errors
/// ListenerNotFound, and those of [`create_listener`].
pub async fn modify_listener(
    call: Call<elbv2::ModifyListener>,
) -> Result<elbv2::ModifyListenerOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_mutual(input.mutual_authentication.as_ref())?;
    let modified = call.access().store().transact(move |tx| {
        let before = names::listener(tx.state(), &scope, &input.listener_arn)?;
        let load_balancer = names::load_balancer_of(tx.state(), &before)?;
        let after = modified(tx.state(), &scope, &load_balancer, &before, &input)?;
        if after.port != before.port {
            check_is_no_target(tx.state(), &load_balancer, before.port)?;
        }
        modify(tx, after).map_err(|refusal| refused(&refusal, load_balancer.arn.as_str()))
    });
    let modified = modified.await.map_err(from_store)?;
    Ok(elbv2::ModifyListenerOutput {
        listeners: Some(vec![render::listener(&modified)]),
    })
}

fn modified(
    state: &State,
    scope: &Scope,
    load_balancer: &LoadBalancer,
    before: &Listener,
    input: &elbv2::ModifyListenerInput,
) -> Result<Listener, Error> {
    let mut it = before.clone();
    if input.protocol.is_some() {
        it.protocol = protocol(load_balancer.kind, input.protocol.as_ref())?;
    }
    if let Some(given) = input.port {
        it.port = port(given)?;
    }
    // What it has stays only where its new protocol can have it.
    let kept: Vec<elbv2::Certificate> = match it.protocol.is_encrypted() {
        true => before
            .default_certificate()
            .into_iter()
            .map(|it| render::certificate(it, None))
            .collect(),
        false => Vec::new(),
    };
    let kept_policy = before
        .ssl_policy
        .as_deref()
        .filter(|_| it.protocol.is_encrypted());
    let kept_alpn: Vec<String> = before
        .alpn_policy
        .filter(|_| it.protocol == Protocol::Tls)
        .map(|it| it.as_str().to_owned())
        .into_iter()
        .collect();
    let security = Security {
        certificates: Some(input.certificates.as_deref().unwrap_or(&kept)),
        ssl_policy: input.ssl_policy.as_deref().or(kept_policy),
        alpn_policy: Some(input.alpn_policy.as_deref().unwrap_or(&kept_alpn)),
    };
    let security = security.check(state, scope, it.protocol)?;
    let list = before.certificate_list().iter().cloned();
    it.certificates = match it.protocol.is_encrypted() {
        true => security.certificates.iter().cloned().chain(list).collect(),
        false => Vec::new(),
    };
    it.ssl_policy = security.ssl_policy;
    it.alpn_policy = security.alpn_policy;
    let place = actions::Place {
        state,
        scope,
        load_balancer,
        protocol: it.protocol,
    };
    let given = input.default_actions.as_deref();
    let is_other_protocol = it.protocol != before.protocol;
    match given.filter(|it| !it.is_empty()) {
        Some(given) => {
            it.default_action = actions::read(&place, given)?;
            it.action_order = actions::order(given)?;
        }
        // Its groups have to go with the new protocol too.
        None if is_other_protocol => actions::check_groups(&place, &it.default_action)?,
        None => {}
    }
    if is_other_protocol {
        for rule in state.rules_of(&it.arn).filter(|it| it.priority.is_some()) {
            actions::check_groups(&place, &rule.action)?;
        }
    }
    Ok(it)
}

/// A listener stays where a Network Load Balancer's target group has its load balancer as a target at its port.
fn check_is_no_target(state: &State, load_balancer: &LoadBalancer, port: u16) -> Result<(), Error> {
    let arn = load_balancer.arn.as_str();
    match state.is_target_at(arn, port) {
        true => Err(in_use(format!(
            "Listener port '{port}' is in use by registered target '{arn}' and cannot be removed"
        ))),
        false => Ok(()),
    }
}

/// `DeleteListener`: with its rules.
///
/// # Errors
/// ListenerNotFound, ResourceInUse, ValidationError.
pub async fn delete_listener(
    call: Call<elbv2::DeleteListener>,
) -> Result<elbv2::DeleteListenerOutput, Error> {
    let (scope, arn) = (call.scope().clone(), call.input().listener_arn.clone());
    let deleted = call.access().store().transact(move |tx| {
        let it = names::listener(tx.state(), &scope, &arn)?;
        let load_balancer = names::load_balancer_of(tx.state(), &it)?;
        check_is_no_target(tx.state(), &load_balancer, it.port)?;
        delete(tx, &it.arn);
        Ok(())
    });
    deleted.await.map_err(from_store)?;
    Ok(elbv2::DeleteListenerOutput {})
}
