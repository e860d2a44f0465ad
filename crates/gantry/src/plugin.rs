//! `session-manager-plugin`: what the AWS CLI runs for `aws ecs execute-command`, and what this program is when it is
//! called by that name.

mod arguments;
mod session;
mod terminal;

use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;

use arguments::Request;
pub use session::connect;

/// The name by which the AWS CLI looks for it.
pub const NAME: &str = "session-manager-plugin";
/// From 1.2.497.0 on, the AWS CLI passes the session through the environment, where other users do not see it.
const VERSION: &str = "1.2.707.0";
/// What the AWS CLI reads as its being installed.
const INSTALLED: &str =
    "\nThe Session Manager plugin was installed successfully. Use the AWS CLI to start a session.\n";

/// Whether this program was called by that name.
pub fn is_called(program: Option<&OsStr>) -> bool {
    let name = program.and_then(|it| Path::new(it).file_name());
    name == Some(OsStr::new(NAME))
}

/// Runs it.
pub fn run(arguments: &[String]) -> ExitCode {
    let outcome = match arguments::read(arguments, |name| std::env::var(name).ok()) {
        Ok(Request::Installed) => {
            println!("{INSTALLED}");
            Ok(0)
        }
        Ok(Request::Version) => {
            println!("{VERSION}");
            Ok(0)
        }
        Ok(Request::Session(session)) => session::run(&session),
        Err(error) => Err(error),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("{NAME}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_known_by_its_name_wherever_it_lies() {
        for (program, is_it) in [
            ("session-manager-plugin", true),
            ("/usr/local/bin/session-manager-plugin", true),
            ("/usr/bin/gantry", false),
            ("session-manager-plugin/gantry", false),
        ] {
            assert_eq!(is_called(Some(OsStr::new(program))), is_it, "{program}");
        }
        assert!(!is_called(None));
    }
}
