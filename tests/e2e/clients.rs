//! Clients that ask a load balancer all the time, and a server that tells them which revision it is.

use std::path::PathBuf;
use std::process::{Child, Stdio};

use anyhow::{Result, ensure};
use test_support::wait;

use crate::world::{DEADLINE, World};

/// Ends at once when it is told to: whoever is still being served then gets no answer. Its page says which revision it
/// is, and one page takes a while.
pub const SERVE: &str = "\
    mkdir -p /tmp/www/cgi-bin; echo \"revision $REVISION\" > /tmp/www/index.html; \
    printf '#!/bin/sh\\nsleep 0.3\\nprintf \"Content-Type: text/plain\\\\r\\\\n\\\\r\\\\nrevision %s\\\\n\"' $REVISION \
        > /tmp/www/cgi-bin/slow; \
    busybox chmod +x /tmp/www/cgi-bin/slow; \
    httpd -f -p 80 -h /tmp/www & server=$!; \
    trap 'kill -9 $server; exit 0' TERM; \
    wait $server";

/// Four threads each ask the load balancer over and over: half of the time on a connection of its own. Nothing is tried
/// twice. Each answer is a line of a file. Ends with the standard input; says what failed.
const CLIENT: &str = r#"
import http.client, json, random, sys, threading
address, answers = sys.argv[1], open(sys.argv[2], "a", buffering=1)
ended = threading.Event()
failures, lock = [], threading.Lock()

def ask():
    connection = None
    while not ended.wait(0.01):
        path = random.choice(["/", "/", "/", "/cgi-bin/slow"])
        connection = connection or http.client.HTTPConnection(address, 80, timeout=20)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read().decode().strip()
            assert answer.status == 200 and body.startswith("revision "), f"{answer.status} {body!r}"
            with lock:
                answers.write(body + "\n")
            if random.random() < 0.5:
                connection.close()
                connection = None
        except Exception as error:
            with lock:
                failures.append(f"{path}: {error!r}")
            connection.close()
            connection = None

threads = [threading.Thread(target=ask) for _ in range(4)]
for thread in threads:
    thread.start()
sys.stdin.read()
ended.set()
for thread in threads:
    thread.join()
print(json.dumps(failures))
"#;

/// Answers that each revision has given at least, for the silence about failures to mean something.
const ENOUGH: usize = 50;

/// Threads that ask.
pub struct Client {
    process: Child,
    /// Where they put their answers.
    answers: PathBuf,
}

impl Client {
    pub fn start(world: &World, address: &str) -> Result<Self> {
        let answers = world.gantry.scratch().join("answers");
        let mut command = world.aws.program("python3");
        command.args(["-c", CLIENT, address]);
        command.arg(&answers).stdin(Stdio::piped());
        let process = command.stdout(Stdio::piped()).spawn()?;
        Ok(Self { process, answers })
    }

    /// Until they have got enough answers of a revision.
    pub fn await_enough(&self, revision: &str) -> Result<()> {
        wait::until(&format!("answers of {revision}"), DEADLINE, || {
            let answers = std::fs::read_to_string(&self.answers).unwrap_or_default();
            let count = answers.lines().filter(|it| *it == revision).count();
            Ok((count >= ENOUGH).then_some(()))
        })
    }

    /// Ends them; a request that has failed is an error.
    pub fn end(mut self) -> Result<()> {
        drop(self.process.stdin.take());
        let output = self.process.wait_with_output()?;
        let failures = String::from_utf8_lossy(&output.stdout);
        ensure!(failures.trim() == "[]", "{failures}");
        Ok(())
    }
}
