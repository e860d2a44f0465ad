//! The set of DHCP options that every account has in every region.

use std::sync::Arc;

use domain::Scope;
use domain::dhcp_options::DhcpOptions;
use domain::vpc::Vpc;
use store::Tx;

/// The default set, which is made if there is none; VPCs that use no set then, use it.
pub(in crate::transitions) fn ensure_default_dhcp_options(
    tx: &mut Tx<'_>,
    scope: &Scope,
) -> Arc<DhcpOptions> {
    let sets: Vec<Arc<DhcpOptions>> = tx.state().dhcp_options(scope).cloned().collect();
    if let Some(known) = sets.iter().find(|it| it.is_default) {
        return Arc::clone(known);
    }
    let uses_none = |it: &&Arc<Vpc>| !sets.iter().any(|set| set.vpc_ids.contains(&it.id));
    let vpcs = tx.state().vpcs(scope).filter(uses_none);
    let vpc_ids = vpcs.map(|it| it.id.clone()).collect();
    let id = tx.ids().ec2("dopt");
    tx.put(DhcpOptions::default_of(id, scope.clone(), vpc_ids))
}
