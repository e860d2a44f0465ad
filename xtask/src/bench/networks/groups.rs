//! A security group with a thousand members changes: from before the call until a packet passes.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use api::ecs;
use test_support::gantry::Gantry;

use super::places::{Place, joined};
use super::tasks;
use crate::bench::client::Connection;
use crate::bench::instant_hosts::InstantHosts;
use crate::bench::launch;
use crate::bench::report::Times;
use crate::install::say;

/// A VPC of its own, for the default one has not so many addresses.
const RANGE: &str = "10.100.0.0/20";
/// Members beside the task that is one.
const MEMBERS: usize = 999;
/// The cluster that they are in.
const CROWD: &str = "crowd";
const RUNS: usize = 20;
const PORT: u16 = 5000;
/// How long a packet and its answer may take: longer is none.
const PATIENCE: Duration = Duration::from_millis(1);
const LOOK: Duration = Duration::from_micros(50);
/// How many packets in a row without an answer mean that none passes.
const LOST: usize = 20;
/// Most that a change may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// Milliseconds that a change may take.
const AIM: f64 = 10.0;

/// Prints the table.
pub fn measure(binary: &Path) -> Result<()> {
    say("A security group with 1,000 members changes");
    let gantry = crate::bench::started(binary)?;
    let mut connection = Connection::to(&gantry)?;
    connection.call::<ecs::CreateCluster>(&ecs::CreateClusterInput::default())?;
    let made = connection.ec2(&[("Action", "CreateVpc"), ("CidrBlock", RANGE)])?;
    let vpc = first(&made, "vpcId")?;
    let made = connection.ec2(&[("Action", "CreateSubnet"), ("VpcId", &vpc), ("CidrBlock", RANGE)])?;
    let subnet = first(&made, "subnetId")?;
    let mut group = |name: &str| group(&mut connection, &vpc, name);
    let (members, servers) = (group("members")?, group("servers")?);
    let mut run = launch::run_input(&mut connection, "awsvpc", &subnet)?;
    let mut start = |group: &str, connection: &mut Connection| {
        put_into(&mut run, group)?;
        tasks::start(&gantry, connection, &run)
    };
    let client = start(&members, &mut connection)?;
    let server = start(&servers, &mut connection)?;
    let _hosts = crowd(&gantry, &mut connection, &run, &members)?;
    let site = Site {
        client: client.place,
        server: SocketAddr::from((server.address, PORT)),
    };
    let ended = Arc::new(AtomicBool::new(false));
    let echo = echo(&server.place, Arc::clone(&ended))?;
    let changes = [
        Change::Rule {
            group: servers.clone(),
            peer: members.clone(),
        },
        Change::Member {
            interface: client.interface_id,
            within: members,
            without: servers,
        },
    ];
    println!("\n| | calls, p50 | until a packet passes, p50 | p99 | aim |\n|---|---|---|---|---|");
    for change in &changes {
        site.time(&mut connection, change)?;
    }
    ended.store(true, Ordering::Relaxed);
    joined(echo)?;
    launch::stop(&mut connection, &[client.arn, server.arn])
}

/// What lets packets pass, and keeps them from it.
enum Change {
    /// A rule of a group that names another one.
    Rule { group: String, peer: String },
    /// An interface in a group that may send, or in another one.
    Member {
        interface: String,
        within: String,
        without: String,
    },
}

impl Change {
    fn what(&self) -> &'static str {
        match self {
            Self::Rule { .. } => "a rule that names the group",
            Self::Member { .. } => "one more member",
        }
    }

    fn let_pass(&self, connection: &mut Connection) -> Result<()> {
        match self {
            Self::Rule { group, peer } => rule(connection, "AuthorizeSecurityGroupIngress", group, peer),
            Self::Member {
                interface, within, ..
            } => give(connection, interface, within),
        }
    }

    fn keep_out(&self, connection: &mut Connection) -> Result<()> {
        match self {
            Self::Rule { group, peer } => rule(connection, "RevokeSecurityGroupIngress", group, peer),
            Self::Member {
                interface, without, ..
            } => give(connection, interface, without),
        }
    }
}

fn rule(connection: &mut Connection, action: &str, group: &str, peer: &str) -> Result<()> {
    let port = PORT.to_string();
    connection.ec2(&[
        ("Action", action),
        ("GroupId", group),
        ("IpPermissions.1.IpProtocol", "udp"),
        ("IpPermissions.1.FromPort", &port),
        ("IpPermissions.1.ToPort", &port),
        ("IpPermissions.1.Groups.1.GroupId", peer),
    ])?;
    Ok(())
}

fn give(connection: &mut Connection, interface: &str, group: &str) -> Result<()> {
    connection.ec2(&[
        ("Action", "ModifyNetworkInterfaceAttribute"),
        ("NetworkInterfaceId", interface),
        ("SecurityGroupId.1", group),
    ])?;
    Ok(())
}

/// Where packets go.
struct Site {
    client: Place,
    server: SocketAddr,
}

