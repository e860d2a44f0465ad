//! How the others are set up: one worker, no access log, connections to the target kept, the same facts of the client
//! told to the target, the same version of TLS and the same key, room for all idle connections.

use super::Site;

/// Connections that each may have, to clients and to the target.
const CONNECTIONS: u32 = 12_000;

pub(super) fn nginx(site: &Site<'_>) -> String {
    let (http, https, tcp) = (site.port, site.port + 1, site.port + 2);
    let target = site.target;
    let (chain, key) = (site.secrets.chain.display(), site.secrets.key.display());
    let folder = site.folder.display();
    format!(
        "load_module /usr/lib/nginx/modules/ngx_stream_module.so;
user root;
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log warn;
events {{ worker_connections {CONNECTIONS}; }}
http {{
  access_log off;
  keepalive_timeout 300s;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream target {{ server {target}; keepalive 256; keepalive_requests 1000000000; keepalive_timeout 300s; }}
  server {{
    listen 127.0.0.1:{http} backlog=4096;
    listen 127.0.0.1:{https} ssl backlog=4096;
    ssl_certificate {chain};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.3;
    location / {{
      proxy_pass http://target;
      proxy_http_version 1.1;
      proxy_buffers 16 8k;
      proxy_max_temp_file_size 0;
      proxy_set_header Connection \"\";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Port $server_port;
    }}
  }}
}}
stream {{
  server {{
    listen 127.0.0.1:{tcp} backlog=4096;
    proxy_timeout 350s;
    proxy_pass {target};
  }}
}}
"
    )
}

pub(super) fn haproxy(site: &Site<'_>) -> String {
    let (http, https, tcp) = (site.port, site.port + 1, site.port + 2);
    let target = site.target;
    let both = site.secrets.both.display();
    format!(
        "global
  nbthread 1
  no strict-limits
  maxconn {CONNECTIONS}
  ssl-default-bind-options ssl-min-ver TLSv1.3
defaults
  timeout connect 10s
  timeout client 300s
  timeout server 300s
  timeout http-keep-alive 300s
frontend web
  mode http
  maxconn {CONNECTIONS}
  bind 127.0.0.1:{http} backlog 4096
  bind 127.0.0.1:{https} ssl crt {both} alpn http/1.1 backlog 4096
  option forwardfor
  http-request set-header X-Forwarded-Proto http unless {{ ssl_fc }}
  http-request set-header X-Forwarded-Proto https if {{ ssl_fc }}
  http-request set-header X-Forwarded-Port %[dst_port]
  default_backend web
backend web
  mode http
  http-reuse always
  server target {target}
listen raw
  mode tcp
  maxconn {CONNECTIONS}
  bind 127.0.0.1:{tcp} backlog 4096
  timeout client 350s
  timeout server 350s
  option splice-auto
  server target {target}
"
    )
}

pub(super) fn envoy(site: &Site<'_>) -> String {
    let (chain, key) = (site.secrets.chain.display(), site.secrets.key.display());
    let tls = format!(
        "
      transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context:
            tls_params: {{ tls_minimum_protocol_version: TLSv1_3 }}
            alpn_protocols: [http/1.1]
            tls_certificates:
            - certificate_chain: {{ filename: {chain} }}
              private_key: {{ filename: {key} }}"
    );
    let listeners = [
        listener(site.port, HTTP_FILTER, ""),
        listener(site.port + 1, HTTP_FILTER, &tls),
        listener(site.port + 2, TCP_FILTER, ""),
    ];
    format!(
        "static_resources:
  listeners:{}
  clusters:
  - name: target
    type: STATIC
    connect_timeout: 10s
    circuit_breakers:
      thresholds:
      - {{ max_connections: {CONNECTIONS}, max_pending_requests: {CONNECTIONS}, max_requests: {CONNECTIONS} }}
    load_assignment:
      cluster_name: target
      endpoints:
      - lb_endpoints:
        - endpoint: {{ address: {{ socket_address: {{ address: {}, port_value: {} }} }} }}
",
        listeners.concat(),
        site.target.ip(),
        site.target.port()
    )
}

const HTTP_FILTER: &str = "
        - name: envoy.filters.network.http_connection_manager
          typed_config:
            \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
            stat_prefix: web
            use_remote_address: true
            common_http_protocol_options: { idle_timeout: 300s }
            route_config:
              virtual_hosts:
              - name: web
                domains: [\"*\"]
                routes:
                - match: { prefix: / }
                  route: { cluster: target }
            http_filters:
            - name: envoy.filters.http.router
              typed_config:
                \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";

const TCP_FILTER: &str = "
        - name: envoy.filters.network.tcp_proxy
          typed_config:
            \"@type\": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
            stat_prefix: raw
            idle_timeout: 350s
            cluster: target";

fn listener(port: u16, filter: &str, transport: &str) -> String {
    format!(
        "
  - address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }}
    filter_chains:
    - filters:{filter}{transport}"
    )
}
