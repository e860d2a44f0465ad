//! Listeners that speak TLS, as clients of TLS see them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, StreamOwned};
use test_support::gantry::http_get;
use test_support::leaks::Place;
use test_support::wait;

use crate::world::{DEADLINE, World, text};

/// How long a client waits for an answer.
const ANSWER: Duration = Duration::from_secs(2);

/// A certificate with its key, in files.
struct Made {
    der: CertificateDer<'static>,
    body: PathBuf,
    key: PathBuf,
}

impl World {
    /// A certificate that has signed itself.
    fn certificate(&self, name: &str) -> Result<Made> {
        let made = rcgen::generate_simple_self_signed([name.to_owned()])?;
        let serial = hex(&made.cert.der()[..]);
        let file = |end: &str| self.gantry.scratch().join(format!("{name}-{serial}.{end}"));
        let (body, key) = (file("pem"), file("key.pem"));
        std::fs::write(&body, made.cert.pem())?;
        std::fs::write(&key, made.signing_key.serialize_pem())?;
        Ok(Made {
            der: made.cert.der().clone(),
            body,
            key,
        })
    }

    /// Imports a certificate, also again: its ARN.
    fn import(&self, made: &Made, more: &[&str]) -> Result<String> {
        let (body, key) = (
            format!("fileb://{}", made.body.display()),
            format!("fileb://{}", made.key.display()),
        );
        let mut arguments = vec![
            "import-certificate",
            "--certificate",
            &body,
            "--private-key",
            &key,
        ];
        arguments.extend(more);
        Ok(text(&self.acm(&arguments)?["CertificateArn"]))
    }

    fn acm(&self, arguments: &[&str]) -> Result<serde_json::Value> {
        self.aws.json(&[&["acm"], arguments].concat())
    }
}

/// Tells files apart: the end of a certificate is its signature.
fn hex(der: &[u8]) -> String {
    der.iter().rev().take(4).map(|it| format!("{it:02x}")).collect()
}

/// A connection of a client that trusts this certificate only.
struct Client(StreamOwned<ClientConnection, TcpStream>);

impl Client {
    fn connect(address: &str, name: &str, trusted: &Made) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.der.clone())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let target = format!("{address}:443").parse()?;
        let mut stream = TcpStream::connect_timeout(&target, ANSWER)?;
        stream.set_read_timeout(Some(ANSWER))?;
        stream.set_write_timeout(Some(ANSWER))?;
        let name = ServerName::try_from(name.to_owned())?;
        let mut connection = ClientConnection::new(Arc::new(config), name)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut stream)?;
        }
        Ok(Self(StreamOwned::new(connection, stream)))
    }

    fn version(&self) -> Option<ProtocolVersion> {
        self.0.conn.protocol_version()
    }

    /// The answer to a request; the connection stays.
    fn get(&mut self, name: &str) -> Result<String> {
        write!(self.0, "GET / HTTP/1.1\r\nHost: {name}\r\n\r\n")?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"hello") {
            let mut part = [0; 1024];
            let length = self.0.read(&mut part)?;
            ensure!(length > 0, "ended after {:?}", String::from_utf8_lossy(&answer));
            answer.extend(&part[..length]);
        }
        Ok(String::from_utf8(answer)?)
    }
}

const A: &str = "a.example.com";
const B: &str = "b.example.com";

