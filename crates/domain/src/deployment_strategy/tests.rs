use super::*;

fn weights(strategy: DeploymentStrategy) -> Vec<Weight> {
    let mut weights = vec![strategy.next_weight(0)];
    while let Some(last) = weights.last().copied().filter(|it| *it < ALL_TRAFFIC) {
        weights.push(strategy.next_weight(last));
    }
    weights
}

#[test]
fn traffic_shifts_in_the_steps_of_its_strategy() {
    let linear = |step| DeploymentStrategy::Linear {
        step,
        bake_minutes: 6,
    };
    let canary = |part| DeploymentStrategy::Canary {
        part,
        bake_minutes: 10,
    };
    assert_eq!(weights(DeploymentStrategy::BlueGreen), [1000]);
    assert_eq!(weights(linear(300)), [300, 600, 900, 1000]);
    assert_eq!(weights(linear(1000)), [1000]);
    assert_eq!(weights(canary(1)), [1, 1000]);
    assert_eq!(weights(canary(1000)), [1000]);
}
