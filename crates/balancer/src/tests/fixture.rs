//! A balancer with listeners and targets on loopback addresses of this test's own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use bytes::Bytes;
use domain::Timestamp;
use domain::clock::Clock;
use domain::listener::Protocol;
use domain::ssl_policy::SslPolicy;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::access_log::AccessLogSink;
use crate::health::machine::Health;
use crate::plan::rule::Action;
use crate::plan::{
    CheckKind, GroupPlan, HealthCheck, ListenerPlan, LoadBalancerPlan, Matcher, NodeAddress, Plan,
    Registration, TargetPlan,
};
use crate::report::Report;
use crate::sockets::{BindingSockets, SocketSource};
use crate::{Balancer, Surroundings};

/// Nothing in these tests takes longer.
pub(super) const DEADLINE: Duration = Duration::from_secs(20);
pub(super) const PORT: u16 = 8080;
pub(super) const LISTENER: &str = "arn:listener";

/// A loopback address that no other test uses: tests are processes of their own.
pub(super) fn own_address() -> IpAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [_, _, high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, high, low, NEXT.fetch_add(1, Ordering::Relaxed)).into()
}

/// Real time, which tests may have.
struct TestClock;

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_700_000_000).expect("a time")
    }
}

/// Keeps lines of access logs.
#[derive(Default)]
pub(super) struct Lines(pub(super) Mutex<Vec<String>>);

impl AccessLogSink for Lines {
    fn line(&self, _load_balancer: &str, line: String) {
        self.0.lock().push(line);
    }
}

/// A balancer with one load balancer.
pub(super) struct World {
    pub(super) balancer: Balancer,
    pub(super) reports: mpsc::Receiver<Vec<Report>>,
    pub(super) seen: Vec<Report>,
    pub(super) lines: Arc<Lines>,
    pub(super) address: SocketAddr,
    pub(super) load_balancer: LoadBalancerPlan,
    pub(super) plan: Plan,
}

impl World {
    /// One with an HTTP listener that forwards to `group`.
    pub(super) async fn with_group(group: GroupPlan) -> Self {
        let mut world = Self::new();
        let action = forward_to(&group);
        world.plan.groups.push(group);
        world.plan.listeners.push(world.listener(Protocol::Http, action));
        world.apply().await;
        world
    }

    /// One that does nothing yet.
    pub(super) fn new() -> Self {
        let lines = Arc::new(Lines::default());
        let (balancer, reports) = start(Arc::new(BindingSockets), lines.clone());
        let ip = own_address();
        let node = NodeAddress {
            ip,
            zone: "us-east-1a".into(),
        };
        Self {
            balancer,
            reports,
            seen: Vec::new(),
            lines,
            address: SocketAddr::new(ip, PORT),
            load_balancer: LoadBalancerPlan::new("arn:lb", "app/web/50dc6c495c0c9188", vec![node]),
            plan: Plan::default(),
        }
    }

    /// A listener of the load balancer.
    pub(super) fn listener(&self, protocol: Protocol, default_action: Action) -> ListenerPlan {
        ListenerPlan {
            arn: LISTENER.into(),
            load_balancer: Arc::new(self.load_balancer.clone()),
            port: PORT,
            protocol,
            rules: Vec::new(),
            default_action,
            certificates: Vec::new(),
            ssl_policy: SslPolicy::find("ELBSecurityPolicy-TLS13-1-2-2021-06").expect("is known"),
            alpn: domain::listener::AlpnPolicy::None,
            headers: crate::plan::ListenerHeaders::default(),
            plain_http2: false,
            tcp_idle_timeout: Duration::from_secs(350),
        }
    }

    /// Applies the plan as it stands.
    pub(super) async fn apply(&mut self) {
        self.balancer.apply(self.plan.clone()).await;
    }

    /// Changes attributes of the load balancer and applies them.
    pub(super) async fn change(&mut self, change: impl FnOnce(&mut LoadBalancerPlan)) {
        change(&mut self.load_balancer);
        for listener in &mut self.plan.listeners {
            listener.load_balancer = Arc::new(self.load_balancer.clone());
        }
        self.apply().await;
    }

    /// Waits for a report.
    pub(super) async fn report(&mut self, wanted: impl Fn(&Report) -> bool) -> Report {
        loop {
            if let Some(index) = self.seen.iter().position(&wanted) {
                return self.seen.remove(index);
            }
            let more = tokio::time::timeout(DEADLINE, self.reports.recv());
            let more = more
                .await
                .unwrap_or_else(|_| panic!("no such report among {:?}", self.seen));
            self.seen.extend(more.expect("the balancer lives"));
        }
    }

    /// Waits until a target has this health.
    pub(super) async fn health_of(&mut self, target: SocketAddr, wanted: Health) {
        self.report(|it| {
            matches!(it, Report::TargetHealth { target: its, health } if its.address == target && *health == wanted)
        })
        .await;
    }

    /// Sends a request and reads the whole answer.
    pub(super) async fn get(&self, path: &str) -> String {
        raw(
            self.address,
            &format!("GET {path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"),
        )
        .await
    }

    /// The status of such an answer.
    pub(super) async fn status(&self, path: &str) -> u16 {
        status(&self.get(path).await)
    }

    /// Waits for a line of the access log.
    pub(super) async fn line(&self, wanted: impl Fn(&str) -> bool) -> String {
        until(|| self.lines.0.lock().iter().find(|it| wanted(it)).cloned()).await
    }
}

