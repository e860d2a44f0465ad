use super::*;

#[test]
fn words_are_read_back() {
    for it in TargetHealthState::ALL {
        assert_eq!(TargetHealthState::parse(it.as_str()), Some(it));
    }
    for it in TargetHealthReason::ALL {
        assert_eq!(TargetHealthReason::parse(it.as_str()), Some(it));
    }
}

#[test]
fn a_new_target_is_initial_only_if_something_uses_it() {
    assert_eq!(
        TargetHealth::at_first(false).reason,
        Some(TargetHealthReason::NotInUse)
    );
    assert_eq!(
        TargetHealth::at_first(true).reason,
        Some(TargetHealthReason::RegistrationInProgress)
    );
}
