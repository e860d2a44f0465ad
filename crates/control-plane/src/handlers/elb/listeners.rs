//! CreateLoadBalancerListeners, DeleteLoadBalancerListeners, SetLoadBalancerListenerSSLCertificate.

use api::elb::{self, Error};
use domain::Scope;
use domain::classic_load_balancer::{ClassicListener, ClassicLoadBalancer, parse_protocol, protocol_word};
use domain::listener::Protocol;
use store::State;

use super::errors::{self, from_store, invalid_configuration, no_listener, range, validation};
use super::limits::LISTENERS_MAX;
use super::names;
use crate::call::Call;
use crate::handlers::listener_certificates::listener_certificate;

fn none_given() -> Error {
    validation("Listeners cannot be empty")
}

/// Reads the listeners of a new load balancer.
///
/// # Errors
/// ValidationError, UnsupportedProtocol, CertificateNotFound, UnsupportedCertificate, DuplicateListener.
pub fn read(
    state: &State,
    scope: &Scope,
    name: &str,
    given: &[elb::Listener],
) -> Result<Vec<ClassicListener>, Error> {
    if given.is_empty() {
        return Err(none_given());
    }
    let mut listeners = Vec::new();
    for it in given {
        let new = listener(state, scope, it)?;
        add(name, &mut listeners, it, new)?;
    }
    Ok(listeners)
}

/// One that is there already may be given again: as it was given, a certificate included that it has no use for.
fn add(
    name: &str,
    listeners: &mut Vec<ClassicListener>,
    given: &elb::Listener,
    new: ClassicListener,
) -> Result<(), Error> {
    let Some(known) = listeners.iter().find(|it| it.port == new.port) else {
        listeners.push(new);
        return Ok(());
    };
    let is_same = ClassicListener {
        policies: Vec::new(),
        ..known.clone()
    } == new;
    let names_certificate = given.ssl_certificate_id.as_ref().is_some_and(|it| !it.is_empty());
    if is_same && names_certificate == known.certificate.is_some() {
        return Ok(());
    }
    Err(Error::DuplicateListenerException(
        elb::DuplicateListenerException {
            message: Some(format!(
                "A listener already exists for {name} with LoadBalancerPort {}, but with a different InstancePort, Protocol, \
                 or SSLCertificateId",
                new.port
            )),
        },
    ))
}

fn listener(state: &State, scope: &Scope, it: &elb::Listener) -> Result<ClassicListener, Error> {
    let protocol = protocol(&it.protocol)?;
    let instance_protocol = match &it.instance_protocol {
        Some(word) => self::protocol(word)?,
        None => match protocol {
            Protocol::Http | Protocol::Https => Protocol::Http,
            _ => Protocol::Tcp,
        },
    };
    let port = port(it.load_balancer_port, "loadBalancerPort")?;
    let instance_port = self::port(it.instance_port, "instancePort")?;
    if protocol.kind() != instance_protocol.kind() {
        return Err(validation(format!(
            "The protocols {} and {} are not at the same layer: HTTP goes with HTTPS, TCP with SSL",
            protocol_word(protocol),
            protocol_word(instance_protocol)
        )));
    }
    let certificate = match (protocol.is_encrypted(), it.ssl_certificate_id.as_deref()) {
        (true, Some(id)) if !id.is_empty() => Some(certificate(state, scope, id)?),
        (true, _) => {
            return Err(validation(format!(
                "Secure Listeners need to specify a SSLCertificateId: that of port {port} speaks {}",
                protocol_word(protocol)
            )));
        }
        // Amazon discards one that there is no use for.
        (false, _) => None,
    };
    Ok(ClassicListener {
        port,
        protocol,
        instance_port,
        instance_protocol,
        certificate,
        policies: Vec::new(),
    })
}

fn certificate(state: &State, scope: &Scope, id: &str) -> Result<String, Error> {
    listener_certificate(state, scope, id).map_err(|refusal| errors::certificate(refusal, id))
}

/// Refuses listeners that lead to one port of instances, some in the clear and others within TLS.
///
/// # Errors
/// InvalidConfigurationRequest.
fn check_instance_ports(listeners: &[ClassicListener]) -> Result<(), Error> {
    for (at, it) in listeners.iter().enumerate() {
        let is_other = |other: &&ClassicListener| {
            other.instance_port == it.instance_port
                && other.instance_protocol.is_encrypted() != it.instance_protocol.is_encrypted()
        };
        if let Some(other) = listeners[..at].iter().find(is_other) {
            return Err(invalid_configuration(format!(
                "The listeners of the ports {} and {} lead to the InstancePort {}: the InstanceProtocol of both must be \
                 secure, or of neither",
                other.port, it.port, it.instance_port
            )));
        }
    }
    Ok(())
}

