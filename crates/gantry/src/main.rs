//! Gantry: Amazon ECS on your own machines. The one binary.

mod agent_config;
mod arguments;
mod bootstrap;
mod client;
mod clock;
mod commands;
mod data_dir;
mod keys;
mod load_balancers;
mod machine;
mod plugin;
mod process;
mod profile;
mod running;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command, ImageCommand};

/// Requests are many small pieces of memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if plugin::is_called(std::env::args_os().next().as_deref()) {
        let arguments: Vec<String> = std::env::args_os()
            .skip(1)
            .map(|it| it.to_string_lossy().into_owned())
            .collect();
        return plugin::run(&arguments);
    }
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Command::Up(options) => commands::up::run(&options),
        Command::Down(options) => commands::down::run(&options),
        Command::Agent(options) => commands::agent::run(&options),
        Command::Env(options) => commands::env::run(&options),
        Command::Image(ImageCommand::Load { place, file, name }) => {
            commands::image::load(&place, &file, name.as_deref())
        }
        Command::Image(ImageCommand::Pull(options)) => commands::image::pull(&options),
        Command::Image(ImageCommand::Ls { place }) => commands::image::list(&place),
        Command::Image(ImageCommand::Rm { place, references }) => {
            commands::image::remove(&place, &references)
        }
        Command::Admin(command) => commands::admin::run(&command),
        Command::Balancer(options) => commands::balancer::run(&options),
        Command::Dns => commands::dns::run(),
        Command::Events(arguments) => commands::events::run(&arguments),
        Command::Service(command) => commands::service::run(&command),
        Command::Task(command) => commands::task::run(&command),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gantry: {error:#}");
            ExitCode::FAILURE
        }
    }
}
