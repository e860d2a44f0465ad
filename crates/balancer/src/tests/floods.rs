//! Much of everything: connections that only wait, datagrams, targets that change their mind or vanish.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use domain::listener::Protocol;
use http::Response;
use http_body_util::Full;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};

use super::fixture::{
    DEADLINE, World, echo, forward_to, group, http_check, own_address, raw_target, read_answer, serve,
    status, until,
};
use super::hot_changes::load;
use crate::health::machine::{Failure, Health};
use crate::report::Report;

/// So many connections, or as many as the process may hold: not even root may raise its limit everywhere.
const IDLE_MAX: usize = 10_000;
/// Fewer would show little.
const IDLE_MIN: usize = 5_000;
/// Open files of everything else, other tests in this process among them.
const FILES_BESIDES: usize = 1_000;

/// How many connections this process may have both sides of, once it may open as many files as it can get.
fn idle_connections() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let wanted = Some((2 * IDLE_MAX + FILES_BESIDES) as u64);
    let raised = Rlimit {
        current: wanted,
        maximum: wanted,
    };
    let hard = getrlimit(Resource::Nofile).maximum;
    if hard.is_none_or(|hard| Some(hard) >= wanted) || setrlimit(Resource::Nofile, raised).is_err() {
        let current = if hard.is_none() { wanted } else { hard };
        let limit = Rlimit {
            current,
            maximum: hard,
        };
        setrlimit(Resource::Nofile, limit).expect("up to the hard limit");
    }
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let files = usize::try_from(files).expect("64 bits");
    let idle = (files.saturating_sub(FILES_BESIDES) / 2).min(IDLE_MAX);
    assert!(idle >= IDLE_MIN, "{files} open files are too few for this test");
    idle
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_idle_connections_cost_little_and_disturb_nobody() {
    let idle_wanted = idle_connections();
    let world = World::with_group(group("g", &[echo("one").await])).await;
    let before = resident();
    let mut idle = Vec::with_capacity(idle_wanted);
    for _ in 0..idle_wanted {
        idle.push(TcpStream::connect(world.address).await.expect("a connection"));
    }
    assert_eq!(world.status("/").await, 200);
    // with both sides, and all that tests keep besides
    let each = resident().saturating_sub(before) / idle_wanted;
    assert!(each < 16 * 1024, "{each} bytes for a connection");
    for stream in idle.iter_mut().step_by(1000) {
        let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        stream.write_all(request).await.expect("sent");
        assert_eq!(status(&read_answer(stream).await), 200);
    }
}

/// Memory of this process, in bytes.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: usize = text
        .split(' ')
        .nth(1)
        .and_then(|it| it.parse().ok())
        .expect("pages");
    pages * 4096
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn targets_that_flap_fail_no_request() {
    let steady = echo("steady").await;
    let is_well = Arc::new(AtomicBool::new(true));
    let its = is_well.clone();
    let moody = serve(move |request| {
        let is_check = request.uri().path() == "/health";
        let is_well = its.load(Ordering::Relaxed);
        async move {
            let mut response = Response::new(Full::new(Bytes::from_static(b"moody")));
            if is_check && !is_well {
                *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
            }
            response
        }
    })
    .await;
    let mut plan = group("g", &[steady, moody]);
    let mut check = http_check();
    check.healthy_threshold = 1;
    check.unhealthy_threshold = 1;
    plan.health_check = Some(check);
    let mut world = World::with_group(plan).await;
    world.health_of(moody, Health::Healthy).await;
    let stop = Arc::new(AtomicBool::new(false));
    let loads: Vec<_> = (0..4)
        .map(|_| tokio::spawn(load(world.address, stop.clone())))
        .collect();
    for _ in 0..10 {
        is_well.store(false, Ordering::Relaxed);
        world
            .health_of(moody, Health::Unhealthy(Failure::Code(503)))
            .await;
        is_well.store(true, Ordering::Relaxed);
        world.health_of(moody, Health::Healthy).await;
    }
    stop.store(true, Ordering::Relaxed);
    for load in loads {
        let ended = tokio::time::timeout(DEADLINE, load).await;
        let done = ended.expect("it ends").expect("no panic");
        assert!(done.expect("no request fails") > 0);
    }
}

