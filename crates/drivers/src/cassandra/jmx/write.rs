//! Objects as Java reads them, written: the few classes that are in what a node is asked for.
//!
//! Java Object Serialization Specification, chapter 6. Nothing mentions what came before it: a class that is needed twice is
//! described twice, which a reader takes for the same.

use super::read::HEAD;

/// Serializable, and with more than its fields.
const WRITES: u8 = 3;
const SERIALIZABLE: u8 = 2;
/// The serialVersionUID of each class, as its source has it or `serialver` prints it.
const BOOLEAN: u64 = 0xCD20_7280_D59C_FAEE;
const BYTES: u64 = 0xACF3_17F8_0608_54E0;
const HASH_SET: u64 = 0xBA44_8595_96B8_B734;
const MARSHALLED: u64 = 0x7CBD_1E97_ED63_FC3E;
const OBJECT_NAME: u64 = 0x0F03_A71B_EB6D_15CF;
const OBJECTS: u64 = 0x90CE_589F_1073_296C;
const STRINGS: u64 = 0xADD2_56E7_E91D_7B47;

/// What an operation of an MBean is given.
#[derive(Debug, Clone)]
pub(in crate::cassandra) enum Argument {
    Flag(bool),
    Text(String),
    Texts(Vec<String>),
    /// A set of one.
    Only(String),
}

impl Argument {
    /// The type as the operation's signature has it.
    pub(super) fn kind(&self) -> String {
        let kind = match self {
            Self::Flag(_) => "boolean",
            Self::Text(_) => "java.lang.String",
            Self::Texts(_) => "[Ljava.lang.String;",
            Self::Only(_) => "java.util.Set",
        };
        kind.to_owned()
    }
}

/// A stream that is written.
#[derive(Debug)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    /// RMI has a place after each class where it may say where that class comes from: nowhere.
    origins: bool,
}

impl Writer {
    /// A stream of an RMI call.
    pub(super) fn call() -> Self {
        Self {
            bytes: HEAD.to_vec(),
            origins: true,
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// What stands outside of objects; at most 255 bytes.
    pub(super) fn block(&mut self, bytes: &[u8]) {
        self.bytes.extend([0x77, bytes.len() as u8]);
        self.bytes.extend(bytes);
    }

    pub(super) fn nothing(&mut self) {
        self.bytes.push(0x70);
    }

    pub(super) fn text(&mut self, text: &str) {
        let bytes = java_utf8(text);
        match u16::try_from(bytes.len()) {
            Ok(size) => {
                self.bytes.push(0x74);
                self.bytes.extend(size.to_be_bytes());
            }
            Err(_) => {
                self.bytes.push(0x7C);
                self.bytes.extend((bytes.len() as u64).to_be_bytes());
            }
        }
        self.bytes.extend(bytes);
    }

    pub(super) fn texts(&mut self, texts: &[String]) {
        self.array("[Ljava.lang.String;", STRINGS, texts.len());
        for text in texts {
            self.text(text);
        }
    }

    /// The name of an MBean.
    pub(super) fn object_name(&mut self, name: &str) {
        self.object("javax.management.ObjectName", OBJECT_NAME, WRITES, &[]);
        self.text(name);
        self.end();
    }

    /// Arguments, in the wrapping in which only the MBean's own classes open them.
    pub(super) fn arguments(&mut self, arguments: &[Argument]) {
        let mut inner = Self {
            bytes: HEAD.to_vec(),
            origins: false,
        };
        inner.array("[Ljava.lang.Object;", OBJECTS, arguments.len());
        for argument in arguments {
            inner.argument(argument);
        }
        let bytes = inner.bytes;
        let fields = [
            (b'I', "hash", ""),
            (b'[', "locBytes", "[B"),
            (b'[', "objBytes", "[B"),
        ];
        self.object("java.rmi.MarshalledObject", MARSHALLED, SERIALIZABLE, &fields);
        let hash = bytes.iter().fold(0_i32, |hash, byte| {
            hash.wrapping_mul(31).wrapping_add(i32::from(byte.cast_signed()))
        });
        self.bytes.extend(hash.to_be_bytes());
        self.nothing();
        self.array("[B", BYTES, bytes.len());
        self.bytes.extend(bytes);
    }

    fn argument(&mut self, argument: &Argument) {
        match argument {
            Argument::Flag(flag) => {
                self.object("java.lang.Boolean", BOOLEAN, SERIALIZABLE, &[(b'Z', "value", "")]);
                self.bytes.push(u8::from(*flag));
            }
            Argument::Text(text) => self.text(text),
            Argument::Texts(texts) => self.texts(texts),
            Argument::Only(text) => {
                self.object("java.util.HashSet", HASH_SET, WRITES, &[]);
                let [buckets, size] = [16_u32, 1].map(u32::to_be_bytes);
                self.block(&[buckets, 0.75_f32.to_be_bytes(), size].concat());
                self.text(text);
                self.end();
            }
        }
    }

    fn array(&mut self, class: &str, version: u64, size: usize) {
        self.bytes.push(0x75);
        self.class(class, version, SERIALIZABLE, &[]);
        self.bytes.extend((size as u32).to_be_bytes());
    }

    fn object(&mut self, class: &str, version: u64, flags: u8, fields: &[(u8, &str, &str)]) {
        self.bytes.push(0x73);
        self.class(class, version, flags, fields);
    }

    /// Fields are a kind, a name and, where the kind is an object, its type.
    fn class(&mut self, name: &str, version: u64, flags: u8, fields: &[(u8, &str, &str)]) {
        self.bytes.push(0x72);
        self.name(name);
        self.bytes.extend(version.to_be_bytes());
        self.bytes.push(flags);
        self.bytes.extend((fields.len() as u16).to_be_bytes());
        for (kind, name, of) in fields {
            self.bytes.push(*kind);
            self.name(name);
            if !of.is_empty() {
                self.text(of);
            }
        }
        if self.origins {
            self.nothing();
        }
        self.end();
        self.nothing();
    }

    fn name(&mut self, name: &str) {
        self.bytes.extend((name.len() as u16).to_be_bytes());
        self.bytes.extend(name.as_bytes());
    }

    fn end(&mut self) {
        self.bytes.push(0x78);
    }
}

/// UTF-8 of each half of a surrogate pair by itself, and of NUL in two bytes.
fn java_utf8(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for unit in text.encode_utf16() {
        let [low, middle, high] = [unit, unit >> 6, unit >> 12].map(|part| part as u8);
        match unit {
            1..=0x7F => bytes.push(low),
            0 | 0x80..=0x7FF => bytes.extend([0xC0 | middle, 0x80 | low & 0x3F]),
            _ => bytes.extend([0xE0 | high, 0x80 | middle & 0x3F, 0x80 | low & 0x3F]),
        }
    }
    bytes
}
