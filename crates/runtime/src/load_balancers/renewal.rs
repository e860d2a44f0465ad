//! How a balancer is kept running, and renewed without refusing a connection.
//!
//! The new process gets the listening sockets of the old one, and serves what that has served, before the old one is
//! asked to leave; until then both accept. The old one ends what is in flight, within a bound of its own. If any of
//! this fails, the old one is ended and another begins afresh.

use std::io::{self, Write};
use std::path::Path;

use agent::host::HostError;
use rustix::process::Pid;

use super::processes::{
    Beginning, Rights, ask_to_leave, change_places, end_all, end_leaving, has, is_outdated, leaving, next,
    serving, settle,
};
use super::{LoadBalancers, blocking, connect, failed};
use crate::hand_over::{self, HAND_OVER, HandOver};

/// So many that leave at one time; with more, the one that serves stays.
const LEAVING_MAX: usize = 4;

/// Who serves a load balancer.
enum Serving {
    Nobody,
    ThisProgram,
    Another(Pid),
}

impl LoadBalancers {
    /// Somebody serves when this returns, runs the program of today and has these rights.
    pub(super) async fn keep_running(
        &self,
        key: &str,
        directory: &Path,
        rights: Rights,
    ) -> Result<(), HostError> {
        let (place, program) = (directory.to_owned(), self.program.clone());
        match blocking(move || look(&place, &program, rights)).await? {
            Serving::ThisProgram => return Ok(()),
            Serving::Nobody => {}
            Serving::Another(pid) => match self.renew(key, directory, pid, rights).await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    tracing::warn!(balancer = %directory.display(), %error, "no hand-over: it begins afresh");
                    let place = directory.to_owned();
                    blocking(move || end_all(&place)).await?;
                }
            },
        }
        self.start(key, directory, Beginning::Afresh, rights).await
    }

    async fn renew(&self, key: &str, directory: &Path, served: Pid, rights: Rights) -> Result<(), HostError> {
        let old = connect(directory.to_owned()).await.map_err(failed)?;
        let old = old.into_std().map_err(failed)?;
        let handed = blocking(move || ask(old)).await?;
        self.start(key, directory, Beginning::TakingOver, rights).await?;
        let new = connect(next(directory)).await.map_err(failed)?;
        let new = new.into_std().map_err(failed)?;
        blocking(move || pass(new, &handed)).await?;
        let place = directory.to_owned();
        blocking(move || change_places(&place, served)).await?;
        ask_to_leave(served);
        tracing::info!(balancer = %directory.display(), "a balancer has taken over from its predecessor");
        Ok(())
    }
}

fn look(directory: &Path, program: &Path, rights: Rights) -> io::Result<Serving> {
    settle(directory)?;
    let leaving = leaving(directory)?;
    let Some(pid) = serving(directory)? else {
        // Theirs are the sockets that another one needs, if nobody has asked them to leave.
        end_leaving(directory)?;
        return Ok(Serving::Nobody);
    };
    leaving.iter().for_each(|it| ask_to_leave(*it));
    let is_outdated = is_outdated(pid, program)? || !has(pid, rights);
    Ok(match is_outdated && leaving.len() < LEAVING_MAX {
        true => Serving::Another(pid),
        false => Serving::ThisProgram,
    })
}

fn ask(mut old: std::os::unix::net::UnixStream) -> io::Result<HandOver> {
    old.set_nonblocking(false)?;
    old.set_write_timeout(Some(hand_over::DEADLINE))?;
    writeln!(old, "{HAND_OVER}")?;
    HandOver::receive(&mut old)
}

fn pass(mut new: std::os::unix::net::UnixStream, handed: &HandOver) -> io::Result<()> {
    handed.send(&mut new)?;
    hand_over::confirmed(&mut new)
}
