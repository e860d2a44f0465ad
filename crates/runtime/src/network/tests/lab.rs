//! A host that exists only for one test, with something outside of it, and conversations between them.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agent::host::{Eni, PortMapping, TransportProtocol};
use domain::served_network::Exit;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;

use super::networks;
use crate::network::cidr::Cidr;
use crate::network::links::{self, LOOPBACK_INDEX, Pair, UPLINK_INDEX};
use crate::network::netns::{self, Namespace};
use crate::network::records::Records;
use crate::network::{Network, NetworkConfig, NetworkError};

/// Address of the host to the outside.
pub(super) const HOST: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
/// Address of a machine outside.
pub(super) const OUTSIDE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);

const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// The same for a relay, which gives up before its client does.
const RELAY_DEADLINE: Duration = Duration::from_secs(2);
/// How long to wait for what should not come.
const SILENCE: Duration = Duration::from_millis(300);

/// The host of a test.
pub(in crate::network) struct Lab {
    directory: TempDir,
    /// Namespace of a machine outside.
    pub(in crate::network) outside: PathBuf,
    _outside: Namespace,
}

/// Runs a test on a host of its own. Mounts and links vanish with its thread.
pub(in crate::network) fn on_a_host<F: Future<Output = ()>>(test: impl FnOnce(Lab) -> F + Send + 'static) {
    let thread = std::thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).expect("this test must run as root");
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(None::<&str>, "/", None::<&str>, private, None::<&str>).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async { test(Lab::new().await).await });
        runtime.shutdown_timeout(Duration::from_secs(5));
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

impl Lab {
    async fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("outside");
        let outside = netns::create(path.clone(), &[]).await.unwrap();
        let host = netns::open_links().unwrap();
        let pair = Pair {
            name: "wan0".to_owned(),
            index: Some(10),
            bridge: None,
            peer_namespace: &outside.file,
            peer_name: "eth0",
            peer_mac: None,
        };
        links::add_pair(&host, pair).await.unwrap();
        links::set_up(&host, LOOPBACK_INDEX).await.unwrap();
        links::add_address(&host, 10, HOST, 24).await.unwrap();
        links::add_default_route(&host, 10, OUTSIDE).await.unwrap();
        links::set_up(&outside.handle, UPLINK_INDEX).await.unwrap();
        links::add_address(&outside.handle, UPLINK_INDEX, OUTSIDE, 24)
            .await
            .unwrap();
        Self {
            directory,
            outside: path,
            _outside: outside,
        }
    }

    pub(super) fn state_dir(&self) -> PathBuf {
        self.directory.path().join("network")
    }

    /// Where the namespace of a VPC is bound.
    pub(super) fn vpc_namespace(&self, vpc_id: &str) -> PathBuf {
        Records::open(&self.state_dir()).unwrap().vpc_namespace(vpc_id)
    }

    /// A network in whose VPCs everything passes.
    pub(super) async fn network(&self) -> Network {
        self.network_of(Exit::Public).await
    }

    /// The same, with interfaces that have this exit.
    pub(super) async fn network_of(&self, exit: Exit) -> Network {
        let network = self.untold_network().await;
        network.filter(networks::open_to_all(exit)).await.unwrap();
        network
    }

    /// A network that has not been told what may pass.
    pub(super) async fn untold_network(&self) -> Network {
        Network::open(NetworkConfig::new(self.state_dir())).await.unwrap()
    }
}

/// A second host of a test. What runs there is on threads of its own.
pub(super) struct OtherHost {
    runtime: tokio::runtime::Handle,
    lab: Arc<Lab>,
    /// Ends the threads when it is dropped.
    _ends: std::sync::mpsc::Sender<()>,
}

