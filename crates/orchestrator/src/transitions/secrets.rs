//! The end of a secret.

use domain::Scope;
use domain::secret::{Secret, SecretVersion};
use store::Tx;

/// Forgets a secret and all its versions.
pub fn forget_secret(tx: &mut Tx<'_>, scope: &Scope, name: &str) {
    let versions = tx.state().secret_versions(scope, name);
    let versions: Vec<String> = versions.map(|it| it.id.clone()).collect();
    for id in versions {
        tx.delete::<SecretVersion>(&(scope.clone(), name.to_owned(), id));
    }
    tx.delete::<Secret>(&(scope.clone(), name.to_owned()));
}
