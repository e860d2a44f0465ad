//! Conformance of an ECS endpoint, over the network: the pieces of `suite/`, run by the Python of the AWS clients.
//!
//! The subject is a Gantry of the test's own, or the endpoint that `GANTRY_CONFORMANCE_ENDPOINT` names; then the key and
//! region are those of the environment.

mod crash;
mod javascript;
mod limits;
mod rust_sdk;
mod subject;

use anyhow::Result;
use subject::Subject;

/// Pieces that need nothing but an endpoint.
#[test]
fn variants_of_every_operation_are_answered() -> Result<()> {
    Subject::new()?.run("variants")
}

#[test]
fn what_breaks_the_protocol_has_one_answer() -> Result<()> {
    Subject::new()?.run("wire_errors")
}

#[test]
fn what_breaks_the_query_protocol_has_one_answer() -> Result<()> {
    Subject::new()?.run("query_errors")
}

#[test]
fn the_cli_reads_and_sends_its_skeletons() -> Result<()> {
    Subject::new()?.run("command_line")
}

#[test]
fn paginators_give_the_whole_set_once() -> Result<()> {
    Subject::new()?.run("paginators")
}

#[test]
fn services_round_ecs_answer_whatever_is_asked() -> Result<()> {
    Subject::new()?.run("service_variants")
}

#[test]
fn answers_of_load_balancing_are_as_they_were() -> Result<()> {
    Subject::new()?.run("load_balancing")
}

#[test]
fn certificates_are_answered_as_they_were() -> Result<()> {
    Subject::new()?.run("certificate_manager")
}

#[test]
fn answers_of_classic_load_balancing_are_as_they_were() -> Result<()> {
    Subject::new()?.run("classic_load_balancing")
}

#[test]
fn answers_of_code_deploy_are_as_they_were() -> Result<()> {
    Subject::with_sample_image()?.run("code_deploy")
}

#[test]
fn hosted_zones_are_answered_as_they_were() -> Result<()> {
    Subject::new()?.run("hosted_zones")
}

/// Pieces that run the sample image.
#[test]
fn waiters_end() -> Result<()> {
    Subject::with_sample_image()?.run("waiters")
}

#[test]
fn public_addresses_of_tasks_are_found_and_given_back() -> Result<()> {
    Subject::with_sample_image()?.run("public_addresses")
}

#[test]
fn every_modelled_error_is_provoked_or_explained() -> Result<()> {
    Subject::with_sample_image()?.with_agent_key()?.run("errors")
}

#[test]
fn answers_are_as_they_were() -> Result<()> {
    Subject::with_sample_image()?.run("answers")
}
