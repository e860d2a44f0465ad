//! `gantry admin`: asks the running Gantry about itself.

use anyhow::Result;
use api::gantry;

use crate::arguments::AdminCommand;
use crate::client::call;
use crate::commands::task::print;

/// Does what is asked.
pub fn run(command: &AdminCommand) -> Result<()> {
    match command {
        AdminCommand::Resolve(arguments) => {
            let input = gantry::ResolveNameInput {
                name: arguments.name.clone(),
            };
            let output = call::<gantry::ResolveName>(&arguments.place, &input)?;
            let addresses = output.addresses.unwrap_or_default().into_iter();
            print(&addresses.map(|it| format!("{it}\n")).collect::<String>())
        }
    }
}
