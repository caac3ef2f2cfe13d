//! What Java says, read; what it is told, written. The samples are what an `ObjectOutputStream` of Java 17 writes.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use super::read::{HEAD, Reader, Value};
use super::rmi::{Connection, Reference};
use super::write::{Argument, Writer};
use super::{said, texts};

/// An `MBeanException` around an `IOException`.
const THROWN: &str = include_str!("samples/exception.hex");
/// An `ArrayList` of `shop` and `system`.
const LIST: &str = include_str!("samples/list.hex");
/// A `MarshalledObject` of `ostler`, an empty array of strings, `true`, and a `HashSet` of `/srv/ü😀` and a NUL.
const MARSHALLED: &str = include_str!("samples/marshalled.hex");
/// An `ObjectName`.
const NAME: &str = include_str!("samples/name.hex");

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<char> = hex.chars().filter(char::is_ascii_hexdigit).collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn read(bytes: &[u8]) -> std::io::Result<(Reader<&[u8]>, Value)> {
    let mut reader = Reader::new(bytes)?;
    let value = reader.value()?;
    Ok((reader, value))
}

#[test]
fn an_exception_around_another_says_what_the_other_says() {
    let stream = bytes(THROWN);
    let (reader, thrown) = read(&stream).unwrap();
    let expected = "java.io.IOException: Snapshot ostler already exists.";
    assert_eq!(said(&reader, &thrown), expected);
}

#[test]
fn a_list_has_its_texts() {
    let stream = bytes(LIST);
    let (reader, list) = read(&stream).unwrap();
    assert_eq!(texts(&reader, &list), ["shop", "system"]);
}

#[test]
fn arguments_are_wrapped_as_java_wraps_them() {
    let mut ours = Writer::call();
    ours.arguments(&[
        Argument::Text("ostler".to_owned()),
        Argument::Texts(Vec::new()),
        Argument::Flag(true),
        Argument::Only("/srv/ü😀\0".to_owned()),
    ]);
    let streams = [ours.into_bytes(), bytes(MARSHALLED)];
    let [ours, javas] = streams.each_ref().map(|stream| {
        let (reader, value) = read(stream).unwrap();
        let object = reader.thing(&value).unwrap();
        let content = reader.thing(&object.fields["objBytes"]).unwrap();
        (object.fields["hash"].clone(), content.more.clone())
    });
    assert_eq!(ours, javas);
}

#[test]
fn a_name_is_written_as_java_writes_it() {
    let mut ours = Writer::call();
    ours.object_name("org.apache.cassandra.db:type=StorageService");
    // In calls, there is a place after each class for where it comes from.
    let mut ours = ours.into_bytes();
    let end_of_class = ours.windows(3).position(|bytes| bytes == [0x70, 0x78, 0x70]);
    ours.remove(end_of_class.unwrap());
    assert_eq!(ours, bytes(NAME));
}

#[test]
fn what_is_cut_off_or_changed_is_an_error_or_another_value_and_nothing_else() {
    for sample in [THROWN, LIST, MARSHALLED, NAME] {
        let whole = bytes(sample);
        for end in 0..whole.len() {
            let error = read(&whole[..end]).err().map(|error| error.kind());
            assert_eq!(error, Some(ErrorKind::UnexpectedEof), "cut at {end}");
        }
        for at in 0..whole.len() {
            for byte in [0, 1, 0x70, 0x71, 0x73, 0x75, 0x78, 0x7E, 0xFF] {
                let mut changed = whole.clone();
                changed[at] = byte;
                if let Ok((reader, value)) = read(&changed) {
                    said(&reader, &value);
                    texts(&reader, &value);
                }
            }
        }
    }
    // Arrays of arrays of arrays.
    let class = [
        &[0x75, 0x72, 0, 2][..],
        b"[[",
        &[0; 8],
        &[2, 0, 0, 0x78, 0x70, 0, 0, 0, 1],
    ]
    .concat();
    let deep = [HEAD.to_vec(), class.repeat(100_000)].concat();
    let error = read(&deep).err().unwrap().to_string();
    assert!(error.contains("nested too deeply"), "{error}");
}

#[test]
fn a_stub_says_where_its_object_is() {
    let at = |kind: &str, format: &[u8]| {
        let text = |text: &str| [&(text.len() as u16).to_be_bytes(), text.as_bytes()].concat();
        let port = 40_001_u32.to_be_bytes().to_vec();
        [
            text(kind),
            format.to_vec(),
            text("db1"),
            port,
            vec![7; 22],
            vec![0],
        ]
        .concat()
    };
    for stub in [at("UnicastRef", &[]), at("UnicastRef2", &[0])] {
        let reference = Reference::read(&stub).unwrap();
        assert_eq!((reference.host.as_str(), reference.port), ("db1", 40_001));
        assert_eq!(reference.object, [7; 22]);
    }
    let refused = [
        (at("UnicastRef2", &[1]), "by TLS"),
        (at("ActivatableRef", &[]), "only Java knows"),
        (at("UnicastRef", &[])[..20].to_vec(), "only Java knows"),
    ];
    for (stub, expected) in refused {
        let error = Reference::read(&stub).err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn whoever_speaks_something_else_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answers: [&[u8]; 2] = [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"];
    let server = thread::spawn(move || {
        for answer in answers {
            let (mut stream, _): (TcpStream, _) = listener.accept().unwrap();
            stream.read_exact(&mut [0; 7]).unwrap();
            stream.write_all(answer).unwrap();
        }
    });
    for _ in answers {
        let error = Connection::open("127.0.0.1", port).err().unwrap().to_string();
        assert!(error.contains("does not speak RMI without TLS"), "{error}");
    }
    server.join().unwrap();
}
