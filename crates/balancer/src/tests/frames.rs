//! Frames of HTTP/2 as RFC 9113 has them, and as it forbids them: what h2spec asks of a server in general.

use bytes::Bytes;
use domain::listener::Protocol;
use http::{Request, StatusCode};
use http_body_util::Full;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::encrypted::{client, encrypted, frame, http2};
use super::fixture::{DEADLINE, World, echo, group};

pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
pub(super) const END_STREAM: u8 = 1;
const ACK: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
/// GET https://a/
const GET: &[u8] = &[0x82, 0x87, 0x84, 0x41, 1, b'a'];
/// POST https://a/
const POST: &[u8] = &[0x83, 0x87, 0x84, 0x41, 1, b'a'];

const PROTOCOL_ERROR: u32 = 1;
const FLOW_CONTROL_ERROR: u32 = 3;
const STREAM_CLOSED: u32 = 5;
const FRAME_SIZE_ERROR: u32 = 6;
const COMPRESSION_ERROR: u32 = 9;

/// What comes of frames.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    /// A frame of this type with this payload comes on this stream.
    Frame(u8, u32, Vec<u8>),
    /// Headers of an answer come on this stream.
    Answer(u32),
    /// The stream is reset, with one of these codes.
    Reset(u32, &'static [u32]),
    /// The connection ends, with one of these codes if any.
    Ends(&'static [u32]),
}

/// What it is, frames, and what comes of them.
type Case = (&'static str, Vec<u8>, Outcome);

/// Header fields that are spelled out, each behind those of a GET.
fn get_with(name: &str, value: &str) -> Vec<u8> {
    literal(GET, name, value)
}

fn literal(head: &[u8], name: &str, value: &str) -> Vec<u8> {
    [head, &field(name, value)].concat()
}

/// A header field that is spelled out.
pub(super) fn field(name: &str, value: &str) -> Vec<u8> {
    let mut field = vec![0];
    for text in [name, value] {
        field.push(u8::try_from(text.len()).expect("it is short"));
        field.extend_from_slice(text.as_bytes());
    }
    field
}

fn all(frames: &[Vec<u8>]) -> Vec<u8> {
    frames.concat()
}

/// A request without a body.
fn get(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, GET)
}

/// What is allowed.
fn good() -> Vec<Case> {
    let ping = b"12345678".to_vec();
    let split = all(&[
        frame(HEADERS, END_STREAM, 1, &GET[..2]),
        frame(CONTINUATION, 0, 1, &GET[2..3]),
        frame(CONTINUATION, END_HEADERS, 1, &GET[3..]),
    ]);
    let mut padded = vec![4];
    padded.extend_from_slice(GET);
    padded.extend_from_slice(&[0; 4]);
    vec![
        ("a request", get(1), Outcome::Answer(1)),
        ("a head in pieces", split, Outcome::Answer(1)),
        (
            "a head with padding",
            frame(HEADERS, END_STREAM | END_HEADERS | PADDED, 1, &padded),
            Outcome::Answer(1),
        ),
        (
            "a frame of an unknown type",
            all(&[frame(0x16, 0, 0, b"what"), get(1)]),
            Outcome::Answer(1),
        ),
        (
            "flags that are not known",
            frame(PING, 0x16, 0, &ping),
            Outcome::Frame(PING, 0, ping.clone()),
        ),
        ("a ping", frame(PING, 0, 0, &ping), Outcome::Frame(PING, 0, ping)),
        (
            "a setting that is not known",
            all(&[frame(SETTINGS, 0, 0, &[0, 0xff, 0, 0, 0, 1]), get(1)]),
            Outcome::Answer(1),
        ),
        (
            "the priority of a stream that is idle",
            all(&[frame(PRIORITY, 0, 3, &[0, 0, 0, 0, 1]), get(5)]),
            Outcome::Answer(5),
        ),
        (
            "one with trailers",
            all(&[
                frame(HEADERS, END_HEADERS, 1, POST),
                frame(DATA, 0, 1, b"body"),
                frame(
                    HEADERS,
                    END_HEADERS | END_STREAM,
                    1,
                    &literal(&[], "x-trailer", "1"),
                ),
            ]),
            Outcome::Answer(1),
        ),
    ]
}

const PROTOCOL: Outcome = Outcome::Ends(&[PROTOCOL_ERROR]);
/// The library says PROTOCOL_ERROR where the RFC has a word of its own for what cannot be read; either ends it.
const SIZE: Outcome = Outcome::Ends(&[FRAME_SIZE_ERROR, PROTOCOL_ERROR]);
const COMPRESSION: Outcome = Outcome::Ends(&[COMPRESSION_ERROR, PROTOCOL_ERROR]);

/// A head that is not whole yet.
fn half() -> Vec<u8> {
    frame(HEADERS, END_STREAM, 1, &GET[..2])
}

/// A request whose body is still to come.
fn post() -> Vec<u8> {
    frame(HEADERS, END_HEADERS, 1, POST)
}

fn window(stream: u32, size: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &size.to_be_bytes())
}

