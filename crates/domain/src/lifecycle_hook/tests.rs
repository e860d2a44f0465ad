use super::*;

#[test]
fn without_an_answer_a_hook_does_what_it_is_told_to() {
    let run = |action| HookRun {
        id: "ecs-pause-1".to_owned(),
        hook: LifecycleHook {
            target: HookTarget::Pause,
            role_arn: None,
            stages: vec![LifecycleStage::PreScaleUp],
            details: None,
            timeout: Some(HookTimeout {
                minutes: None,
                action,
            }),
        },
        status: HookStatus::TimedOut,
        expires_at: Timestamp::UNIX_EPOCH,
        due_at: Timestamp::UNIX_EPOCH,
        task: None,
        reason: None,
    };
    assert!(run(None).objects());
    assert!(run(Some(HookAction::Rollback)).objects());
    assert!(run(Some(HookAction::Continue)).agrees());
    assert_eq!(run(None).hook.minutes(), 1440);
}