/// A balancer that does nothing yet.
pub(super) fn start(
    sockets: Arc<dyn SocketSource>,
    logs: Arc<Lines>,
) -> (Balancer, mpsc::Receiver<Vec<Report>>) {
    let (sender, reports) = mpsc::channel(16);
    let surroundings = Surroundings {
        sockets,
        reports: sender,
        clock: Arc::new(TestClock),
        logs,
        cookie_key: [3; 32],
        seed: 1,
    };
    (Balancer::new(surroundings).expect("a balancer"), reports)
}

/// Waits until there is something.
pub(super) async fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let waiting = async {
        loop {
            match look() {
                Some(found) => return found,
                None => tokio::time::sleep(Duration::from_millis(2)).await,
            }
        }
    };
    tokio::time::timeout(DEADLINE, waiting)
        .await
        .expect("it comes in time")
}

/// Writes bytes and reads until the other side closes.
pub(super) async fn raw(address: SocketAddr, request: &str) -> String {
    let work = async {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        // the other side may answer and close before all is written
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    tokio::time::timeout(DEADLINE, work)
        .await
        .expect("an answer in time")
}

/// Reads one answer with Content-Length from a connection that stays open.
pub(super) async fn read_answer(stream: &mut TcpStream) -> String {
    let work = async {
        let mut answer = Vec::new();
        let mut byte = [0; 1];
        while !answer.ends_with(b"\r\n\r\n") {
            if stream.read(&mut byte).await.expect("bytes") == 0 {
                return String::from_utf8_lossy(&answer).into_owned();
            }
            answer.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&answer).into_owned();
        let length = header(&head, "content-length")
            .and_then(|it| it.parse().ok())
            .unwrap_or(0);
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.expect("the body");
        head + &String::from_utf8_lossy(&body)
    };
    tokio::time::timeout(DEADLINE, work)
        .await
        .expect("an answer in time")
}

/// The status of an answer; 0 of none.
pub(super) fn status(answer: &str) -> u16 {
    answer
        .split(' ')
        .nth(1)
        .and_then(|it| it.parse().ok())
        .unwrap_or(0)
}

/// A header of an answer, or of a request that a target has echoed.
pub(super) fn header(text: &str, name: &str) -> Option<String> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(it, _)| it.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().to_owned())
}

/// All headers of a name.
pub(super) fn all_headers(text: &str, name: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(it, _)| it.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().to_owned())
        .collect()
}

/// The body of an answer.
pub(super) fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// A group of HTTP targets without health checks.
pub(super) fn group(arn: &str, targets: &[SocketAddr]) -> GroupPlan {
    let mut group = GroupPlan::new(arn, Protocol::Http);
    group.targets = targets.iter().map(|it| target(*it)).collect();
    group
}

/// A registered target.
pub(super) fn target(address: SocketAddr) -> TargetPlan {
    TargetPlan {
        id: address.ip().to_string().into(),
        address,
        zone: Some("us-east-1a".into()),
        registration: Registration::Registered,
        known: Health::Initial,
    }
}

/// A check of HTTP that is asked often.
pub(super) fn quick_check(kind: CheckKind) -> HealthCheck {
    HealthCheck {
        kind,
        port: None,
        interval: Duration::from_millis(30),
        timeout: Duration::from_millis(1000),
        healthy_threshold: 2,
        unhealthy_threshold: 2,
        first_threshold: 1,
        is_classic: false,
    }
}

/// A check of `/health` that 200 passes.
pub(super) fn http_check() -> HealthCheck {
    quick_check(CheckKind::Http {
        tls: false,
        path: "/health".into(),
        matcher: Matcher::parse("200").expect("a matcher"),
        version: domain::target_group::ProtocolVersion::Http1,
    })
}

/// Forwards to one group.
pub(super) fn forward_to(group: &GroupPlan) -> Action {
    Action::Forward {
        groups: vec![(group.arn.clone(), 1)],
        stickiness: None,
    }
}

/// A target that answers what it was asked, beginning with its name.
pub(super) async fn echo(name: &'static str) -> SocketAddr {
    serve(move |request| async move {
        let (parts, body) = request.into_parts();
        let mut text = format!("name: {name}\n{} {}\n", parts.method, parts.uri);
        for (key, value) in &parts.headers {
            text += &format!("{key}: {}\n", String::from_utf8_lossy(value.as_bytes()));
        }
        let body = body
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default();
        text += &format!("body-length: {}\n", body.len());
        Response::new(Full::new(Bytes::from(text)))
    })
    .await
}

/// A target of HTTP/1.1 on hyper.
pub(super) async fn serve<F, R>(answer: F) -> SocketAddr
where
    F: Fn(Request<Incoming>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    raw_target(move |stream| {
        let answer = answer.clone();
        async move {
            let service = hyper::service::service_fn(move |request| {
                let answering = answer(request);
                async move { Ok::<_, std::convert::Infallible>(answering.await) }
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades()
                .await;
        }
    })
    .await
}

/// A target that does with each connection what it is told.
pub(super) async fn raw_target<F, R>(serve: F) -> SocketAddr
where
    F: Fn(TcpStream) -> R + Send + Sync + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind((own_address(), 0)).await.expect("a socket");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// Where nobody listens.
pub(super) async fn closed() -> SocketAddr {
    let listener = TcpListener::bind((own_address(), 0)).await.expect("a socket");
    listener.local_addr().expect("an address")
}

/// Reads a request's head from a connection.
pub(super) async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0; 1];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte).await {
            Ok(1) => head.push(byte[0]),
            _ => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}
