//! Task sizes: what `cpu` and `memory` of a task may say, and which pairs FARGATE has.

#[cfg(test)]
mod tests;

/// The pairs that FARGATE has: CPU units, then least, most and step of memory in MiB.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html>
const FARGATE_SIZES: [(u32, u32, u32, u32); 6] = [
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16_384, 1024),
    (4096, 8192, 30_720, 1024),
    (8192, 16_384, 61_440, 4096),
    (16_384, 32_768, 122_880, 8192),
];

/// CPU units (1024 are a core) from `256`, `.25 vCPU` or `1vcpu`.
pub fn cpu_units(text: &str) -> Option<u32> {
    amount(text, "vcpu")
}

/// MiB from `512`, `0.5GB` or `1 GB`.
pub fn memory_mib(text: &str) -> Option<u32> {
    amount(text, "gb")
}

/// Whether FARGATE has the size.
pub fn is_fargate_size(cpu: u32, memory: u32) -> bool {
    if cpu == 256 {
        return matches!(memory, 512 | 1024 | 2048);
    }
    FARGATE_SIZES.iter().any(|(units, least, most, step)| {
        *units == cpu && (*least..=*most).contains(&memory) && memory.is_multiple_of(*step)
    })
}

/// A whole number of small units, or a decimal number of large ones, each worth 1024.
fn amount(text: &str, large_unit: &str) -> Option<u32> {
    let text = text.trim().to_ascii_lowercase();
    let Some(number) = text.strip_suffix(large_unit) else {
        return text.parse().ok();
    };
    let large: f64 = number.trim_end().parse().ok()?;
    let small = large * 1024.0;
    let is_whole = small.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&small);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "in range, as just checked"
    )]
    is_whole.then_some(small as u32)
}