#[tokio::test]
async fn a_target_that_takes_connections_and_says_nothing_is_unhealthy_and_holds_nobody() {
    let count = Arc::new(AtomicUsize::new(0));
    let its = count.clone();
    // as one whose machine is gone: nothing comes, not even an end
    let silent = raw_target(move |stream| {
        its.fetch_add(1, Ordering::SeqCst);
        async move {
            let _kept = stream;
            std::future::pending::<()>().await;
        }
    })
    .await;
    let mut plan = group("g", &[silent, echo("one").await]);
    let mut check = http_check();
    check.timeout = Duration::from_millis(200);
    plan.health_check = Some(check);
    let mut world = World::with_group(plan).await;
    world.health_of(silent, Health::Unhealthy(Failure::Timeout)).await;
    world
        .report(|it| {
            matches!(
                it,
                Report::TargetHealth {
                    health: Health::Healthy,
                    ..
                }
            )
        })
        .await;
    for _ in 0..10 {
        assert!(world.get("/").await.contains("name: one"));
    }
    assert!(count.load(Ordering::SeqCst) > 0, "it was asked");
}

async fn datagram_target() -> (SocketAddr, Arc<AtomicUsize>) {
    let socket = UdpSocket::bind((own_address(), 0)).await.expect("a socket");
    let address = socket.local_addr().expect("an address");
    let count = Arc::new(AtomicUsize::new(0));
    let its = count.clone();
    tokio::spawn(async move {
        let mut room = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut room).await {
            its.fetch_add(1, Ordering::SeqCst);
            let _ = socket.send_to(&room[..length], from).await;
        }
    });
    (address, count)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_datagrams_stays_within_its_bounds() {
    let (target, count) = datagram_target().await;
    let mut world = World::new();
    world.load_balancer.limits.flows = 50;
    let mut plan = group("g", &[target]);
    plan.protocol = Protocol::Udp;
    let datagrams = world.listener(Protocol::Udp, forward_to(&plan));
    // another load balancer's listener in the same process
    let mut other = World::with_group(group("other", &[echo("one").await])).await;
    world.plan.listeners.push(datagrams);
    world.plan.groups.push(plan);
    world.apply().await;
    let first = UdpSocket::bind((own_address(), 0)).await.expect("a socket");
    first.send_to(b"first", world.address).await.expect("sent");
    until(|| (count.load(Ordering::SeqCst) == 1).then_some(())).await;
    // each socket is a flow of its own: only as many as may be lead anywhere
    let mut sockets = Vec::new();
    for _ in 0..500 {
        let socket = UdpSocket::bind((own_address_again(&first), 0))
            .await
            .expect("a socket");
        for _ in 0..10 {
            let _ = socket.send_to(b"flood", world.address).await;
        }
        sockets.push(socket);
    }
    assert_eq!(other.status("/").await, 200);
    other.apply().await;
    // who was there first is served on
    let again = async {
        let mut room = [0; 64];
        loop {
            first.send_to(b"again", world.address).await.expect("sent");
            let answer = tokio::time::timeout(Duration::from_millis(200), first.recv_from(&mut room)).await;
            if matches!(answer, Ok(Ok((5, _))) if &room[..5] == b"again") {
                return;
            }
        }
    };
    tokio::time::timeout(DEADLINE, again).await.expect("an answer");
    let mut answered = 0;
    for socket in &sockets {
        answered += usize::from(socket.try_recv(&mut [0; 64]).is_ok());
    }
    assert!(answered < 50, "{answered} of 500 flows");
}

fn own_address_again(socket: &UdpSocket) -> std::net::IpAddr {
    socket.local_addr().expect("an address").ip()
}

#[tokio::test]
async fn half_a_head_from_many_leaves_room_for_others() {
    let mut world = World::with_group(group("g", &[echo("one").await])).await;
    world.change(|it| it.idle_timeout = Duration::from_secs(1)).await;
    let mut slow = Vec::new();
    for _ in 0..300 {
        let mut stream = TcpStream::connect(world.address).await.expect("a connection");
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nX-")
            .await
            .expect("sent");
        slow.push(stream);
    }
    assert_eq!(world.status("/").await, 200);
    for mut stream in slow {
        let mut answer = String::new();
        let ended = tokio::time::timeout(DEADLINE, stream.read_to_string(&mut answer)).await;
        let _ = ended.expect("it does not last");
        assert!(answer.is_empty() || status(&answer) == 408, "{answer}");
    }
}