#[test]
#[expect(clippy::too_many_lines, reason = "one life, told in order")]
fn a_listener_shows_certificates_by_name_and_takes_new_ones_without_a_restart() -> Result<()> {
    let world = World::new()?;
    let place = Place::of(&world.gantry)?;
    let before = place.held()?;
    let (made_a, made_b) = (world.certificate(A)?, world.certificate(B)?);
    let (arn_a, arn_b) = (world.import(&made_a, &[])?, world.import(&made_b, &[])?);
    let (load_balancer, arn) = world.load_balancer()?;
    let certificate = format!("CertificateArn={arn_a}");
    let made = world.elb(&[
        "create-listener",
        "--load-balancer-arn",
        &arn,
        "--protocol",
        "HTTPS",
        "--port",
        "443",
        "--certificates",
        &certificate,
        "--default-actions",
        "Type=fixed-response,FixedResponseConfig={StatusCode=200,MessageBody=hello,ContentType=text/plain}",
    ])?;
    let listener = text(&made["Listeners"][0]["ListenerArn"]);
    let certificate = format!("CertificateArn={arn_b}");
    world.elb(&[
        "add-listener-certificates",
        "--listener-arn",
        &listener,
        "--certificates",
        &certificate,
    ])?;
    world.elb(&["wait", "load-balancer-available", "--load-balancer-arns", &arn])?;
    let addresses = world.addresses(&load_balancer)?;
    let address = addresses.first().context("no address")?;

    // Each name has its certificate; any other name has the default one.
    let mut kept = wait::until("TLS of the first", DEADLINE, || {
        Ok(Client::connect(address, A, &made_a).ok())
    })?;
    assert!(kept.get(A)?.starts_with("HTTP/1.1 200 "));
    let clear = http_get(&format!("{address}:443"), "/")?;
    assert!(clear.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{clear}");
    assert!(
        clear.contains("The plain HTTP request was sent to HTTPS port"),
        "{clear}"
    );
    assert_eq!(
        kept.version(),
        Some(ProtocolVersion::TLSv1_2),
        "as ELBSecurityPolicy-2016-08 has it"
    );
    let mut other = wait::until("TLS of the second", DEADLINE, || {
        Ok(Client::connect(address, B, &made_b).ok())
    })?;
    assert!(other.get(B)?.starts_with("HTTP/1.1 200 "));
    assert!(Client::connect(address, B, &made_a).is_err(), "that is not shown");
    let found = world.acm(&["describe-certificate", "--certificate-arn", &arn_a])?;
    let found = &found["Certificate"];
    assert_eq!(found["InUseBy"], serde_json::json!([arn]), "{found:#}");
    assert_eq!(found["Status"], "ISSUED");
    let delete = ["acm", "delete-certificate", "--certificate-arn", &arn_a];
    let error = world.aws.error(&delete)?;
    assert!(error.contains("(ResourceInUseException)"), "{error}");

    // A new certificate is shown to those who come; who is there stays.
    let renewed = world.certificate(A)?;
    let again = world.import(&renewed, &["--certificate-arn", &arn_a])?;
    assert_eq!(again, arn_a);
    let mut client = wait::until("the new certificate", DEADLINE, || {
        Ok(Client::connect(address, A, &renewed).ok())
    })?;
    assert!(client.get(A)?.starts_with("HTTP/1.1 200 "));
    assert!(
        Client::connect(address, A, &made_a).is_err(),
        "the old one is not shown"
    );
    assert!(
        kept.get(A)?.starts_with("HTTP/1.1 200 "),
        "on the same connection"
    );

    // So with another policy.
    let policy = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06";
    world.elb(&[
        "modify-listener",
        "--listener-arn",
        &listener,
        "--ssl-policy",
        policy,
    ])?;
    wait::until("TLS 1.3", DEADLINE, || {
        let client = Client::connect(address, A, &renewed)?;
        Ok((client.version() == Some(ProtocolVersion::TLSv1_3)).then_some(()))
    })?;
    assert!(
        kept.get(A)?.starts_with("HTTP/1.1 200 "),
        "on the same connection"
    );

    world.elb(&["delete-listener", "--listener-arn", &listener])?;
    world.acm(&delete[1..])?;
    let error = world
        .aws
        .error(&["acm", "describe-certificate", "--certificate-arn", &arn_a])?;
    assert!(error.contains("(ResourceNotFoundException)"), "{error}");
    world.elb(&["delete-load-balancer", "--load-balancer-arn", &arn])?;
    place.settle(&before)
}

#[test]
fn a_listener_of_a_classic_load_balancer_shows_its_certificate() -> Result<()> {
    let world = World::new()?;
    let elb = |arguments: &[&str]| world.aws.json(&[&["elb"], arguments].concat());
    let place = Place::of(&world.gantry)?;
    let before = place.held()?;
    let (made_a, made_b) = (world.certificate(A)?, world.certificate(B)?);
    let (arn_a, arn_b) = (world.import(&made_a, &[])?, world.import(&made_b, &[])?);
    let (first, second, _) = world.two_subnets()?;
    let listener = format!(
        "Protocol=HTTPS,LoadBalancerPort=443,InstanceProtocol=HTTP,InstancePort=8080,SSLCertificateId={arn_a}"
    );
    let name = ["--load-balancer-name", "old"];
    let create = [
        "create-load-balancer",
        "--subnets",
        &first,
        &second,
        "--listeners",
        &listener,
    ];
    let made = elb(&[&create[..], &name].concat())?;
    let printed = world
        .gantry
        .command(&["admin", "resolve", &text(&made["DNSName"])])?;
    let address = printed.lines().next().context("no address")?;
    let mut client = wait::until("TLS", DEADLINE, || Ok(Client::connect(address, A, &made_a).ok()))?;
    assert!(Client::connect(address, A, &made_b).is_err(), "that is not shown");
    write!(
        client.0,
        "GET / HTTP/1.1\r\nHost: {A}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    client.0.read_to_string(&mut answer)?;
    let first_line = "HTTP/1.1 503 Service Unavailable: Back-end server is at capacity\r\n";
    assert!(answer.starts_with(first_line), "without instances: {answer}");
    assert!(answer.ends_with("\r\n\r\n"), "and without a page: {answer}");

    let set = [
        "set-load-balancer-listener-ssl-certificate",
        "--load-balancer-port",
        "443",
        "--ssl-certificate-id",
        &arn_b,
    ];
    elb(&[&set[..], &name].concat())?;
    wait::until("the other certificate", DEADLINE, || {
        Ok(Client::connect(address, B, &made_b).ok())
    })?;
    elb(&[&["delete-load-balancer"], &name[..]].concat())?;
    world.acm(&["delete-certificate", "--certificate-arn", &arn_b])?;
    place.settle(&before)
}
