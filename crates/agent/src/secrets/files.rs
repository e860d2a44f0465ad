//! Files out of S3, read with the execution role: those with variables, and those that log routers include.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{ATTEMPT_PAUSE, ATTEMPTS, Secrets, Values};
use crate::control_plane::GetObjectError;
use crate::credentials::RoleType;
use crate::environment_files::variables;
use crate::s3_object::S3Object;
use crate::tasks::task::Task;

/// What every reason begins with.
const FAILED: &str = "failed to download env files: file download command: non empty error stream";

type Variables = BTreeMap<String, String>;

impl Secrets {
    /// Adds what is in the files of each container.
    ///
    /// # Errors
    /// A reason in Amazon's words, which names no value.
    pub(super) async fn add_files(&self, task: &Task, values: &mut Values) -> Result<(), String> {
        let containers = task.containers.iter().map(|it| &it.environment_files.files);
        let mut known: BTreeMap<&S3Object, Variables> = BTreeMap::new();
        for (files, values) in containers.zip(values) {
            for file in files {
                if !known.contains_key(file) {
                    let read = self.object(task, file).await;
                    let read = read.and_then(|it| variables(&it).map_err(|it| it.to_string()));
                    let read = read.map_err(|text| format!("{FAILED}: {text} ({})", file.arn))?;
                    known.insert(file, read);
                }
                for (name, value) in known.get(file).into_iter().flatten() {
                    let first = values.file_environment.entry(name.clone());
                    first.or_insert_with(|| value.clone());
                }
            }
        }
        Ok(())
    }

    /// Reads an object with the execution role of a task, with a few attempts.
    ///
    /// # Errors
    /// What S3 says, as Amazon's agent prints it.
    pub async fn object(&self, task: &Task, object: &S3Object) -> Result<Bytes, String> {
        let role = self.credentials.wait_for(&task.arn, RoleType::Execution).await;
        let role = role.ok_or("unable to retrieve credentials of the execution role")?;
        let region = task.arn.split(':').nth(3).unwrap_or_default();
        let mut pause = ATTEMPT_PAUSE;
        for attempt in 1.. {
            match self.control_plane.get_object(&role, region, object).await {
                Ok(content) => return Ok(content),
                Err(error) if error.is_transient() && attempt < ATTEMPTS => {}
                Err(GetObjectError::Refused(it)) => {
                    return Err(format!("{}: {} status code: {}", it.code, it.message, it.status));
                }
                Err(other) => return Err(other.to_string()),
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Err("too many attempts".to_owned())
    }
}
