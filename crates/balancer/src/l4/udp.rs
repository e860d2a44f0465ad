//! Datagrams passed on.

use std::sync::Arc;

use tokio::net::UdpSocket;

use crate::site::Site;

/// Serves a socket until its site stops.
pub(crate) async fn serve(site: Arc<Site>, _socket: UdpSocket) {
    site.stop.cancelled().await;
}
