use super::*;

#[test]
fn another_scan_waits_a_day_unless_the_first_was_lost() {
    let at = |seconds: i64| Timestamp::from_second(1_795_000_000 + seconds).expect("in range");
    let begun = ImageScan::begun(at(0));
    let failed = ImageScan {
        outcome: ScanOutcome::Failed {
            reason: "UnsupportedImageError".to_owned(),
        },
        ..begun.clone()
    };
    for (scan, seconds, is_lost, may_follow) in [
        (&begun, 899, false, false),
        (&begun, 900, true, true),
        (&failed, 900, false, false),
        (&failed, 86_399, false, false),
        (&failed, 86_400, false, true),
    ] {
        let now = at(seconds);
        assert_eq!(
            (scan.is_lost(now), scan.may_follow(now)),
            (is_lost, may_follow),
            "{seconds}"
        );
    }
}
