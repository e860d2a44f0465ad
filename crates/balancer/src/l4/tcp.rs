//! Connections passed on byte for byte.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;

use crate::site::Site;

/// Serves a connection until it ends.
pub(crate) async fn serve(_site: Arc<Site>, _stream: TcpStream, _peer: SocketAddr) {}
