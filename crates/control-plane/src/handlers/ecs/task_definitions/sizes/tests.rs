//! Sizes as texts, and the sizes that FARGATE has.

use super::*;

#[test]
fn amounts_are_read_as_amazon_documents_them() {
    for (text, units) in [
        ("256", Some(256)),
        (".25 vCPU", Some(256)),
        ("1vcpu", Some(1024)),
        ("1 VCPU", Some(1024)),
        ("-1", None),
        ("1.5", None),
        ("many", None),
        ("", None),
        ("inf vcpu", None),
        ("0.0001 vcpu", None),
    ] {
        assert_eq!(cpu_units(text), units, "{text}");
    }
    assert_eq!(memory_mib("0.5GB"), Some(512));
    assert_eq!(memory_mib("2 GB"), Some(2048));
}

#[test]
fn fargate_has_the_documented_sizes_only() {
    let good = [
        (256, 512),
        (256, 2048),
        (512, 3072),
        (1024, 8192),
        (4096, 30_720),
        (8192, 20_480),
        (16_384, 122_880),
    ];
    let bad = [
        (256, 4096),
        (256, 768),
        (512, 512),
        (1024, 1024),
        (300, 512),
        (8192, 17_408),
        (16_384, 36_864),
    ];
    assert!(good.iter().all(|(cpu, memory)| is_fargate_size(*cpu, *memory)));
    assert!(bad.iter().all(|(cpu, memory)| !is_fargate_size(*cpu, *memory)));
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html>
#[test]
fn fargate_sizes_begin_and_end_where_amazon_says() {
    const GIB: u32 = 1024;
    for (cpu, least, most, step) in [
        (512, 1, 4, 1),
        (1024, 2, 8, 1),
        (2048, 4, 16, 1),
        (4096, 8, 30, 1),
        (8192, 16, 60, 4),
        (16_384, 32, 120, 8),
    ] {
        for memory in (0..=128 * GIB).step_by(512) {
            let gib = memory / GIB;
            let is_size =
                memory % GIB == 0 && (least..=most).contains(&gib) && (gib - least).is_multiple_of(step);
            assert_eq!(is_fargate_size(cpu, memory), is_size, "{cpu} {memory}");
        }
    }
    let smallest: Vec<u32> = (0..=4 * GIB).filter(|it| is_fargate_size(256, *it)).collect();
    assert_eq!(smallest, [512, 1024, 2048]);
    for cpu in [0, 128, 255, 257, 3072, 32_768] {
        assert!((0..=128).all(|gib| !is_fargate_size(cpu, gib * GIB)), "{cpu}");
    }
}
