//! Output becomes events line by line.

use super::*;

const NOW: Timestamp = Timestamp::constant(1_795_234_916, 0);

#[test]
fn lines_are_put_together_cut_and_never_empty() {
    let mut lines = Lines::default();
    for part in ["/ # l", "s\r\nbin\r\n\r\netc", "\r\n/ # "] {
        lines.add(part.as_bytes(), NOW);
    }
    let texts = |lines: &Lines| -> Vec<String> { lines.events.iter().map(|it| it.message.clone()).collect() };
    assert_eq!(texts(&lines), ["/ # ls", "bin", "etc"]);
    lines.finish(NOW);
    lines.finish(NOW);
    assert_eq!(texts(&lines).last().map(String::as_str), Some("/ # "));
    lines.events.clear();
    lines.add(&vec![b'x'; LINE_BYTES_MAX * 2 + 1], NOW);
    lines.add(b"\xff\n", NOW);
    let lengths: Vec<usize> = lines.events.iter().map(|it| it.message.chars().count()).collect();
    assert_eq!(lengths, [LINE_BYTES_MAX, LINE_BYTES_MAX, 2]);
}
