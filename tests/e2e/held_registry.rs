//! A registry on loopback that holds back the last layer of an image until a test lets it go.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use anyhow::{Context, Result};
use serde_json::json;
use test_support::{sample_image, sha256};

use crate::world::DEADLINE;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Serves the sample image with one more layer, until the test ends.
pub struct HeldRegistry {
    address: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// Answers by the end of the path, with their type.
    answers: Mutex<HashMap<String, (&'static str, Vec<u8>)>>,
    gate: Mutex<Gate>,
    changed: Condvar,
}

#[derive(Default)]
struct Gate {
    /// Digest of the layer that is held back.
    held: Option<String>,
    /// Who waits for it.
    waiting: usize,
}

impl HeldRegistry {
    /// Serves on a free port.
    pub fn serve() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let state = Arc::new(State::default());
        let serving = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = serving.clone();
                // A client that is killed meanwhile is what the tests are about.
                std::thread::spawn(move || drop(state.answer(stream)));
            }
        });
        Ok(Self { address, state })
    }

    /// Adds an image whose last layer is held back; answers its reference.
    pub fn hold(&self, tag: &str) -> Result<String> {
        let layers = [
            sample_image::layer()?,
            sample_image::layer_of("tag", tag.as_bytes())?,
        ];
        let config = sample_image::config(&[&layers[0], &layers[1]])?;
        let descriptor = |kind: &str, bytes: &[u8]| {
            json!({ "mediaType": format!("application/vnd.oci.image.{kind}"), "size": bytes.len(),
                "digest": sha256(bytes) })
        };
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": descriptor("config.v1+json", &config),
            "layers": layers.each_ref().map(|it| descriptor("layer.v1.tar", it)),
        });
        let manifest = serde_json::to_vec(&manifest)?;
        let held = sha256(&layers[1]);
        let mut answers = self.state.answers.lock().unwrap_or_else(PoisonError::into_inner);
        for name in [tag.to_owned(), sha256(&manifest)] {
            answers.insert(format!("/manifests/{name}"), (MANIFEST, manifest.clone()));
        }
        for blob in layers.into_iter().chain([config]) {
            answers.insert(
                format!("/blobs/{}", sha256(&blob)),
                ("application/octet-stream", blob),
            );
        }
        let mut gate = self.state.gate.lock().unwrap_or_else(PoisonError::into_inner);
        *gate = Gate {
            held: Some(held),
            waiting: 0,
        };
        Ok(format!("{}/app:{tag}", self.address))
    }

    /// Waits until somebody has asked for the layer, since it was held or last let go of.
    pub fn await_asked(&self) -> Result<()> {
        let gate = self.state.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = self
            .state
            .changed
            .wait_timeout_while(gate, DEADLINE, |it| it.waiting == 0);
        let (mut gate, late) = asked.unwrap_or_else(PoisonError::into_inner);
        gate.waiting = 0;
        anyhow::ensure!(!late.timed_out(), "nobody asks for the layer");
        Ok(())
    }

    /// Gives the layer to everybody who waits for it.
    pub fn release(&self) {
        self.state
            .gate
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .held = None;
        self.state.changed.notify_all();
    }
}

impl State {
    fn answer(&self, stream: TcpStream) -> Result<()> {
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        let request = lines.next().context("a request")??;
        for line in lines {
            if line?.is_empty() {
                break;
            }
        }
        let path = request.split(' ').nth(1).unwrap_or_default();
        let path = path.split('?').next().unwrap_or_default();
        self.pass(path);
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let found = answers.iter().find(|(end, _)| path.ends_with(end.as_str()));
        let found = found.map(|(_, answer)| answer.clone());
        drop(answers);
        let (status, kind, body) = match found {
            _ if path == "/v2/" => ("200 OK", "application/json", b"{}".to_vec()),
            Some((kind, body)) => ("200 OK", kind, body),
            None => ("404 Not Found", "application/json", b"{}".to_vec()),
        };
        let digest = sha256(&body);
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nDocker-Content-Digest: {digest}\r\n\
             Connection: close\r\n\r\n",
            body.len()
        );
        let mut stream = stream;
        stream.write_all(head.as_bytes())?;
        if !request.starts_with("HEAD ") {
            stream.write_all(&body)?;
        }
        Ok(())
    }

    /// Waits if this is what is held back.
    fn pass(&self, path: &str) {
        let mut gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let is_held = |gate: &Gate| gate.held.as_ref().is_some_and(|it| path.ends_with(it.as_str()));
        if !is_held(&gate) {
            return;
        }
        gate.waiting += 1;
        self.changed.notify_all();
        drop(
            self.changed
                .wait_timeout_while(gate, 2 * DEADLINE, |it| is_held(it)),
        );
    }
}
