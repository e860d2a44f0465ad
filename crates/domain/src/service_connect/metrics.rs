//! What proxies count of a client alias: the metrics that Amazon has of Service Connect.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html>

use serde::{Deserialize, Serialize};

use crate::TargetGroupArn;

/// What a proxy has counted of a client alias since it began to serve it. All but the first only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceConnectMetrics {
    /// `ActiveConnectionCount`: connections of clients that there are now.
    pub active_connections: u64,
    /// `NewConnectionCount`: connections of clients that were accepted.
    pub new_connections: u64,
    /// `ProcessedBytes`: bytes on the connections of clients, both ways.
    pub processed_bytes: u64,
    /// `RequestCount`; nothing is a request to an endpoint of TCP.
    pub requests: u64,
    /// `HTTPCode_Target_2XX_Count` and its kin up to 5XX: answers of targets, those too after which another target was
    /// tried, and none of the proxy's own.
    pub target_answers: [u64; 4],
    /// `TargetResponseTime`: how many answers were measured.
    pub target_responses: u64,
    /// From a request on its way to the head of its answer, all together, in microseconds.
    pub target_response_microseconds: u64,
    /// The longest of them.
    pub target_response_microseconds_max: u64,
}

impl ServiceConnectMetrics {
    /// Adds what another proxy has counted of the same alias.
    pub fn add(&mut self, other: &Self) {
        let sums = [
            (&mut self.active_connections, other.active_connections),
            (&mut self.new_connections, other.new_connections),
            (&mut self.processed_bytes, other.processed_bytes),
            (&mut self.requests, other.requests),
            (&mut self.target_responses, other.target_responses),
            (
                &mut self.target_response_microseconds,
                other.target_response_microseconds,
            ),
        ];
        let answers = self.target_answers.iter_mut().zip(other.target_answers);
        for (own, its) in sums.into_iter().chain(answers) {
            *own = own.saturating_add(its);
        }
        self.target_response_microseconds_max = self
            .target_response_microseconds_max
            .max(other.target_response_microseconds_max);
    }
}

/// What a proxy has counted of one of its client aliases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientAliasMetrics {
    /// What the endpoints of the alias are called as a group.
    pub group: TargetGroupArn,
    /// Since the proxy began to serve it.
    pub metrics: ServiceConnectMetrics,
}
