//! Questions about certificates.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::certificate::Certificate;
use domain::classic_load_balancer::ClassicLoadBalancer;
use domain::{CertificateArn, LoadBalancerArn, Scope};

use super::State;

impl State {
    /// Certificates of a scope, by ARN.
    pub fn certificates(&self, scope: &Scope) -> impl Iterator<Item = &Arc<Certificate>> + use<'_> {
        let scope = scope.clone();
        let all = self.certificates.values();
        all.filter(move |it| it.arn.scope() == scope)
    }

    /// The load balancers whose listeners show a certificate. All listeners are looked at: who asks is a rare call.
    pub fn load_balancers_with(&self, certificate: &CertificateArn) -> BTreeSet<LoadBalancerArn> {
        let shows = |it: &str| it == certificate.as_str();
        let listeners = self.listeners.values();
        let listeners = listeners.filter(|it| it.certificates.iter().any(|it| shows(it)));
        let classic = self.all::<ClassicLoadBalancer>();
        let classic = classic.filter(|it| shown_by(it).any(shows));
        let classic = classic.map(|it| it.arn.clone());
        let others = listeners.map(|it| it.load_balancer.clone());
        others.chain(classic).collect()
    }

    /// The ARNs of all certificates that listeners of a scope show.
    pub fn certificates_in_use(&self, scope: &Scope) -> BTreeSet<String> {
        let listeners = self.listeners.values();
        let listeners = listeners.filter(|it| !it.certificates.is_empty() && it.arn.scope() == *scope);
        let classic = self.classic_load_balancers(scope);
        let classic = classic.flat_map(|it| shown_by(it).map(str::to_owned));
        let others = listeners.flat_map(|it| it.certificates.iter().cloned());
        others.chain(classic).collect()
    }
}

fn shown_by(it: &ClassicLoadBalancer) -> impl Iterator<Item = &str> {
    it.listeners.iter().filter_map(|it| it.certificate.as_deref())
}
