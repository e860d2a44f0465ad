use super::*;

fn at(second: i64) -> Option<Timestamp> {
    Timestamp::from_second(1_700_000_000 + second).ok()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn an_explanation_reads_from_the_top() {
    let container = ContainerExplanation {
        name: some("web"),
        essential: Some(true),
        last_status: some("STOPPED"),
        exit_meaning: some("3: a code of the program's own"),
        finished_at: at(9),
        health_status: some("UNHEALTHY"),
        health_output: some("refused"),
        last_lines: Some(vec!["one".to_owned(), "\u{1b}[2Jtwo".to_owned()]),
        ..ContainerExplanation::default()
    };
    let text = explanation(&TaskExplanation {
        task_arn: some("arn:aws:ecs:us-east-1:1:task/default/0123"),
        task_definition_arn: some("arn:aws:ecs:us-east-1:1:task-definition/web:3"),
        last_status: some("STOPPED"),
        summary: some("Essential container web ended."),
        stopped_at: at(10),
        source: some("HISTORY"),
        next_steps: Some(vec!["Read its last lines.".to_owned()]),
        containers: Some(vec![container]),
        ..TaskExplanation::default()
    });
    let expected = "Task arn:aws:ecs:us-east-1:1:task/default/0123\n\
        STOPPED: Essential container web ended.\n\n\
        \x20 of            web:3\n\
        \x20 stopped       2023-11-14 22:13:30Z\n\
        \x20 known from    the history: DescribeTasks does not show it any more\n\n\
        Container web (STOPPED, essential)\n\
        \x20 exit code     3: a code of the program's own\n\
        \x20 ended         2023-11-14 22:13:29Z\n\
        \x20 health        UNHEALTHY\n\
        \x20 last health output\n\
        \x20   | refused\n\
        \x20 last lines\n\
        \x20   | one\n\
        \x20   | \u{fffd}[2Jtwo\n\n\
        Try next\n\
        \x20 - Read its last lines.\n";
    assert_eq!(text, expected);
}

#[test]
fn stopped_tasks_are_a_table() {
    assert_eq!(stopped_tasks(&[]), "No task has stopped.\n");
    let text = stopped_tasks(&[StoppedTask {
        task_arn: some("arn:aws:ecs:us-east-1:1:task/default/0123"),
        stopped_at: at(0),
        stopped_reason: some("enough"),
        ..StoppedTask::default()
    }]);
    assert!(
        text.lines().count() == 2 && text.contains("0123  ") && text.ends_with("enough\n"),
        "{text}"
    );
}
