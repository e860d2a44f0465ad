//! The client: so many questions at one time, each answer checked.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::ops::Range;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::servers::address_of;

/// Most that one answer may take.
const DEADLINE: Duration = Duration::from_secs(5);
const ZONE: [&str; 2] = ["bench", "test"];
const HEADER_BYTES: usize = 12;
/// Of the length that goes before each message over TCP.
const LENGTH_BYTES: usize = 2;
/// A pointer to the name, type, class, time to live and length, before the address of an answer.
const RECORD_BYTES: usize = 12;
const CODE_NO_ERROR: u8 = 0;
const CODE_NO_NAME: u8 = 3;

/// How questions travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Udp,
    Tcp,
}

/// A client of one server.
pub struct Load {
    way: Way,
    questions: Vec<Question>,
    outstanding: u16,
    /// The question that was asked with each id.
    asked: Vec<usize>,
    next: usize,
    room: Vec<u8>,
}

enum Way {
    Udp(UdpSocket),
    Tcp(TcpStream),
}

/// A question as it is sent but for its id, after its length, and the answer to it.
struct Question {
    framed: Vec<u8>,
    address: Ipv4Addr,
}

impl Question {
    fn new(number: u32) -> Self {
        // recursion is desired, as by the resolver of the C library
        let mut message = vec![0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        let name = format!("n{number}");
        for label in [name.as_str(), ZONE[0], ZONE[1]] {
            // a label has 63 bytes at most
            message.push(label.len() as u8);
            message.extend_from_slice(label.as_bytes());
        }
        message.extend_from_slice(&[0, 0, 1, 0, 1]);
        let length = message.len() as u16;
        let framed = [&length.to_be_bytes(), message.as_slice()].concat();
        Self {
            framed,
            address: address_of(number),
        }
    }

    /// What is wrong with an answer.
    fn check(&self, answer: &[u8], is_known: bool) -> Result<()> {
        let head = answer.first_chunk::<HEADER_BYTES>().context("half an answer")?;
        let (code, answers) = (head[3] & 15, head[7]);
        ensure!(head[2] & 0x80 != 0, "a question came back");
        if !is_known {
            ensure!(
                (code, answers) == (CODE_NO_NAME, 0),
                "code {code}, {answers} answers"
            );
            return Ok(());
        }
        ensure!(
            (code, answers) == (CODE_NO_ERROR, 1),
            "code {code}, {answers} answers"
        );
        let at = self.framed.len() - LENGTH_BYTES + RECORD_BYTES;
        let address = answer.get(at..).and_then(|it| it.first_chunk::<4>());
        let address = Ipv4Addr::from(*address.context("half an answer")?);
        ensure!(address == self.address, "{address} in place of {}", self.address);
        Ok(())
    }
}

impl Load {
    /// Connects, to ask for names of these numbers.
    pub fn begin(
        server: SocketAddr,
        transport: Transport,
        outstanding: u16,
        names: Range<u32>,
    ) -> Result<Self> {
        let way = match transport {
            Transport::Udp => {
                let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
                socket.connect(server)?;
                socket.set_read_timeout(Some(DEADLINE))?;
                Way::Udp(socket)
            }
            Transport::Tcp => {
                let stream = TcpStream::connect_timeout(&server, DEADLINE)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(DEADLINE))?;
                stream.set_write_timeout(Some(DEADLINE))?;
                Way::Tcp(stream)
            }
        };
        Ok(Self {
            way,
            questions: names.map(Question::new).collect(),
            outstanding,
            asked: vec![0; usize::from(outstanding)],
            next: 0,
            room: vec![0; 4096],
        })
    }

    /// Asks so many questions, and waits for all answers.
    pub fn ask(&mut self, questions: u32, is_known: bool) -> Result<()> {
        let at_first = u32::from(self.outstanding).min(questions);
        for id in 0..at_first {
            self.send(id as u16)?;
        }
        let mut left = questions - at_first;
        for _ in 0..questions {
            let id = self.receive(is_known).context("an answer")?;
            if left > 0 {
                self.send(id)?;
                left -= 1;
            }
        }
        Ok(())
    }

    fn send(&mut self, id: u16) -> Result<()> {
        let index = self.next;
        // 7 and a thousand have no divisor in common: all names come, in another order than they were told
        self.next = (index + 7) % self.questions.len();
        self.asked[usize::from(id)] = index;
        let framed = &mut self.questions[index].framed;
        framed[LENGTH_BYTES..LENGTH_BYTES + 2].copy_from_slice(&id.to_be_bytes());
        match &mut self.way {
            Way::Udp(socket) => _ = socket.send(&framed[LENGTH_BYTES..])?,
            Way::Tcp(stream) => stream.write_all(framed)?,
        }
        Ok(())
    }

    /// The id of the next answer, which is right.
    fn receive(&mut self, is_known: bool) -> Result<u16> {
        let count = match &mut self.way {
            Way::Udp(socket) => socket.recv(&mut self.room)?,
            Way::Tcp(stream) => {
                let mut length = [0; LENGTH_BYTES];
                stream.read_exact(&mut length)?;
                let count = usize::from(u16::from_be_bytes(length));
                let room = self.room.get_mut(..count).context("a long answer")?;
                stream.read_exact(room)?;
                count
            }
        };
        let answer = &self.room[..count];
        let id = u16::from_be_bytes(*answer.first_chunk::<2>().context("half an answer")?);
        let index = self.asked.get(usize::from(id)).context("an answer to nothing")?;
        self.questions[*index].check(answer, is_known)?;
        Ok(id)
    }
}