/// Frames where they have no place: they end the connection.
fn out_of_place() -> Vec<Case> {
    let whole = END_STREAM | END_HEADERS;
    let falling = Outcome::Ends(&[PROTOCOL_ERROR, STREAM_CLOSED]);
    let rest = frame(CONTINUATION, END_HEADERS, 3, GET);
    let promise = frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2]);
    let cases = [
        ("data on no stream", frame(DATA, END_STREAM, 0, b"x")),
        ("headers on no stream", frame(HEADERS, whole, 0, GET)),
        ("a reset of no stream", frame(RST_STREAM, 0, 0, &[0; 4])),
        ("a reset of an idle stream", frame(RST_STREAM, 0, 1, &[0; 4])),
        ("data on an idle stream", frame(DATA, END_STREAM, 1, b"x")),
        ("a window for an idle stream", window(1, 1)),
        (
            "a head without beginning",
            frame(CONTINUATION, END_HEADERS, 1, GET),
        ),
        (
            "another frame within a head",
            all(&[half(), frame(PING, 0, 0, &[0; 8])]),
        ),
        ("the rest of a head on another stream", all(&[half(), rest])),
        ("a stream with the number of a server", get(2)),
        ("settings of a stream", frame(SETTINGS, 0, 1, &[])),
        ("a ping of a stream", frame(PING, 0, 1, &[0; 8])),
        ("a farewell of a stream", frame(GOAWAY, 0, 1, &[0; 8])),
        ("a promise of a client", promise),
    ];
    let cases = cases.map(|(name, frames)| (name, frames, PROTOCOL));
    let falling = ("streams in falling order", all(&[get(5), get(3)]), falling);
    cases.into_iter().chain([falling]).collect()
}

/// Frames that say what nobody may say: they end the connection.
fn malformed() -> Vec<Case> {
    let whole = END_STREAM | END_HEADERS;
    let setting = |id, value: u32| frame(SETTINGS, 0, 0, &[&[0, id][..], &value.to_be_bytes()].concat());
    let flow = Outcome::Ends(&[FLOW_CONTROL_ERROR, PROTOCOL_ERROR]);
    let padding = all(&[post(), frame(DATA, PADDED, 1, &[9, b'x'])]);
    let reset = all(&[post(), frame(RST_STREAM, 0, 1, &[0; 3])]);
    vec![
        ("push that is neither on nor off", setting(2, 2), PROTOCOL),
        (
            "a window too large to begin with",
            setting(4, 1 << 31),
            flow.clone(),
        ),
        ("frames that are too small at most", setting(5, 1), PROTOCOL),
        ("no more window", window(0, 0), PROTOCOL),
        ("more window than there can be", window(0, i32::MAX as u32), flow),
        ("more padding than there is", padding, PROTOCOL),
        ("settings that are cut off", frame(SETTINGS, 0, 0, &[0; 5]), SIZE),
        (
            "settings with an acknowledgement",
            frame(SETTINGS, ACK, 0, &[0; 6]),
            SIZE,
        ),
        ("a ping that is too short", frame(PING, 0, 0, &[0; 7]), SIZE),
        (
            "a window of the wrong size",
            frame(WINDOW_UPDATE, 0, 0, &[0; 3]),
            SIZE,
        ),
        ("a reset of the wrong size", reset, SIZE),
        (
            "a frame that is too long",
            frame(DATA, 0, 1, &vec![0; 17_000]),
            SIZE,
        ),
        (
            "a field of no table",
            frame(HEADERS, whole, 1, &[0xff, 0xff, 0x7f]),
            COMPRESSION,
        ),
        (
            "a text that is cut off",
            frame(HEADERS, whole, 1, &[0, 10, b'x']),
            COMPRESSION,
        ),
    ]
}

