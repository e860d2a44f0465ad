use super::*;

#[test]
fn ports_that_listen_are_read_from_the_tables_of_sockets() {
    let header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n";
    let four = format!(
        "{header}   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n\
         \x20  1: 0100007F:0050 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0\n"
    );
    let six = format!(
        "{header}   0: 00000000000000000000000000000000:01BB 00000000000000000000000000000000:0000 0A 0:0 0:0 0\n\
         nonsense\n"
    );
    let ports: Vec<u16> = listening(&[four, six]).into_iter().collect();
    assert_eq!(ports, [443, 8080]);
    assert!(listening(&[String::new()]).is_empty());
}

#[test]
fn loopback_comes_first_and_then_the_addresses_of_the_container() {
    let routes =
        "Local:\n     |-- 127.0.0.1\n        /32 host LOCAL\n     |-- 172.31.0.9\n        /32 host LOCAL\n";
    let all: Vec<String> = candidates(routes, 80).iter().map(ToString::to_string).collect();
    assert_eq!(all, ["127.0.0.1:80", "[::1]:80", "172.31.0.9:80"]);
}
