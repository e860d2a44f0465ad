//! Operations that are refused as a whole, as AWS refuses what an account may not use: what they need is not built.

use api::{ecs, elbv2};
use wire::Operation;

use super::{Routes, name};
use crate::handlers::elbv2::not_permitted;

mod acm;

/// Why the operations of daemons are refused.
const DAEMONS: &str = "daemons run on managed instances, which Gantry does not have yet";
/// Why the operations of Express gateway services are refused.
const EXPRESS: &str = "Express gateway services are not built yet";

/// Why the operations of trust stores are refused.
const TRUST_STORES: &str = "trust stores, by which clients are known, are not built yet";
/// Why the operations of pools of addresses are refused.
const POOLS: &str = "there are no pools of addresses";

/// A refusal, by what the model lists for the operation.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refusal {
    /// UnsupportedFeatureException.
    Unsupported(&'static str),
    /// ClientException, which stands for actions that the caller may not use; for operations that do not model the other.
    Client(&'static str),
}

/// An operation that only refuses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused {
    /// What is missing.
    pub why: &'static str,
    /// The exception, by the name that the model lists.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test compares it with the model"))]
    pub exception: &'static str,
}

impl Refusal {
    /// The name of the exception.
    fn exception(self) -> &'static str {
        match self {
            Self::Unsupported(_) => "UnsupportedFeatureException",
            Self::Client(_) => "ClientException",
        }
    }

    /// What is missing.
    fn why(self) -> &'static str {
        match self {
            Self::Unsupported(why) | Self::Client(why) => why,
        }
    }

    /// The exception.
    fn error(self) -> ecs::Error {
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

    /// The same of load balancing.
    pub(super) fn refused_elbv2(&mut self) {
        self.refuse_elbv2::<elbv2::AddTrustStoreRevocations>(TRUST_STORES);
        self.refuse_elbv2::<elbv2::CreateTrustStore>(TRUST_STORES);
        self.refuse_elbv2::<elbv2::DeleteSharedTrustStoreAssociation>(TRUST_STORES);
        self.refuse_elbv2::<elbv2::DeleteTrustStore>(TRUST_STORES);
        self.refuse_elbv2::<elbv2::DescribeTrustStoreAssociations>(TRUST_STORES);
        self.refuse_elbv2::<elbv2::DescribeTrustStoreRevocations>(TRUST_STORES);
        self.refuse_elbv2::<elbv2::DescribeTrustStores>(TRUST_STORES);
        self.refuse_elbv2::<elbv2::GetResourcePolicy>(TRUST_STORES);
        self.refuse_elbv2::<elbv2::GetTrustStoreCaCertificatesBundle>(TRUST_STORES);
        self.refuse_elbv2::<elbv2::GetTrustStoreRevocationContent>(TRUST_STORES);
        self.refuse_elbv2::<elbv2::ModifyTrustStore>(TRUST_STORES);
        self.refuse_elbv2::<elbv2::RemoveTrustStoreRevocations>(TRUST_STORES);
        self.refuse_elbv2::<elbv2::ModifyIpPools>(POOLS);
    }

    fn refuse_elbv2<O: Operation<Error = elbv2::Error>>(&mut self, why: &'static str) {
        self.on::<O, _, _>(move |_| async move {
            Err(not_permitted(format!("This operation is not allowed: {why}.")))
        });
        let refused = Refused {
            why,
            exception: "OperationNotPermittedException",
        };
        self.refusals.insert((name(O::SERVICE), O::NAME), refused);
    }

    fn refuse<O: Operation<Error = ecs::Error>>(&mut self, refusal: Refusal) {
        self.on::<O, _, _>(move |_| async move { Err(refusal.error()) });
        let refused = Refused {
            why: refusal.why(),
            exception: refusal.exception(),
        };
        self.refusals.insert((name(O::SERVICE), O::NAME), refused);
    }
}