impl OtherHost {
    /// A host with a link to the one of the test, of which both know the address.
    pub(super) async fn beside(first: Ipv4Addr, second: Ipv4Addr) -> Self {
        let (told, hears) = tokio::sync::oneshot::channel();
        let (ends, ended) = std::sync::mpsc::channel::<()>();
        std::thread::spawn(move || {
            on_a_host(async move |lab| {
                let namespace = std::fs::File::open("/proc/thread-self/ns/net").unwrap();
                let links = netns::open_links().unwrap();
                let runtime = tokio::runtime::Handle::current();
                assert!(told.send((runtime, Arc::new(lab), namespace, links)).is_ok());
                // Until the other side is dropped.
                let _ = tokio::task::spawn_blocking(move || ended.recv()).await;
            });
        });
        let (runtime, lab, namespace, links) = hears.await.unwrap();
        let host = netns::open_links().unwrap();
        let pair = Pair {
            name: "lan0".to_owned(),
            index: Some(20),
            bridge: None,
            peer_namespace: &namespace,
            peer_name: "lan0",
            peer_mac: None,
        };
        links::add_pair(&host, pair).await.unwrap();
        links::add_address(&host, 20, first, 24).await.unwrap();
        links::add_address(&links, UPLINK_INDEX, second, 24)
            .await
            .unwrap();
        links::set_up(&links, UPLINK_INDEX).await.unwrap();
        Self {
            runtime,
            lab,
            _ends: ends,
        }
    }

    /// Does something there.
    pub(super) async fn run<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &self,
        work: impl FnOnce(Arc<Lab>) -> F + Send + 'static,
    ) -> T {
        self.runtime.spawn(work(Arc::clone(&self.lab))).await.unwrap()
    }
}

/// An interface in 172.31.0.0/16.
pub(super) fn eni(vpc_id: &str, last: u8) -> Eni {
    Eni {
        vpc_id: vpc_id.to_owned(),
        vpc_cidr: (Ipv4Addr::new(172, 31, 0, 0), 16),
        address: Ipv4Addr::new(172, 31, 0, last),
        gateway: Ipv4Addr::new(172, 31, 0, 1),
        mac_address: format!("02:42:ac:1f:00:{last:02x}"),
    }
}

pub(super) fn tcp(container_port: u16, host_port: u16) -> PortMapping {
    PortMapping {
        container_port,
        host_port,
        protocol: TransportProtocol::Tcp,
        following: 0,
    }
}

/// A server in a namespace (`None`: the host) that tells each client its own name and the client's address.
pub(super) async fn serve(namespace: Option<&Path>, port: u16, name: &'static str) {
    let listen = move || {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).expect("the port is free");
        listener.set_nonblocking(true).unwrap();
        Ok(tokio::net::TcpListener::from_std(listener).unwrap())
    };
    let listener = from(namespace, listen).await;
    tokio::spawn(async move {
        while let Ok((mut client, peer)) = listener.accept().await {
            let _ = client
                .write_all(format!("{name} to {}", peer.ip()).as_bytes())
                .await;
        }
    });
}

/// What the server there says to a client in a namespace.
pub(super) async fn ask(namespace: Option<&Path>, address: Ipv4Addr, port: u16) -> String {
    let answer = from(namespace, move || {
        Ok(converse((address, port).into(), CONNECT_DEADLINE))
    })
    .await;
    answer.unwrap_or_else(|error| error.to_string())
}

/// Whether nothing there answers.
pub(super) async fn is_silent(namespace: Option<&Path>, address: Ipv4Addr, port: u16) -> bool {
    from(namespace, move || Ok(converse((address, port).into(), SILENCE)))
        .await
        .is_err()
}

/// Whether a datagram from one namespace arrives in another.
pub(super) async fn datagram_arrives(
    from_where: &Path,
    source: Ipv4Addr,
    to: &Path,
    address: Ipv4Addr,
) -> bool {
    let receiver = from(Some(to), || {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 5000)).unwrap();
        socket.set_read_timeout(Some(SILENCE)).unwrap();
        Ok(socket)
    })
    .await;
    from(Some(from_where), move || {
        let socket = UdpSocket::bind((source, 0)).unwrap();
        socket.send_to(b"hello", (address, 5000)).unwrap();
        Ok(())
    })
    .await;
    tokio::task::spawn_blocking(move || receiver.recv(&mut [0; 16]).is_ok())
        .await
        .unwrap()
}

/// Runs `work` in a namespace, or on the host.
pub(super) async fn from<T: Send + 'static>(
    namespace: Option<&Path>,
    work: impl FnOnce() -> Result<T, NetworkError> + Send + 'static,
) -> T {
    match namespace {
        Some(path) => netns::inside(path.to_owned(), work).await.unwrap(),
        None => tokio::task::spawn_blocking(work).await.unwrap().unwrap(),
    }
}

