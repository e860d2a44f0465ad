//! A resolver with one thread that answers, as `cargo xtask bench dns` measures it: UDP and TCP at a port of loopback, one
//! private zone of so many names, `n0.bench.test` and so on, at 10.0.0.0 and on. `one_thread PORT NAMES`; ends when its
//! standard input does.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;

use dns::{Resolver, Settings, Site, Upstreams};
use domain::cloud_map::RoutingPolicy;
use domain::served_names::{
    NameKey, NamesMessage, RecordSet, SeenBy, ServedName, ServedRecord, ServedZone, UnknownNames,
};

const VPC: &str = "vpc-1";
const ZONE: &str = "zone";
const ORIGIN: &str = "bench.test";

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, names] = &arguments[..] else {
        return Err("PORT NAMES".into());
    };
    let (port, names): (u16, u32) = (port.parse()?, names.parse()?);
    // as `gantry dns` has it, which gives a VPC one at a time
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let _entered = runtime.enter();
    let resolver = Resolver::new(Settings {
        // each client is counted, and none asks too much
        queries_per_second: u32::MAX,
        upstreams: Upstreams::These(Vec::new()),
    });
    let site = Site {
        vpc_id: VPC.to_owned(),
        cidr: "127.0.0.0/8".parse()?,
    };
    let packets: OwnedFd = UdpSocket::bind((Ipv4Addr::LOCALHOST, port))?.into();
    let listener: OwnedFd = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?.into();
    resolver.tell(zone(names));
    resolver.serve(site, vec![packets, listener])?;
    std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink())?;
    Ok(())
}

fn zone(names: u32) -> NamesMessage {
    let first = u32::from(Ipv4Addr::new(10, 0, 0, 0));
    let name = |number: u32| ServedName {
        key: NameKey {
            zone: ZONE.to_owned(),
            name: format!("n{number}.{ORIGIN}"),
        },
        sets: vec![RecordSet {
            ttl_seconds: 60,
            routing: RoutingPolicy::Multivalue,
            records: vec![ServedRecord::A(Ipv4Addr::from(first + number))],
            alias_of: None,
        }],
    };
    NamesMessage {
        is_whole: true,
        zones: vec![ServedZone {
            id: ZONE.to_owned(),
            origin: ORIGIN.to_owned(),
            vpcs: SeenBy::These(vec![VPC.to_owned()]),
            unknown: UnknownNames::Denied,
            negative_ttl_seconds: 60,
        }],
        names: (0..names).map(name).collect(),
        ..NamesMessage::default()
    }
}
