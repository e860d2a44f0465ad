//! How right the clock of this host is, as the kernel was told by whoever keeps it right (chrony, ntpd, timesyncd).

use agent::host::ClockDrift;
use jiff::Timestamp;

/// Microseconds in a millisecond.
const MICROSECONDS: f64 = 1000.0;

/// `None` if the kernel does not say.
#[expect(
    clippy::disallowed_methods,
    reason = "the answer is about this moment, and the clock itself is asked about"
)]
pub fn drift() -> Option<ClockDrift> {
    // SAFETY: all zeroes are a valid structure, which changes nothing (no bit of `modes` is set).
    let mut state: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the structure lives through the call.
    let status = unsafe { libc::adjtimex(&mut state) };
    (status >= 0).then(|| interpret(status, &state, Timestamp::now()))
}

fn interpret(status: libc::c_int, state: &libc::timex, now: Timestamp) -> ClockDrift {
    ClockDrift {
        is_synchronized: status != libc::TIME_ERROR && state.status & libc::STA_UNSYNC == 0,
        error_bound_ms: state.maxerror as f64 / MICROSECONDS,
        reference: now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_right_while_somebody_keeps_it_so() {
        let now = Timestamp::UNIX_EPOCH;
        for (status, flags, is_synchronized) in [
            (libc::TIME_OK, 0, true),
            (libc::TIME_INS, libc::STA_PLL | libc::STA_INS, true),
            (libc::TIME_OK, libc::STA_UNSYNC, false),
            (libc::TIME_ERROR, 0, false),
        ] {
            // SAFETY: all zeroes are a valid structure.
            let mut state: libc::timex = unsafe { std::mem::zeroed() };
            (state.status, state.maxerror) = (flags, 1500);
            let expected = ClockDrift {
                is_synchronized,
                error_bound_ms: 1.5,
                reference: now,
            };
            assert_eq!(interpret(status, &state, now), expected, "{status} {flags}");
        }
        assert!(drift().is_some_and(|it| it.error_bound_ms >= 0.0));
    }
}
