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
