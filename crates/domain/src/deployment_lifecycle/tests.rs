use super::*;
use crate::deployment_strategy::DeploymentStrategy;

#[test]
fn stages_follow_each_other_and_shifts_repeat() {
    let mut lifecycle = DeploymentLifecycle {
        stage: LifecycleStage::ReconcileService,
        since: Timestamp::UNIX_EPOCH,
        blue: Some("ecs-svc/1".to_owned()),
        test_weight: 0,
        production_weight: 0,
        hooks: Vec::new(),
    };
    let strategy = DeploymentStrategy::Canary {
        part: 50,
        bake_minutes: 1,
    };
    let mut seen = vec![lifecycle.stage];
    while lifecycle.stage != LifecycleStage::CleanUp {
        lifecycle.stage = lifecycle.next_stage();
        if lifecycle.stage == LifecycleStage::ProductionTrafficShift {
            lifecycle.production_weight = strategy.next_weight(lifecycle.production_weight);
        }
        assert_eq!(
            lifecycle.keeps("ecs-svc/1"),
            lifecycle.stage != LifecycleStage::CleanUp
        );
        seen.push(lifecycle.stage);
    }
    let mut expected = LifecycleStage::ALL.to_vec();
    expected.splice(
        8..8,
        [
            LifecycleStage::PreProductionTrafficShift,
            LifecycleStage::ProductionTrafficShift,
        ],
    );
    assert_eq!(seen, expected);
}