impl Site {
    /// Prints a row. When it returns, packets pass.
    fn time(&self, connection: &mut Connection, change: &Change) -> Result<()> {
        let (mut calls, mut times) = (Vec::new(), Vec::new());
        for turn in 0..RUNS {
            // the first of all finds nothing to take back
            if turn > 0 || matches!(change, Change::Member { .. }) {
                change.keep_out(connection)?;
            }
            self.probe(passes_none)?;
            let server = self.server;
            let probing = self.client.begin(move || first_to_pass(server));
            let begin = Instant::now();
            change.let_pass(connection)?;
            calls.push(begin.elapsed());
            times.push(joined(probing)?.saturating_duration_since(begin));
        }
        let (calls, times) = (Times::new(calls), Times::new(times));
        println!(
            "| {} | {:.2} ms | {:.2} ms | {:.2} ms | {AIM} ms |",
            change.what(),
            calls.median_milliseconds(),
            times.median_milliseconds(),
            times.percentile(99).as_secs_f64() * 1000.0
        );
        Ok(())
    }

    fn probe(&self, work: fn(SocketAddr) -> Result<()>) -> Result<()> {
        let server = self.server;
        self.client.run(move || work(server))
    }
}

/// Whether a packet from a new port, of a connection that nothing knows, is answered.
fn passes(server: SocketAddr) -> Result<bool> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect(server)?;
    socket.set_nonblocking(true)?;
    let end = Instant::now() + PATIENCE;
    if socket.send(b"x").is_err() {
        return Ok(false);
    }
    while Instant::now() < end {
        if socket.recv(&mut [0; 1]).is_ok() {
            return Ok(true);
        }
        // time limits of sockets are in ticks, which are milliseconds
        std::thread::sleep(LOOK);
    }
    Ok(false)
}

fn first_to_pass(server: SocketAddr) -> Result<Instant> {
    let end = Instant::now() + DEADLINE;
    while !passes(server)? {
        ensure!(Instant::now() < end, "nothing passes");
    }
    Ok(Instant::now())
}

fn passes_none(server: SocketAddr) -> Result<()> {
    let end = Instant::now() + DEADLINE;
    let mut lost = 0;
    while lost < LOST {
        lost = if passes(server)? { 0 } else { lost + 1 };
        ensure!(Instant::now() < end, "packets pass on");
    }
    Ok(())
}

/// Answers packets until it is told to end.
fn echo(place: &Place, ended: Arc<AtomicBool>) -> Result<std::thread::JoinHandle<Result<()>>> {
    let socket = place.run(|| {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT))?;
        socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        Ok(socket)
    })?;
    Ok(std::thread::spawn(move || {
        let mut room = [0; 16];
        while !ended.load(Ordering::Relaxed) {
            if let Ok((count, client)) = socket.recv_from(&mut room) {
                socket.send_to(&room[..count], client)?;
            }
        }
        Ok(())
    }))
}

/// The text of the first element of a name.
fn first(answer: &str, name: &str) -> Result<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let found = answer
        .split_once(&open)
        .and_then(|(_, rest)| rest.split_once(&close));
    let (text, _) = found.with_context(|| format!("no {name} in {answer}"))?;
    Ok(text.to_owned())
}

fn group(connection: &mut Connection, vpc: &str, name: &str) -> Result<String> {
    let made = connection.ec2(&[
        ("Action", "CreateSecurityGroup"),
        ("GroupName", name),
        ("GroupDescription", "of a measurement"),
        ("VpcId", vpc),
    ])?;
    first(&made, "groupId")
}

/// Has tasks be in a group.
fn put_into(run: &mut ecs::RunTaskInput, group: &str) -> Result<()> {
    let network = run.network_configuration.as_mut();
    let network = network.and_then(|it| it.awsvpc_configuration.as_mut());
    network.context("a network")?.security_groups = Some(vec![group.to_owned()]);
    Ok(())
}

/// Tasks of another host that are members: this one is told of their interfaces, as of its own.
fn crowd(
    gantry: &Gantry,
    connection: &mut Connection,
    run: &ecs::RunTaskInput,
    group: &str,
) -> Result<InstantHosts> {
    connection.call::<ecs::CreateCluster>(&ecs::CreateClusterInput {
        cluster_name: Some(CROWD.to_owned()),
        ..ecs::CreateClusterInput::default()
    })?;
    let hosts = InstantHosts::new(gantry)?;
    hosts.join(&[CROWD])?;
    let mut run = ecs::RunTaskInput {
        cluster: Some(CROWD.to_owned()),
        ..run.clone()
    };
    put_into(&mut run, group)?;
    let mut left = MEMBERS;
    while left > 0 {
        let count = left.min(launch::TASKS_PER_CALL);
        run.count = Some(i32::try_from(count)?);
        launch::run_tasks(connection, &run)?;
        left -= count;
    }
    hosts.wait_for(MEMBERS)?;
    Ok(hosts)
}
