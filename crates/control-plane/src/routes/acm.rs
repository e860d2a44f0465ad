//! Which handler serves which operation of Certificate Manager.

use api::acm;

use super::Routes;
use crate::handlers::acm as certificates;

impl Routes {
    pub(super) fn acm(&mut self) {
        self.on::<acm::AddTagsToCertificate, _, _>(certificates::add_tags_to_certificate);
        self.on::<acm::DeleteCertificate, _, _>(certificates::delete_certificate);
        self.on::<acm::DescribeCertificate, _, _>(certificates::describe_certificate);
        self.on::<acm::GetCertificate, _, _>(certificates::get_certificate);
        self.on::<acm::ImportCertificate, _, _>(certificates::import_certificate);
        self.on::<acm::ListCertificates, _, _>(certificates::list_certificates);
        self.on::<acm::ListTagsForCertificate, _, _>(certificates::list_tags_for_certificate);
        self.on::<acm::ListTagsForResource, _, _>(certificates::list_tags_for_resource);
        self.on::<acm::RemoveTagsFromCertificate, _, _>(certificates::remove_tags_from_certificate);
        self.on::<acm::TagResource, _, _>(certificates::tag_resource);
        self.on::<acm::UntagResource, _, _>(certificates::untag_resource);
    }
}
