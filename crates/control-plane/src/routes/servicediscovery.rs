//! Which handler serves which operation of AWS Cloud Map.

use api::servicediscovery as sd;

use super::Routes;
use crate::handlers::servicediscovery as cloud_map;

impl Routes {
    pub(super) fn servicediscovery(&mut self) {
        self.on::<sd::CreateHttpNamespace, _, _>(cloud_map::create_http_namespace);
        self.on::<sd::CreatePrivateDnsNamespace, _, _>(cloud_map::create_private_dns_namespace);
        self.on::<sd::CreatePublicDnsNamespace, _, _>(cloud_map::create_public_dns_namespace);
        self.on::<sd::CreateService, _, _>(cloud_map::create_service);
        self.on::<sd::DeleteNamespace, _, _>(cloud_map::delete_namespace);
        self.on::<sd::DeleteService, _, _>(cloud_map::delete_service);
        self.on::<sd::DeleteServiceAttributes, _, _>(cloud_map::delete_service_attributes);
        self.on::<sd::DeregisterInstance, _, _>(cloud_map::deregister_instance);
        self.on::<sd::DiscoverInstances, _, _>(cloud_map::discover_instances);
        self.on::<sd::DiscoverInstancesRevision, _, _>(cloud_map::discover_instances_revision);
        self.on::<sd::GetInstance, _, _>(cloud_map::get_instance);
        self.on::<sd::GetInstancesHealthStatus, _, _>(cloud_map::get_instances_health_status);
        self.on::<sd::GetNamespace, _, _>(cloud_map::get_namespace);
        self.on::<sd::GetOperation, _, _>(cloud_map::get_operation);
        self.on::<sd::GetService, _, _>(cloud_map::get_service);
        self.on::<sd::GetServiceAttributes, _, _>(cloud_map::get_service_attributes);
        self.on::<sd::ListInstances, _, _>(cloud_map::list_instances);
        self.on::<sd::ListNamespaces, _, _>(cloud_map::list_namespaces);
        self.on::<sd::ListOperations, _, _>(cloud_map::list_operations);
        self.on::<sd::ListServices, _, _>(cloud_map::list_services);
        self.on::<sd::ListTagsForResource, _, _>(cloud_map::list_tags_for_resource);
        self.on::<sd::RegisterInstance, _, _>(cloud_map::register_instance);
        self.on::<sd::TagResource, _, _>(cloud_map::tag_resource);
        self.on::<sd::UntagResource, _, _>(cloud_map::untag_resource);
        self.on::<sd::UpdateHttpNamespace, _, _>(cloud_map::update_http_namespace);
        self.on::<sd::UpdateInstanceCustomHealthStatus, _, _>(
            cloud_map::update_instance_custom_health_status,
        );
        self.on::<sd::UpdatePrivateDnsNamespace, _, _>(cloud_map::update_private_dns_namespace);
        self.on::<sd::UpdatePublicDnsNamespace, _, _>(cloud_map::update_public_dns_namespace);
        self.on::<sd::UpdateService, _, _>(cloud_map::update_service);
        self.on::<sd::UpdateServiceAttributes, _, _>(cloud_map::update_service_attributes);
    }
}
