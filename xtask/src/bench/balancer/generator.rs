//! The client: as many connections as a case says, each with one request at a time, each answer checked.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::cases::{Case, Connections, Door};
use super::secrets;
use crate::bench::report::Times;

/// Before anything is counted: connections to the target are made, memory is there.
const WARM_UP: Duration = Duration::from_millis(250);
/// Most that one exchange may take.
const DEADLINE: Duration = Duration::from_secs(15);
/// What is read at once, in bytes.
const READ: usize = 128 * 1024;

trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// A client, warmed up.
pub struct Load {
    runtime: Runtime,
    clients: Vec<Client>,
}

/// One connection, or one after another.
pub struct Client {
    address: SocketAddr,
    door: Door,
    connections: Connections,
    request: Vec<u8>,
    size: usize,
    stream: Option<Box<dyn Connection>>,
    room: Vec<u8>,
}

impl Load {
    /// Connects and asks for a while.
    pub fn begin(case: &Case, address: SocketAddr) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let clients = (0..case.count).map(|_| Client::new(case, address)).collect();
        let mut load = Self { runtime, clients };
        load.ask(WARM_UP)?;
        Ok(load)
    }

    /// Asks for so long, and says how long each answer took.
    pub fn run(mut self, time: Duration) -> Result<Times> {
        self.ask(time)
    }

    fn ask(&mut self, time: Duration) -> Result<Times> {
        let clients = std::mem::take(&mut self.clients);
        let (clients, times) = self.runtime.block_on(async {
            let mut asking = JoinSet::new();
            let end = Instant::now() + time;
            for client in clients {
                asking.spawn(client.ask_until(end));
            }
            let (mut clients, mut all) = (Vec::new(), Vec::new());
            while let Some(done) = asking.join_next().await {
                let (client, times) = done??;
                clients.push(client);
                all.extend(times);
            }
            anyhow::Ok((clients, all))
        })?;
        self.clients = clients;
        ensure!(!times.is_empty(), "nothing was answered");
        Ok(Times::new(times))
    }
}

impl Client {
    /// One that is not connected yet.
    pub fn new(case: &Case, address: SocketAddr) -> Self {
        let last = match (case.connections, case.door) {
            (Connections::Kept, _) | (_, Door::Tcp) => "",
            (Connections::New, _) => "Connection: close\r\n",
        };
        let request = format!(
            "GET /{} HTTP/1.1\r\nHost: {}\r\nUser-Agent: bench/1\r\nAccept: */*\r\n{last}\r\n",
            case.size,
            secrets::NAME
        );
        Self {
            address,
            door: case.door,
            connections: case.connections,
            request: request.into_bytes(),
            size: case.size,
            stream: None,
            room: vec![0; READ.min(case.size + 4096)],
        }
    }

    async fn ask_until(mut self, end: Instant) -> Result<(Self, Vec<Duration>)> {
        let mut times = Vec::new();
        while Instant::now() < end {
            let begin = Instant::now();
            timeout(DEADLINE, self.ask())
                .await
                .context("no answer in time")??;
            times.push(begin.elapsed());
        }
        Ok((self, times))
    }

    /// One request and its whole answer, on a connection of its own if it is to have one.
    pub async fn ask(&mut self) -> Result<()> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(self.address, self.door).await?,
        };
        stream.write_all(&self.request).await?;
        stream.flush().await?;
        self.read_answer(&mut *stream).await?;
        match self.connections {
            Connections::Kept => self.stream = Some(stream),
            // whoever is asked to close does so first: no ports are kept waiting on this side
            Connections::New => {
                let rest = stream.read(&mut self.room).await.unwrap_or(0);
                ensure!(rest == 0, "something follows the answer");
            }
        }
        Ok(())
    }

    async fn read_answer(&mut self, stream: &mut dyn Connection) -> Result<()> {
        let mut filled = 0;
        let head = loop {
            let read = stream.read(&mut self.room[filled..]).await?;
            ensure!(read > 0, "the connection was closed");
            filled += read;
            let found = self.room[..filled].windows(4).position(|it| it == b"\r\n\r\n");
            match found {
                Some(at) => break at + 4,
                None if filled == self.room.len() => bail!("no end of the head"),
                None => {}
            }
        };
        if !self.room.starts_with(b"HTTP/1.1 200 ") {
            bail!("{}", String::from_utf8_lossy(&self.room[..head]));
        }
        let mut left = self
            .size
            .checked_sub(filled - head)
            .context("the answer is too long")?;
        while left > 0 {
            let read = stream.read(&mut self.room).await?;
            ensure!(read > 0, "the connection was closed");
            left = left.checked_sub(read).context("the answer is too long")?;
        }
        Ok(())
    }
}

async fn connect(address: SocketAddr, door: Door) -> Result<Box<dyn Connection>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    if door != Door::Https {
        return Ok(Box::new(stream));
    }
    let client = secrets::client().context("there is a certificate")?;
    let name = ServerName::try_from(secrets::NAME)?;
    Ok(Box::new(client.connect(name, stream).await?))
}
