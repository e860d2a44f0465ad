//! Connections of a target that becomes healthy again.

use super::*;
use crate::l7::cookies::CookieKey;
use crate::plan::Registration;

#[tokio::test]
async fn a_target_that_has_recovered_keeps_its_connections() {
    let plan = TargetPlan {
        id: "10.0.0.1".into(),
        address: SocketAddr::from(([10, 0, 0, 1], 80)),
        zone: None,
        registration: Registration::Registered,
        known: Health::Healthy,
    };
    let tag = CookieKey::new([1; 32]).tag("g 10.0.0.1");
    let target = Target::new(&"g".into(), &plan, tag, Reporter::default());
    let failure = Failure::Timeout;
    let drain = || {
        target.set_health(Health::Unhealthy(failure), u64::MAX);
        target.drain_unhealthy(failure, Duration::from_secs(3600));
    };
    drain();
    let cut = target.cut();
    // the interval ends after a check has passed, and before that is told
    target.set_health(Health::Healthy, u64::MAX);
    target.end_unhealthy();
    assert!(!cut.is_cancelled());
    drain();
    target.end_unhealthy();
    assert!(cut.is_cancelled());
}
