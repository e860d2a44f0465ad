//! The traffic: one stream of TCP, and small messages there and back.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::places::{Place, joined};
use crate::bench::process::thread_seconds;
use crate::bench::report::{Spread, Times};

/// Turns of each road.
pub const ROUNDS: usize = 5;
/// What a stream carries.
const STREAM_BYTES: usize = 1 << 30;
/// Written and read at once.
const CHUNK_BYTES: usize = 128 * 1024;
/// Messages there and back in a turn, and the bytes of each.
const MESSAGES: usize = 10_000;
const MESSAGE_BYTES: usize = 64;
/// Most that anything may take.
const DEADLINE: Duration = Duration::from_secs(60);
/// Between two tries to connect.
const PAUSE: Duration = Duration::from_millis(20);

/// Two ends, and how they are connected.
pub struct Road {
    /// Its name in tables.
    pub name: &'static str,
    pub client: Place,
    pub server: Place,
    /// The server's.
    pub address: Ipv4Addr,
}

/// What was measured in a turn.
#[derive(Clone, Copy)]
pub struct Turn {
    mib_each_second: f64,
    /// Of both ends, with all that the kernel does in their time: also what lies between them.
    cpu_seconds_each_gib: f64,
    p50: Duration,
    p99: Duration,
}

impl Road {
    pub fn turn(&self) -> Result<Turn> {
        let (seconds, cpu) = self.stream().with_context(|| self.name)?;
        let times = self.messages().with_context(|| self.name)?;
        let mib = (STREAM_BYTES >> 20) as f64;
        Ok(Turn {
            mib_each_second: mib / seconds,
            cpu_seconds_each_gib: cpu * 1024.0 / mib,
            p50: times.percentile(50),
            p99: times.percentile(99),
        })
    }

    /// Seconds until all has arrived, and seconds of processor time.
    fn stream(&self) -> Result<(f64, f64)> {
        let (server, address) = self.serve(|mut stream| {
            let mut room = vec![0; CHUNK_BYTES];
            let mut left = STREAM_BYTES;
            while left > 0 {
                let read = stream.read(&mut room)?;
                ensure!(read > 0, "the stream has ended");
                left = left.saturating_sub(read);
            }
            stream.write_all(&[1])?;
            thread_seconds()
        })?;
        let client = self.client.run(move || {
            let mut stream = connect(address)?;
            let chunk = vec![7; CHUNK_BYTES];
            let (begin, before) = (Instant::now(), thread_seconds()?);
            for _ in 0..STREAM_BYTES / CHUNK_BYTES {
                stream.write_all(&chunk)?;
            }
            stream.read_exact(&mut [0])?;
            Ok((begin.elapsed().as_secs_f64(), thread_seconds()? - before))
        });
        let (seconds, cpu) = client?;
        Ok((seconds, cpu + joined(server)?))
    }

    fn messages(&self) -> Result<Times> {
        let (server, address) = self.serve(|mut stream| {
            let mut message = [0; MESSAGE_BYTES];
            for _ in 0..MESSAGES {
                stream.read_exact(&mut message)?;
                stream.write_all(&message)?;
            }
            Ok(())
        })?;
        let times = self.client.run(move || {
            let mut stream = connect(address)?;
            let mut message = [7; MESSAGE_BYTES];
            let mut times = Vec::with_capacity(MESSAGES);
            for _ in 0..MESSAGES {
                let begin = Instant::now();
                stream.write_all(&message)?;
                stream.read_exact(&mut message)?;
                times.push(begin.elapsed());
            }
            Ok(times)
        });
        let times = times?;
        joined(server)?;
        Ok(Times::new(times))
    }

    /// Serves one connection.
    fn serve<T: Send + 'static>(
        &self,
        work: impl FnOnce(TcpStream) -> Result<T> + Send + 'static,
    ) -> Result<(std::thread::JoinHandle<Result<T>>, SocketAddr)> {
        let listener = self
            .server
            .run(|| Ok(TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))?))?;
        let port = listener.local_addr()?.port();
        // a socket stays in the namespace in which it was opened
        let server = self.server.begin(move || {
            let (stream, _) = listener.accept()?;
            work(prepared(stream)?)
        });
        Ok((server, SocketAddr::from((self.address, port))))
    }
}

/// New links take their time until they carry anything.
fn connect(address: SocketAddr) -> Result<TcpStream> {
    let end = Instant::now() + DEADLINE;
    loop {
        match TcpStream::connect_timeout(&address, Duration::from_secs(1)) {
            Ok(stream) => return prepared(stream),
            Err(error) => ensure!(Instant::now() < end, "{address}: {error}"),
        }
        std::thread::sleep(PAUSE);
    }
}

fn prepared(stream: TcpStream) -> Result<TcpStream> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.set_write_timeout(Some(DEADLINE))?;
    Ok(stream)
}

/// What is read of a turn.
type Figure = fn(&Turn) -> f64;

/// A table: each road, and the first by each of the others, turn by turn.
pub fn print(what: &str, roads: &[Road], turns: &[Vec<Turn>]) {
    let figures: [(&str, Figure); 4] = [
        ("one stream, MiB/s", |it| it.mib_each_second),
        ("processor time for 1 GiB of it, s", |it| it.cpu_seconds_each_gib),
        ("64 bytes there and back, p50, µs", |it| {
            it.p50.as_secs_f64() * 1e6
        }),
        ("the same, p99, µs", |it| it.p99.as_secs_f64() * 1e6),
    ];
    let names: Vec<_> = roads.iter().map(|it| it.name).collect();
    let others = names.iter().skip(1).map(|it| format!(" by {it} |"));
    println!(
        "\n| {what} | {} |{}",
        names.join(" | "),
        others.collect::<String>()
    );
    println!("|---|{}", "---|".repeat(names.len() * 2 - 1));
    for (what, figure) in figures {
        let medians = turns.iter().map(|it| Spread::of(it.iter().map(figure)).median);
        let medians: Vec<_> = medians.map(|it| format!("{it:.2}")).collect();
        let ratios = turns.iter().skip(1).map(|other| {
            let ours = turns[0].iter().map(figure);
            let ratio = ours.zip(other.iter().map(figure)).map(|(it, other)| it / other);
            format!(" {} |", Spread::of(ratio))
        });
        println!(
            "| {what} | {} |{}",
            medians.join(" | "),
            ratios.collect::<String>()
        );
    }
}
