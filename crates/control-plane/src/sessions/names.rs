//! Tells a host the names that its resolvers answer: all of them first, then what has changed.

mod news;
mod served;
mod zones;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::Scope;
use domain::served_names::{NameKey, NamesMessage, RecordSet, ServedName};
use futures_util::{SinkExt, StreamExt};
use store::State;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::upgrade::{Agent, Socket};
use crate::control_plane::ControlPlane;

use super::followers::{Follower, Followers};
use news::{NameNews, Source};
use served::{Served, served};

/// The sessions that follow names.
pub type Resolvers = Followers<NameNews>;

/// Commits that follow each other quickly are told together.
const GATHERING: Duration = Duration::from_millis(10);
/// Both sides ping when they have nothing else to say.
const PING: Duration = Duration::from_secs(20);
/// After so long without anything the host is gone.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How long a message may take to be written.
const SEND_DEADLINE: Duration = Duration::from_secs(30);
/// Records of a message, some 100 bytes each.
const RECORDS_MAX: usize = 10_000;

struct Session {
    control_plane: Arc<ControlPlane>,
    agent: Agent,
    socket: Socket,
    /// What the host has been told, as it was then.
    told: BTreeMap<Source, Served>,
    heard_at: Instant,
}

/// The session is over.
struct Over;

/// Runs a session until either side ends it, or a newer one of the same host takes its place.
pub async fn run(
    control_plane: Arc<ControlPlane>,
    agent: Agent,
    socket: Socket,
    shutdown: CancellationToken,
) {
    let host_id = agent.instance.name().to_owned();
    let follower = control_plane.resolvers.open(&host_id);
    let mut session = Session {
        control_plane: Arc::clone(&control_plane),
        agent,
        socket,
        told: BTreeMap::new(),
        heard_at: Instant::now(),
    };
    tokio::select! {
        biased;
        () = shutdown.cancelled() => {}
        Err(Over) = session.serve(&follower) => {}
    }
    control_plane.resolvers.close(&host_id, &follower);
    // It is over either way.
    let _ = timeout(SEND_DEADLINE, session.socket.close(None)).await;
}

impl Session {
    async fn serve(&mut self, follower: &Follower<NameNews>) -> Result<(), Over> {
        let mut ping = tokio::time::interval(PING);
        loop {
            tokio::select! {
                biased;
                message = self.socket.next() => {
                    self.heard_at = Instant::now();
                    if matches!(message, Some(Ok(Message::Close(_)) | Err(_)) | None) {
                        return Err(Over);
                    }
                }
                news = follower.next() => {
                    tokio::time::sleep(GATHERING).await;
                    self.tell(news).await?;
                }
                _ = ping.tick() => {
                    let host_id = self.agent.instance.name();
                    if self.heard_at.elapsed() > SILENCE_MAX
                        || !self.control_plane.resolvers.is_open(host_id, follower)
                    {
                        return Err(Over);
                    }
                    self.send(Message::Ping(bytes::Bytes::new())).await?;
                }
            }
        }
    }

    /// Sends what the host does not know yet of what may have changed.
    async fn tell(&mut self, news: NameNews) -> Result<(), Over> {
        let scope = self.agent.instance.scope();
        let is_first = self.told.is_empty();
        let found: Vec<(Source, Option<Served>)> = self
            .control_plane
            .store
            .read(|state| look(state, &scope, news, &self.told));
        let mut message = difference(&mut self.told, found);
        message.is_whole = is_first;
        if message == NamesMessage::default() {
            return Ok(());
        }
        for part in message.into_parts(RECORDS_MAX) {
            let text = serde_json::to_string(&part).map_err(|error| {
                tracing::error!(%error, "names cannot be told to a host");
                Over
            })?;
            self.send(Message::text(text)).await?;
        }
        Ok(())
    }

    async fn send(&mut self, message: Message) -> Result<(), Over> {
        match timeout(SEND_DEADLINE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Over),
        }
    }
}

/// What there is now of what may have changed; `None` is gone.
fn look(
    state: &State,
    scope: &Scope,
    news: NameNews,
    told: &BTreeMap<Source, Served>,
) -> Vec<(Source, Option<Served>)> {
    let is_alias = |it: &&Source| matches!(it, Source::ClientAlias(..));
    let mut changed = news.changed;
    let followers = news
        .target_groups
        .iter()
        .flat_map(|it| state.load_balancers_to(it));
    changed.extend(followers.map(Source::LoadBalancer));
    if news.is_all {
        changed.extend(told.keys().filter(|it| !is_alias(it)).cloned());
        changed.extend(served::sources(state, scope));
    }
    let mut aliases = BTreeMap::new();
    if news.is_all || news.are_client_aliases {
        let gone = told.keys().filter(is_alias).cloned();
        aliases.extend(gone.map(|it| (it, None)));
        let known = served::client_aliases(state, scope).into_iter();
        aliases.extend(known.map(|(it, served)| (it, Some(served))));
    }
    let found = changed.into_iter().map(|it| {
        let served = served(state, scope, &it);
        (it, served)
    });
    found.chain(aliases).collect()
}

/// The names of a service of Cloud Map, with what resolvers answer.
pub fn names_served_by(state: &State, scope: &Scope, service_id: &str) -> BTreeMap<NameKey, Vec<RecordSet>> {
    let source = Source::Service(service_id.to_owned());
    served(state, scope, &source).unwrap_or_default().names
}

/// What is new of sources that were looked at; they are told from now on.
fn difference(told: &mut BTreeMap<Source, Served>, found: Vec<(Source, Option<Served>)>) -> NamesMessage {
    let mut message = NamesMessage::default();
    for (source, now) in found {
        let before = match &now {
            Some(it) => told.insert(source, it.clone()),
            None => told.remove(&source),
        };
        add(&mut message, before.unwrap_or_default(), now.unwrap_or_default());
    }
    message
}

fn add(message: &mut NamesMessage, before: Served, now: Served) {
    if before.vpc != now.vpc {
        match now.vpc {
            Some(vpc) => message.vpcs.push(vpc),
            None => message.gone_vpcs.extend(before.vpc.map(|it| it.id)),
        }
    }
    if before.zone != now.zone {
        match now.zone {
            Some(zone) => message.zones.push(zone),
            None => message.gone_zones.extend(before.zone.map(|it| it.id)),
        }
    }
    let is_gone = |key: &NameKey| !now.names.contains_key(key);
    message
        .gone_names
        .extend(before.names.keys().filter(|it| is_gone(it)).cloned());
    for (key, sets) in now.names {
        if before.names.get(&key) != Some(&sets) {
            message.names.push(ServedName { key, sets });
        }
    }
}

#[cfg(test)]
mod tests;