/// What breaks one request.
fn broken_streams() -> Vec<Case> {
    let reset = Outcome::Reset(1, &[PROTOCOL_ERROR]);
    let late = [&literal(&GET[..2], "x-name", "1")[..], &[0x84]].concat();
    let heads = [
        ("a name in capitals", get_with("X-Name", "1")),
        ("a field of the connection", get_with("connection", "close")),
        ("transfer-encoding", get_with("transfer-encoding", "chunked")),
        ("te that is not trailers", get_with("te", "gzip")),
        ("a pseudo-field that is not known", get_with(":what", "1")),
        ("a pseudo-field of answers", get_with(":status", "200")),
        ("a method twice", [&[0x82], GET].concat()),
        ("no method", GET[1..].to_vec()),
        ("a pseudo-field behind others", late),
    ];
    let head = |block: &[u8]| frame(HEADERS, END_STREAM | END_HEADERS, 1, block);
    let heads = heads.map(|(name, block)| (name, head(&block), reset.clone()));
    let longer = all(&[
        frame(HEADERS, END_HEADERS, 1, &literal(POST, "content-length", "1")),
        frame(DATA, END_STREAM, 1, b"longer"),
    ]);
    let behind = all(&[get(1), frame(DATA, END_STREAM, 1, b"x")]);
    let closed = Outcome::Reset(1, &[STREAM_CLOSED, PROTOCOL_ERROR]);
    let flow = Outcome::Reset(1, &[FLOW_CONTROL_ERROR]);
    let others = [
        ("a body of another length than it says", longer, reset.clone()),
        ("data behind the end", behind, closed),
        (
            "too much window",
            all(&[post(), window(1, i32::MAX as u32)]),
            flow,
        ),
        ("no more window for a stream", all(&[post(), window(1, 0)]), reset),
    ];
    heads.into_iter().chain(others).collect()
}

/// Sends frames behind the preface, and reads until what is wanted comes or the connection ends.
async fn outcome(world: &World, frames: &[u8], wanted: &Outcome) -> Result<(), String> {
    let mut stream = client(world, "a.example", 0, b"h2").await.expect("TLS");
    let sent = [PREFACE, &frame(SETTINGS, 0, 0, &[]), frames].concat();
    let _ = stream.write_all(&sent).await;
    let mut seen = Vec::new();
    loop {
        let mut head = [0; 9];
        if stream.read_exact(&mut head).await.is_err() {
            let is_wanted = matches!(wanted, Outcome::Ends(_));
            return if is_wanted {
                Ok(())
            } else {
                Err(format!("it ends after {seen:?}"))
            };
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let number = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut payload = vec![0; length];
        let _ = stream.read_exact(&mut payload).await;
        let code = |at: usize| {
            payload
                .get(at..at + 4)
                .map(|it| u32::from_be_bytes([it[0], it[1], it[2], it[3]]))
        };
        match (wanted, head[3]) {
            (Outcome::Frame(kind, at, text), _) if (*kind, *at) == (head[3], number) && *text == payload => {
                return Ok(());
            }
            (Outcome::Answer(at), HEADERS) if *at == number => return Ok(()),
            (Outcome::Reset(at, codes), RST_STREAM) if *at == number => {
                let is_one = code(0).is_some_and(|it| codes.contains(&it));
                return if is_one {
                    Ok(())
                } else {
                    Err(format!("reset with {:?}", code(0)))
                };
            }
            // a server may always end the connection instead
            (Outcome::Reset(_, codes) | Outcome::Ends(codes), GOAWAY) => {
                let is_one = code(4).is_some_and(|it| codes.contains(&it));
                return if is_one {
                    Ok(())
                } else {
                    Err(format!("ended with {:?}", code(4)))
                };
            }
            _ => seen.push((head[3], number, payload)),
        }
    }
}

#[tokio::test]
async fn frames_are_taken_as_the_rfc_has_them() {
    let world = encrypted(Protocol::Https, group("g", &[echo("one").await])).await;
    let mut wrong = Vec::new();
    for (name, frames, wanted) in [good(), out_of_place(), malformed(), broken_streams()].concat() {
        let got = tokio::time::timeout(DEADLINE, outcome(&world, &frames, &wanted)).await;
        match got {
            Ok(Ok(())) => {}
            Ok(Err(text)) => wrong.push(format!("{name}: {text}, not {wanted:?}")),
            Err(_) => wrong.push(format!("{name}: nothing comes, not {wanted:?}")),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let mut other = http2::<Full<Bytes>>(&world).await;
    let request = Request::get("https://a.example/").body(Full::default());
    let answer = other.send_request(request.expect("a request")).await;
    assert_eq!(answer.expect("others are served").status(), StatusCode::OK);
}

#[tokio::test]
async fn a_preface_that_is_none_ends_the_connection() {
    let world = encrypted(Protocol::Https, group("g", &[echo("one").await])).await;
    let mut stream = client(&world, "a.example", 0, b"h2").await.expect("TLS");
    let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let read = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut Vec::new())).await;
    let _ = read.expect("it ends");
}
