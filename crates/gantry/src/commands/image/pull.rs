//! `gantry image pull`: shows how far each layer is.

use std::io::{IsTerminal, Read, Write};
use std::time::Duration;

use agent::host::{ImageCredentials, ImagePull, PullBehavior};
use anyhow::{Context, Result, bail};
use runtime::images::{Images, LayerProgress, LayerState, PullProgress};

use super::{mebibytes, short};
use crate::arguments::Pull;

/// From one look at the progress to the next.
const PERIOD: Duration = Duration::from_millis(200);

/// Pulls an image into the data directory.
pub fn pull(options: &Pull) -> Result<()> {
    let data_dir = options.place.data_dir()?;
    data_dir.create()?;
    let images = Images::open_with(&data_dir.images(), options.registries.registries()?)?;
    let pull = ImagePull {
        reference: options.reference.clone(),
        credentials: credentials(options)?,
        behavior: PullBehavior::Always,
        ..ImagePull::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let image = runtime.block_on(watched(&images, &pull));
    let image = image.with_context(|| format!("cannot pull {}", options.reference))?;
    println!("Pulled: {} {}", options.reference, short(&image.id));
    Ok(())
}

/// The password does not stand on the command line, where every user of the machine sees it.
fn credentials(options: &Pull) -> Result<Option<ImageCredentials>> {
    let Some(username) = options.username.clone() else {
        return Ok(None);
    };
    if !options.password_stdin {
        bail!("--username needs --password-stdin, e.g. aws ecr get-login-password | gantry image pull …");
    }
    let mut password = String::new();
    std::io::stdin().read_to_string(&mut password)?;
    let password = password.trim_end_matches(['\r', '\n']).to_owned();
    Ok(Some(ImageCredentials { username, password }))
}

async fn watched(images: &Images, pull: &ImagePull) -> Result<runtime::images::Image> {
    let progress = PullProgress::default();
    let pulling = images.pull_image(pull, &progress);
    tokio::pin!(pulling);
    let mut screen = Screen::default();
    let mut ticks = tokio::time::interval(PERIOD);
    loop {
        tokio::select! {
            biased;
            pulled = pulling.as_mut() => {
                screen.show(&progress);
                return Ok(pulled?);
            }
            _ = ticks.tick() => screen.show(&progress),
        }
    }
}

/// A line for each layer: written over on a terminal, once when it is done elsewhere.
#[derive(Default)]
struct Screen {
    lines: usize,
    done: Vec<String>,
}

impl Screen {
    fn show(&mut self, progress: &PullProgress) {
        let layers = progress.layers();
        let mut out = std::io::stdout();
        if out.is_terminal() {
            // Up to the first line, and each line anew.
            let up = if self.lines > 0 {
                format!("\x1b[{}A", self.lines)
            } else {
                String::new()
            };
            let text: String = layers.iter().map(|it| format!("\x1b[2K{}\n", line(it))).collect();
            let _closed = write!(out, "{up}{text}");
            self.lines = layers.len();
            return;
        }
        for layer in layers {
            let is_done = matches!(layer.state(), LayerState::Done | LayerState::AlreadyThere);
            if is_done && !self.done.contains(&layer.digest) {
                let _closed = writeln!(out, "{}", line(&layer));
                self.done.push(layer.digest.clone());
            }
        }
    }
}

fn line(layer: &LayerProgress) -> String {
    let total = mebibytes(layer.total);
    let what = match layer.state() {
        LayerState::Waiting => "waiting".to_owned(),
        LayerState::Receiving => {
            let percent = layer.received() * 100 / layer.total.max(1);
            format!(
                "{:>3} %  {:.1} of {total:.1} MiB",
                percent.min(100),
                mebibytes(layer.received())
            )
        }
        LayerState::Done => format!("done   {total:.1} MiB"),
        LayerState::AlreadyThere => "already here".to_owned(),
    };
    format!("{} {what}", short(&layer.digest))
}