fn protocol(word: &str) -> Result<Protocol, Error> {
    parse_protocol(word).ok_or_else(|| {
        Error::UnsupportedProtocolException(elb::UnsupportedProtocolException {
            message: Some(format!(
                "The protocol '{word}' is not supported: it must be HTTP, HTTPS, TCP or SSL"
            )),
        })
    })
}

/// A port of a listener.
///
/// # Errors
/// ValidationError.
pub fn port(number: i32, member: &str) -> Result<u16, Error> {
    range(number.into(), member, (1, 65_535))?;
    u16::try_from(number).map_err(|_| validation("Invalid port number, port must be in the range 1-65535"))
}

/// `CreateLoadBalancerListeners`.
///
/// # Errors
/// LoadBalancerNotFound and those of [`read`].
pub async fn create_load_balancer_listeners(
    call: Call<elb::CreateLoadBalancerListeners>,
) -> Result<elb::CreateLoadBalancerListenersOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let name = input.load_balancer_name;
    let changed = call.access().store().transact(move |tx| {
        let it = names::load_balancer(tx.state(), &scope, &name)?;
        let mut it = ClassicLoadBalancer::clone(&it);
        if input.listeners.is_empty() {
            return Err(none_given());
        }
        for given in &input.listeners {
            let new = listener(tx.state(), &scope, given)?;
            add(&name, &mut it.listeners, given, new)?;
        }
        check_all(&it.listeners)?;
        it.listeners.sort_by_key(|it| it.port);
        tx.put(it);
        Ok(())
    });
    changed.await.map_err(from_store)?;
    Ok(elb::CreateLoadBalancerListenersOutput {})
}

/// Refuses listeners that a load balancer cannot have together.
///
/// # Errors
/// InvalidConfigurationRequest.
pub fn check_all(listeners: &[ClassicListener]) -> Result<(), Error> {
    match listeners.len() {
        ..=LISTENERS_MAX => check_instance_ports(listeners),
        _ => Err(invalid_configuration(format!(
            "A load balancer can have at most {LISTENERS_MAX} listeners"
        ))),
    }
}

/// `DeleteLoadBalancerListeners`. One that is not there is deleted already.
///
/// # Errors
/// LoadBalancerNotFound.
pub async fn delete_load_balancer_listeners(
    call: Call<elb::DeleteLoadBalancerListeners>,
) -> Result<elb::DeleteLoadBalancerListenersOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let changed = call.access().store().transact(move |tx| {
        let it = names::load_balancer(tx.state(), &scope, &input.load_balancer_name)?;
        let mut it = ClassicLoadBalancer::clone(&it);
        let ports = &input.load_balancer_ports;
        it.listeners.retain(|it| !ports.contains(&i32::from(it.port)));
        for instance in &mut it.instances {
            let stays = |port: &u16| !ports.contains(&i32::from(*port));
            instance.health.retain(|port, _| stays(port));
            instance.idle.retain(stays);
        }
        tx.put(it);
        Ok(())
    });
    changed.await.map_err(from_store)?;
    Ok(elb::DeleteLoadBalancerListenersOutput {})
}

/// `SetLoadBalancerListenerSSLCertificate`: in place of the one that the listener had.
///
/// # Errors
/// LoadBalancerNotFound, ListenerNotFound, CertificateNotFound, UnsupportedCertificate, InvalidConfigurationRequest.
pub async fn set_load_balancer_listener_ssl_certificate(
    call: Call<elb::SetLoadBalancerListenerSSLCertificate>,
) -> Result<elb::SetLoadBalancerListenerSSLCertificateOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let changed = call.access().store().transact(move |tx| {
        let (name, port) = (input.load_balancer_name, input.load_balancer_port);
        let it = names::load_balancer(tx.state(), &scope, &name)?;
        let mut it = ClassicLoadBalancer::clone(&it);
        let mut listeners = it.listeners.iter_mut();
        let listener = listeners.find(|it| i32::from(it.port) == port);
        let listener = listener.ok_or_else(|| no_listener(&name, port))?;
        if !listener.protocol.is_encrypted() {
            return Err(invalid_configuration(format!(
                "The listener of port {port} speaks {}: certificates are for HTTPS and SSL",
                protocol_word(listener.protocol)
            )));
        }
        listener.certificate = Some(certificate(tx.state(), &scope, &input.ssl_certificate_id)?);
        tx.put(it);
        Ok(())
    });
    changed.await.map_err(from_store)?;
    Ok(elb::SetLoadBalancerListenerSSLCertificateOutput {})
}
