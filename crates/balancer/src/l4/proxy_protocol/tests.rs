use super::{Transport, header};

fn bytes(client: &str, local: &str) -> Vec<u8> {
    header(
        Transport::Stream,
        client.parse().expect("an address"),
        local.parse().expect("an address"),
    )
}

#[test]
fn headers_are_as_the_specification_has_them() {
    let four = bytes("192.0.2.1:258", "10.0.0.1:443");
    assert_eq!(four[..12], [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]);
    assert_eq!(
        four[12..],
        [0x21, 0x11, 0, 12, 192, 0, 2, 1, 10, 0, 0, 1, 1, 2, 1, 187]
    );
    let six = bytes("[2001:db8::1]:258", "[::1]:443");
    assert_eq!((six.len(), &six[12..16]), (52, [0x21, 0x21, 0, 36].as_slice()));
    let mapped = bytes("[::ffff:192.0.2.1]:258", "10.0.0.1:443");
    assert_eq!(mapped, four);
    let [client, local] = ["192.0.2.1:258", "10.0.0.1:443"].map(|it| it.parse().expect("an address"));
    let datagrams = header(Transport::Datagrams, client, local);
    assert_eq!((datagrams[13], &datagrams[14..]), (0x12, &four[14..]));
}
