//! Operations that are refused as a whole, as AWS refuses what an account may not use: what they need is not built.

use api::ecs;
use wire::Operation;

use super::Routes;

/// Why the operations of daemons are refused.
const DAEMONS: &str = "daemons run on managed instances, which Gantry does not have yet";
/// Why the operations of Express gateway services are refused.
const EXPRESS: &str = "Express gateway services need load balancers, which Gantry does not have yet";

/// A refusal, by what the model lists for the operation.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refusal {
    /// UnsupportedFeatureException.
    Unsupported(&'static str),
    /// ClientException, which stands for actions that the caller may not use; for operations that do not model the other.
    Client(&'static str),
}

impl Refusal {
    /// What is missing.
    pub(super) fn why(self) -> &'static str {
        match self {
            Self::Unsupported(why) | Self::Client(why) => why,
        }
    }

    /// The exception.
    pub(super) fn error(self) -> ecs::Error {
        let message = Some(format!("The specified feature is not supported: {}.", self.why()));
        match self {
            Self::Unsupported(_) => {
                ecs::Error::UnsupportedFeatureException(ecs::UnsupportedFeatureException { message })
            }
            Self::Client(_) => ecs::Error::ClientException(ecs::ClientException { message }),
        }
    }
}

impl Routes {
    /// Each is decoded first, so that wrong input is answered as by an operation that is built.
    pub(super) fn refused(&mut self) {
        self.refuse::<ecs::CreateDaemon>(Refusal::Unsupported(DAEMONS));
        self.refuse::<ecs::DeleteDaemon>(Refusal::Unsupported(DAEMONS));
        self.refuse::<ecs::DeleteDaemonTaskDefinition>(Refusal::Client(DAEMONS));
        self.refuse::<ecs::DescribeDaemon>(Refusal::Unsupported(DAEMONS));
        self.refuse::<ecs::DescribeDaemonDeployments>(Refusal::Unsupported(DAEMONS));
        self.refuse::<ecs::DescribeDaemonRevisions>(Refusal::Unsupported(DAEMONS));
        self.refuse::<ecs::DescribeDaemonTaskDefinition>(Refusal::Client(DAEMONS));
        self.refuse::<ecs::ListDaemonDeployments>(Refusal::Unsupported(DAEMONS));
        self.refuse::<ecs::ListDaemonTaskDefinitions>(Refusal::Client(DAEMONS));
        self.refuse::<ecs::ListDaemons>(Refusal::Unsupported(DAEMONS));
        self.refuse::<ecs::RegisterDaemonTaskDefinition>(Refusal::Client(DAEMONS));
        self.refuse::<ecs::UpdateDaemon>(Refusal::Unsupported(DAEMONS));
        self.refuse::<ecs::CreateExpressGatewayService>(Refusal::Unsupported(EXPRESS));
        self.refuse::<ecs::DeleteExpressGatewayService>(Refusal::Unsupported(EXPRESS));
        self.refuse::<ecs::DescribeExpressGatewayService>(Refusal::Unsupported(EXPRESS));
        self.refuse::<ecs::UpdateExpressGatewayService>(Refusal::Unsupported(EXPRESS));
    }

    fn refuse<O: Operation<Error = ecs::Error>>(&mut self, refusal: Refusal) {
        self.on::<O, _, _>(move |_| async move { Err(refusal.error()) });
        self.refusals.insert((O::SERVICE.signing_name, O::NAME), refusal);
    }
}
