use proptest::prelude::*;

use super::{BadChunk, Chunks};

fn read(bytes: &[u8]) -> Result<(usize, bool), BadChunk> {
    Chunks::default().advance(bytes)
}

#[test]
fn bodies_end_with_their_last_chunk() {
    for body in [
        "0\r\n\r\n",
        "3\r\nabc\r\n0\r\n\r\n",
        "00A;name=\"v\"\r\n0123456789\r\n0\r\n\r\n",
        "1\r\nx\r\n0\r\nTrailer: yes\r\nOther: 1\r\n\r\n",
    ] {
        let with_more = format!("{body}GET / HTTP/1.1\r\n");
        assert_eq!(read(with_more.as_bytes()), Ok((body.len(), true)), "{body:?}");
    }
}

#[test]
fn what_others_read_differently_is_refused() {
    for body in [
        "\r\n",
        " 3\r\nabc\r\n",
        "3 \r\nabc\r\n",
        "0x3\r\nabc\r\n",
        "-1\r\n",
        "3\nabc\r\n",
        "3\r\nabcd\r\n",
        "3\r\nabc\n",
        "3;\n\r\nabc\r\n",
        "fffffffffffffffff\r\n",
        "0\r\n\n",
        "0\r\n folded\r\n\r\n",
    ] {
        assert_eq!(read(body.as_bytes()), Err(BadChunk), "{body:?}");
    }
    let long = "1;".to_owned() + &"a".repeat(5000);
    assert_eq!(read(long.as_bytes()), Err(BadChunk));
}

proptest! {
    #[test]
    fn reading_in_parts_finds_the_same_end(parts in prop::collection::vec(1usize..7, 1..40)) {
        let body = b"4;x=y\r\nwiki\r\n5\r\npedia\r\n0\r\nA: b\r\n\r\n";
        let mut chunks = Chunks::default();
        let (mut at, mut ended) = (0, false);
        for part in parts.iter().cycle() {
            let end = (at + part).min(body.len());
            let (used, over) = chunks.advance(&body[at..end]).expect("a good body");
            at += used;
            ended = over;
            if at == body.len() {
                break;
            }
        }
        prop_assert!(ended);
    }
}
