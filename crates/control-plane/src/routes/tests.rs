use std::fmt::Write;

use expect_test::expect_file;

use super::*;

/// Most operations of a service of which those that are not built are named too.
const LISTED_MAX: usize = 200;

/// `UPDATE_EXPECT=1` writes the page anew.
#[test]
fn the_coverage_page_names_every_operation() {
    let mut page = String::from(
        "# API coverage\n\nOperations of the services that Gantry speaks. What is *refused* answers as AWS \
         answers what an account may not use, what is *not yet* as an unknown operation.\nA member that is not obeyed yet \
         is refused by name.\n",
    );
    // What is Gantry's own comes last, as what it is.
    let is_own = |it: &&Service| it.signing_name == gantry::SERVICE.signing_name;
    let of_aws = SERVICES.into_iter().filter(|it| !is_own(it));
    for service in of_aws.chain(SERVICES.into_iter().filter(is_own)) {
        if is_own(&service) {
            write_s3(&mut page);
        }
        let title = match is_own(&service) {
            true => "Gantry's own operations, which AWS does not have",
            false => name(service),
        };
        let _ = write!(page, "\n## {title}\n\n| Operation | |\n|---|---|\n");
        let all = coverage();
        let of_service = || all.iter().filter(|it| it.service == name(service));
        let is_listed =
            |it: &&Covered| it.coverage != Coverage::NotYet || service.operations.len() <= LISTED_MAX;
        for it in of_service().filter(is_listed) {
            let state = match it.coverage {
                Coverage::Works => "works".to_owned(),
                Coverage::Partial(lacks) => format!("partial: {lacks}"),
                Coverage::Refused(why) => format!("refused: {why}"),
                Coverage::NotYet => "not yet".to_owned(),
            };
            let _ = writeln!(page, "| {} | {state} |", it.operation);
        }
        let others = of_service().count() - of_service().filter(is_listed).count();
        if others > 0 {
            let _ = writeln!(page, "| {others} others | not yet |");
        }
    }
    expect_file!["../../../../docs/guide/api-coverage.md"].assert_eq(&page);
}

/// S3 has a front of its own, without routes.
fn write_s3(page: &mut String) {
    page.push_str("\n## s3\n\n| Operation | |\n|---|---|\n");
    for it in wire::s3::Operation::ALL {
        let state = partial::lacks("s3", it.as_str());
        let state = state.map_or("works".to_owned(), |lacks| format!("partial: {lacks}"));
        let _ = writeln!(page, "| {} | {state} |", it.as_str());
    }
    page.push_str("| all others | refused: NotImplemented |\n");
}

#[test]
fn what_is_refused_is_not_said_to_be_partial() {
    let all = coverage();
    let partial = |it: &&Covered| partial::lacks(it.service, it.operation).is_some();
    let said: Vec<_> = all.iter().filter(partial).collect();
    assert!(
        said.iter().all(|it| matches!(it.coverage, Coverage::Partial(_))),
        "{said:?}"
    );
    assert!(partial::lacks("logs", "CreateCluster").is_none());
}

/// A client finds no refusal that its SDK has no class for.
#[test]
fn refusals_are_errors_of_their_operations() {
    let models = [
        ("ecs", include_str!("../../../../models/ecs.json")),
        ("acm", include_str!("../../../../models/acm.json")),
        ("route53", include_str!("../../../../models/route53.json")),
    ];
    let routes = Routes::new();
    assert!(!routes.refusals.is_empty());
    for ((service, operation), refused) in &routes.refusals {
        let Some((_, model)) = models.iter().find(|(of, _)| of == service) else {
            // These model none for what an account may not use.
            assert!(["elasticloadbalancing", CLASSIC_LOAD_BALANCING, "codedeploy"].contains(service));
            continue;
        };
        let model: serde_json::Value = serde_json::from_str(model).expect("JSON");
        let modelled = &model["operations"][*operation]["errors"];
        let is_modelled = |code: &str| {
            modelled
                .as_array()
                .is_some_and(|all| all.iter().any(|it| it == code))
        };
        assert!(is_modelled(refused.exception), "{operation}: {refused:?}");
        let lists_unsupported = is_modelled("UnsupportedFeatureException");
        assert_eq!(
            refused.exception == "UnsupportedFeatureException",
            lists_unsupported,
            "{operation}"
        );
    }
}

#[test]
fn operations_are_found_by_service_and_name() {
    let routes = Routes::new();
    assert!(routes.get("ecs", "RunTask").is_some());
    assert!(routes.get("ecs", "CreateNothing").is_none());
    assert!(routes.get("ec2", "DescribeVpcs").is_some());
    assert!(routes.get("ec2", "RunInstances").is_none());
    assert!(routes.get("logs", "RunTask").is_none());
    assert!(routes.get("s3", "RunTask").is_none());
}
