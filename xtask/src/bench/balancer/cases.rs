//! What is asked of each load balancer.

/// What a listener speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// HTTP.
    Http,
    /// HTTP within TLS 1.3.
    Https,
    /// Bytes that are passed on.
    Tcp,
}

/// How long connections live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connections {
    /// As long as the turn.
    Kept,
    /// One request each.
    New,
}

/// One kind of load.
pub struct Case {
    /// Its name on the command line.
    pub name: &'static str,
    /// What tables say.
    pub what: &'static str,
    /// Where it knocks.
    pub door: Door,
    /// How long connections live.
    pub connections: Connections,
    /// Connections at one time.
    pub count: usize,
    /// Bytes of each answer.
    pub size: usize,
    /// Processor time as a share of that of the best of the others.
    pub aim: f64,
}

const KIB: usize = 1024;

/// All of them.
pub const CASES: [Case; 7] = [
    Case {
        name: "small",
        what: "HTTP, kept alive, 1 KiB",
        door: Door::Http,
        connections: Connections::Kept,
        count: 32,
        size: KIB,
        aim: 0.90,
    },
    Case {
        name: "large",
        what: "HTTP, kept alive, 64 KiB",
        door: Door::Http,
        connections: Connections::Kept,
        count: 32,
        size: 64 * KIB,
        aim: 0.90,
    },
    Case {
        name: "new",
        what: "HTTP, a new connection for each, 1 KiB",
        door: Door::Http,
        connections: Connections::New,
        count: 32,
        size: KIB,
        aim: 0.90,
    },
    Case {
        name: "tls",
        what: "HTTPS, kept alive, 1 KiB",
        door: Door::Https,
        connections: Connections::Kept,
        count: 32,
        size: KIB,
        aim: 0.90,
    },
    Case {
        name: "tls-new",
        what: "HTTPS, a full handshake for each, 1 KiB",
        door: Door::Https,
        connections: Connections::New,
        count: 32,
        size: KIB,
        aim: 0.90,
    },
    Case {
        name: "tcp",
        what: "TCP, 1 KiB",
        door: Door::Tcp,
        connections: Connections::Kept,
        count: 32,
        size: KIB,
        aim: 0.88,
    },
    Case {
        name: "tcp-bulk",
        what: "TCP, 1 MiB",
        door: Door::Tcp,
        connections: Connections::Kept,
        count: 8,
        size: KIB * KIB,
        aim: 0.55,
    },
];
