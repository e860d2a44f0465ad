//! A balancer with one worker thread, as `cargo xtask bench balancer` measures it: HTTP at a port, HTTPS at the next and
//! TCP at the one after, all to one target. `one_worker PORT TARGET CHAIN KEY`; ends when its standard input does.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use balancer::access_log::NoAccessLog;
use balancer::health::machine::Health;
use balancer::plan::rule::Action;
use balancer::plan::{
    CertificatePem, GroupPlan, ListenerHeaders, ListenerPlan, LoadBalancerPlan, NodeAddress, Plan,
    Registration, TargetPlan,
};
use balancer::sockets::BindingSockets;
use balancer::{Balancer, Surroundings};
use domain::Timestamp;
use domain::clock::Clock;
use domain::listener::{AlpnPolicy, Protocol};
use domain::ssl_policy::SslPolicy;
use tokio::sync::mpsc;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const ZONE: &str = "us-east-1a";

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct MachineClock;

impl Clock for MachineClock {
    #[expect(clippy::disallowed_methods, reason = "traces name the time of the machine")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, target, chain, key] = &arguments[..] else {
        return Err("PORT TARGET CHAIN KEY".into());
    };
    let certificate = CertificatePem {
        arn: "arn:certificate".into(),
        chain: std::fs::read_to_string(chain)?.into(),
        key: std::fs::read_to_string(key)?.into(),
    };
    let plan = plan(port.parse()?, target.parse()?, certificate);
    // as `gantry balancer` has it, on a machine of one processor
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    runtime.block_on(serve(plan))
}

async fn serve(plan: Plan) -> Result<(), Box<dyn std::error::Error>> {
    let (reports, mut told) = mpsc::channel(16);
    let mut balancer = Balancer::new(Surroundings {
        sockets: Arc::new(BindingSockets),
        reports,
        clock: Arc::new(MachineClock),
        logs: Arc::new(NoAccessLog),
        cookie_key: [7; 32],
        seed: 7,
    })?;
    balancer.apply(plan).await;
    let reading = tokio::spawn(async move {
        while let Some(reports) = told.recv().await {
            reports.iter().for_each(|it| eprintln!("{it:?}"));
        }
    });
    let ended = || std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
    tokio::task::spawn_blocking(ended).await??;
    reading.abort();
    Ok(())
}

fn plan(port: u16, target: SocketAddr, certificate: CertificatePem) -> Plan {
    let group = |arn: &str, protocol| GroupPlan {
        targets: vec![TargetPlan {
            id: target.ip().to_string().into(),
            address: target,
            zone: Some(ZONE.into()),
            registration: Registration::Registered,
            known: Health::Healthy,
        }],
        ..GroupPlan::new(arn, protocol)
    };
    let groups = vec![group("arn:web", Protocol::Http), group("arn:raw", Protocol::Tcp)];
    let node = || NodeAddress {
        ip: HERE,
        zone: ZONE.into(),
    };
    let listener = |offset: u16, protocol, group: &str, name: &str| ListenerPlan {
        arn: format!("arn:listener/{name}").into(),
        load_balancer: Arc::new(LoadBalancerPlan::new("arn:balancer", name, vec![node()])),
        port: port + offset,
        protocol,
        plain_http2: false,
        rules: Vec::new(),
        default_action: Action::Forward {
            groups: vec![(group.into(), 1)],
            stickiness: None,
        },
        ssl_policy: SslPolicy::find("ELBSecurityPolicy-TLS13-1-2-2021-06").unwrap_or(SslPolicy::usual()),
        certificates: match protocol {
            Protocol::Https => vec![certificate.clone()],
            _ => Vec::new(),
        },
        alpn: AlpnPolicy::None,
        headers: ListenerHeaders::default(),
        tcp_idle_timeout: Duration::from_secs(350),
    };
    Plan {
        listeners: vec![
            listener(0, Protocol::Http, "arn:web", "app/clear/1"),
            listener(1, Protocol::Https, "arn:web", "app/secret/1"),
            listener(2, Protocol::Tcp, "arn:raw", "net/raw/1"),
        ],
        groups,
    }
}
