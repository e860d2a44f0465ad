//! Automation of the project: `cargo xtask <command>`.

mod bench;
mod codegen;
mod demo;
mod fuzz;
mod install;
mod models;
mod sim;
mod test;
mod tidy;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

const HELP: &str = "\
Usage: cargo xtask <command>

  demo [--keep]     from a bare machine to a service of real containers; --keep leaves it running
  test [ARGS]       install what is missing, check formatting and lints, run every test;
                    with ARGS, run `cargo nextest run --workspace ARGS` alone
  fuzz [TARGET] [--seconds N]
                    let the targets of fuzz/, or one of them, look for faults; 60 seconds each
  bench [NAME]      measure beside its peers; NAME is one of launch, containers, rollout, api,
                    memory, services, commits, balancer, dns, networks
  bench api [PART]...
                    requests a second on large clusters; PART is one of reads, register, run
  bench balancer [--rounds N] [--seconds S] [CASE]...
                    beside nginx, haproxy and Envoy, one worker each, in turns; CASE is one of small,
                    large, new, tls, tls-new, tcp, tcp-bulk, idle; 7 turns of 1.5 seconds each
                    (GANTRY_BENCH_EARLIER names an earlier build of ours to measure in place of the others)
  bench dns [--rounds N] [--questions N] [CASE]...
                    the resolver beside NSD, one thread each, in turns; CASE is one of udp, udp-one,
                    udp-unknown, tcp; 7 turns of 200,000 questions each
  bench networks [PART]...
                    beside Docker's bridge and links as Swarm's overlay has them; PART is one of tasks,
                    overlay, groups, starts
  sim [--seeds N [--from S] | --minutes M | --seed S | --mutations [WORD]...]
                    simulate the service scheduler: many seeds, one with its log, or broken on purpose
  codegen [--check] generate crates/api from models/; --check only compares
  models update     take the AWS models anew from the package that models/services.toml names
  tidy              check the rules of the layout
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    // Not the folder of the build: checkouts may share a target folder.
    let package = std::env::var("CARGO_MANIFEST_DIR").context("run it as `cargo xtask`")?;
    let root = Path::new(&package)
        .parent()
        .context("xtask lies in the workspace")?;
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["demo"] => demo::demo(root, &demo::Ending::CleanUp),
        ["demo", "--keep"] => demo::demo(root, &demo::Ending::Keep),
        ["test", ..] => test::test(root, &arguments[1..]),
        ["fuzz", ref rest @ ..] => fuzz::fuzz(root, rest),
        ["bench", ref rest @ ..] => bench::bench(root, rest),
        ["sim", ref rest @ ..] => sim::sim(root, rest),
        ["codegen"] => codegen::codegen(root, codegen::Mode::Write),
        ["codegen", "--check"] => codegen::codegen(root, codegen::Mode::Check),
        ["models", "update"] => models::update(root),
        ["tidy"] => tidy::tidy(root),
        _ => {
            print!("{HELP}");
            Ok(())
        }
    }
}
