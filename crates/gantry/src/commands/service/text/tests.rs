use api::gantry::FailedTask;

use super::*;

#[test]
fn an_explanation_says_who_refuses_what() {
    let text = |it: &str| Some(it.to_owned());
    let explanation = ServiceExplanation {
        service_arn: text("arn:aws:ecs:us-east-1:123456789012:service/default/web"),
        status: text("ACTIVE"),
        summary: text("1 of 2 tasks run. The service waits for one thing."),
        desired_count: Some(2),
        minimum_healthy: Some(2),
        maximum: Some(4),
        parts: Some(vec![ServicePartExplanation {
            id: text("ecs-svc/1"),
            status: text("PRIMARY"),
            task_definition_arn: text("arn:aws:ecs:us-east-1:123456789012:task-definition/web:7"),
            rollout_state: text("IN_PROGRESS"),
            desired_count: Some(2),
            running_count: Some(1),
            healthy_count: Some(1),
            starts: Some(1),
            ..ServicePartExplanation::default()
        }]),
        waits_for: Some(vec!["placement: no container instance takes 1 task".to_owned()]),
        placement: Some(PlacementExplanation {
            needs: text("0 CPU units, 512 MiB"),
            summary: text("1 container instance: 1 lacks memory (512 MiB needed, free 100 MiB)."),
            hosts: Some(vec![HostExplanation {
                container_instance_arn: text(
                    "arn:aws:ecs:us-east-1:123456789012:container-instance/default/0123",
                ),
                takes: Some(false),
                refusals: Some(vec!["lacks memory (512 MiB needed, free 100 MiB)".to_owned()]),
            }]),
        }),
        failed_tasks: Some(vec![FailedTask {
            task_arn: text("arn:aws:ecs:us-east-1:123456789012:task/default/ff"),
            reason: text("it \u{1b}[2Jfailed"),
            ..FailedTask::default()
        }]),
        next_steps: Some(vec!["Give it room.".to_owned()]),
        ..ServiceExplanation::default()
    };
    let expected = "\
Service arn:aws:ecs:us-east-1:123456789012:service/default/web
ACTIVE: 1 of 2 tasks run. The service waits for one thing.

  desired       2
  bounds        at least 2 healthy, at most 4 in all while tasks are replaced

PRIMARY ecs-svc/1 of web:7
  tasks         2 wanted, 1 running (1 healthy), 0 pending, 0 stopping
  would now     start 1
  rollout       IN_PROGRESS

Waits for
  - placement: no container instance takes 1 task

Placement of the next task, which needs 0 CPU units, 512 MiB
  in all        1 container instance: 1 lacks memory (512 MiB needed, free 100 MiB).
  0123  lacks memory (512 MiB needed, free 100 MiB)

Last failed
  -   task ff: it \u{fffd}[2Jfailed

Try next
  - Give it room.
";
    assert_eq!(super::explanation(&explanation), expected);
}