pub(super) fn range(base: [u8; 4], prefix: u8) -> Cidr {
    Cidr::new((base.into(), prefix)).unwrap()
}

/// A connection that stays open.
pub(super) struct Held {
    stream: TcpStream,
}

impl Held {
    /// Connects to an [`echo`].
    pub(super) async fn open(namespace: &Path, address: Ipv4Addr, port: u16) -> Self {
        let connect = move || {
            let stream = TcpStream::connect_timeout(&(address, port).into(), CONNECT_DEADLINE).unwrap();
            stream.set_read_timeout(Some(SILENCE)).unwrap();
            Ok(Self { stream })
        };
        let mut held = from(Some(namespace), connect).await;
        assert!(held.answers(), "it is open");
        held
    }

    /// Whether what is sent comes back.
    pub(super) fn answers(&mut self) -> bool {
        self.stream.write_all(b"x").unwrap();
        matches!(self.stream.read(&mut [0; 64]), Ok(1..))
    }
}

/// A server that sends back what it is sent.
pub(super) async fn echo(namespace: &Path, port: u16) {
    let listen = move || {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).expect("the port is free");
        listener.set_nonblocking(true).unwrap();
        Ok(tokio::net::TcpListener::from_std(listener).unwrap())
    };
    let listener = from(Some(namespace), listen).await;
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut reader, mut writer) = client.split();
                let _ = tokio::io::copy(&mut reader, &mut writer).await;
            });
        }
    });
}

/// Serves a port of a namespace as a balancer that connects to the target with the addresses of its clients.
pub(super) async fn relay(namespace: &Path, port: u16, target: SocketAddr) {
    let listen = move || {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).expect("the port is free");
        listener.set_nonblocking(true).unwrap();
        Ok(tokio::net::TcpListener::from_std(listener).unwrap())
    };
    let listener = from(Some(namespace), listen).await;
    let namespace = namespace.to_owned();
    tokio::spawn(async move {
        while let Ok((client, peer)) = listener.accept().await {
            let mut client = client.into_std().unwrap();
            client.set_nonblocking(false).unwrap();
            let namespace = namespace.clone();
            tokio::spawn(async move {
                let pass = move || {
                    if let Ok(mut target) = connect_as(peer, target) {
                        let _ = io::copy(&mut target, &mut client);
                    }
                    Ok(())
                };
                from(Some(&namespace), pass).await;
            });
        }
    });
}

/// A connection that comes from an address that is not one's own.
pub(super) fn connect_as(client: SocketAddr, target: SocketAddr) -> io::Result<TcpStream> {
    let socket = foreign(socket2::Type::STREAM, client)?;
    socket.connect_timeout(&target.into(), RELAY_DEADLINE)?;
    Ok(socket.into())
}

/// A socket with an address that is not one's own.
pub(super) fn foreign(kind: socket2::Type, client: SocketAddr) -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, kind, None)?;
    socket.set_ip_transparent_v4(true)?;
    socket.set_reuse_address(true)?;
    socket.bind(&client.into())?;
    Ok(socket)
}

/// Whether an echo request is answered.
pub(super) async fn is_pinged(namespace: &Path, address: Ipv4Addr) -> bool {
    const ECHO_REQUEST: [u8; 8] = [8, 0, 0, 0, 0, 0, 0, 1];
    let ping = move || {
        let socket = rustix::net::socket(
            rustix::net::AddressFamily::INET,
            rustix::net::SocketType::DGRAM,
            Some(rustix::net::ipproto::ICMP),
        )
        .unwrap();
        let socket = UdpSocket::from(socket);
        socket.set_read_timeout(Some(SILENCE)).unwrap();
        socket.send_to(&ECHO_REQUEST, (address, 0)).unwrap();
        Ok(socket.recv(&mut [0; 64]).is_ok())
    };
    from(Some(namespace), ping).await
}

fn converse(address: SocketAddr, deadline: Duration) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, deadline)?;
    stream.set_read_timeout(Some(deadline))?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
