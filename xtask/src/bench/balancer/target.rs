//! The target of all: answers each request with as many bytes as its path says, and costs next to nothing.

use std::io::Write as _;
use std::net::SocketAddr;

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A head that is longer is none of ours.
const HEAD_MAX: usize = 8 * 1024;
/// The longest answer, in bytes.
const BODY_MAX: usize = 1 << 20;

/// Serves on a thread of its own as long as this process lives.
pub fn start() -> Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::spawn(move || runtime.block_on(accept(listener)));
    Ok(address)
}

async fn accept(listener: std::net::TcpListener) -> Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            // whoever breaks off has heard enough
            let _ = serve(stream).await;
        });
    }
}

async fn serve(mut stream: TcpStream) -> Result<()> {
    let mut head = Vec::with_capacity(HEAD_MAX);
    let mut answer = Vec::new();
    let mut size = usize::MAX;
    loop {
        head.clear();
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() >= HEAD_MAX || stream.read_buf(&mut head).await? == 0 {
                return Ok(());
            }
        }
        let asked = asked(&head);
        if asked != size {
            size = asked;
            answer.clear();
            write!(
                answer,
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {size}\r\n\r\n"
            )?;
            answer.resize(answer.len() + size, b'x');
        }
        stream.write_all(&answer).await?;
    }
}

/// The number in `GET /NUMBER HTTP/1.1`.
fn asked(head: &[u8]) -> usize {
    let digits = head.iter().skip(5).take_while(|it| it.is_ascii_digit());
    let number = digits.fold(0, |sum: usize, it| {
        sum.saturating_mul(10) + usize::from(it - b'0')
    });
    number.min(BODY_MAX)
}
