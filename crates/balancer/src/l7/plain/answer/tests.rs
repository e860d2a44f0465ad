//! Heads of answers.

use proptest::prelude::*;

use super::{Answer, BadAnswer, Body, read};

fn whole(text: &str) -> Answer {
    read(text.as_bytes(), false)
        .expect("an answer")
        .expect("a whole head")
}

fn head(text: &str) -> String {
    String::from_utf8(whole(text).head).expect("text")
}

#[test]
fn clients_get_what_is_not_of_the_connection() {
    let text = "HTTP/1.1 404 Not There\r\nserver: x\r\nConnection: X-Gone\r\nX-Gone: 1\r\nKeep-Alive: timeout=5\r\n\
                Proxy-Connection: a\r\nUpgrade: b\r\nTrailer: c\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n\
                Content-Length: 3\r\nContent-Length: 3\r\nDate: now\r\n\r\nabc";
    assert_eq!(
        head(text),
        "HTTP/1.1 404 Not There\r\nserver: x\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nContent-Length: 3\r\nDate: now\r\n"
    );
    let answer = whole(text);
    assert!(answer.has_date && answer.reusable);
    assert_eq!(&text[answer.length..], "abc");
}

#[test]
fn bodies_end_as_their_heads_say() {
    let body = |text: &str, to_head| {
        let answer = read(text.as_bytes(), to_head).expect("an answer").expect("whole");
        let body = match answer.body {
            Body::Length(length) => format!("{length}"),
            Body::Chunked(_) => "chunks".to_owned(),
            Body::UntilEnd => "end".to_owned(),
        };
        (body, answer.reusable)
    };
    for (text, wanted, reusable) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", "7", true),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "chunks",
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nContent-Length: 7\r\n\r\n",
            "chunks",
            false,
        ),
        ("HTTP/1.1 200 OK\r\n\r\n", "end", false),
        ("HTTP/1.1 204 No Content\r\n\r\n", "0", true),
        (
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
            "0",
            false,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: a, Close\r\n\r\n",
            "7",
            false,
        ),
        ("HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\n", "7", false),
    ] {
        assert_eq!(body(text, false), (wanted.to_owned(), reusable), "{text:?}");
    }
    let to_head = body("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", true);
    assert_eq!(to_head, ("0".to_owned(), false));
}

#[test]
fn a_body_of_no_known_end_becomes_chunks() {
    let text = "HTTP/1.0 200 OK\r\nX: y\r\n\r\n";
    assert_eq!(
        head(text),
        "HTTP/1.1 200 OK\r\nX: y\r\nTransfer-Encoding: chunked\r\n"
    );
}

#[test]
fn interim_answers_and_other_protocols_are_told_apart() {
    assert!(whole("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n").is_interim);
    let switching = whole("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n");
    assert!(switching.switches && !switching.is_interim);
}

#[test]
fn what_is_no_answer_is_refused() {
    for text in [
        "garbage\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: y\r\n folded\r\n\r\n",
    ] {
        assert!(matches!(read(text.as_bytes(), false), Err(BadAnswer)), "{text:?}");
    }
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(40_000));
    assert!(matches!(read(endless.as_bytes(), false), Err(BadAnswer)));
    assert!(matches!(read(&endless.as_bytes()[..1000], false), Ok(None)));
}

proptest! {
    /// However a head is cut, it is read when it is whole, and only then; nothing panics.
    #[test]
    fn cut_heads_wait(cut in 0usize..60, noise in proptest::collection::vec(any::<u8>(), 0..200)) {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nServer: some-server/1\r\n\r\n";
        let cut = cut.min(text.len() - 1);
        prop_assert!(matches!(read(&text[..cut], false), Ok(None)));
        let mut followed = text.to_vec();
        followed.extend_from_slice(&noise);
        let answer = read(&followed, false).expect("an answer").expect("a whole head");
        prop_assert_eq!(answer.length, text.len());
        let _ = read(&noise, false);
    }
}
