//! Objects as Java writes them, read: Java Object Serialization Specification, chapter 6, "Object Serialization Stream Protocol".
//!
//! Of classes nothing is known here but what the stream says of them: names of fields, and whether there is more.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Read, Result};
use std::rc::Rc;

/// What every stream begins with.
pub(super) const HEAD: [u8; 4] = [0xAC, 0xED, 0, 5];
/// More is nested only where somebody wants to run us out of stack.
const DEEPEST: usize = 200;
/// The first number that is given to something that may be mentioned again.
const FIRST_HANDLE: u32 = 0x007E_0000;

/// Something in a stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Nothing,
    /// Of any primitive type; the bits of those that are not whole.
    Number(i64),
    Text(String),
    /// What a class wrote by itself.
    Block(Vec<u8>),
    /// An object or an array, by its handle.
    Thing(usize),
    /// A class, or the end of what a class wrote by itself.
    Mark,
}

/// An object, an array or a constant of an enumeration.
#[derive(Debug, Default)]
pub(super) struct Thing {
    pub(super) class: String,
    pub(super) fields: BTreeMap<String, Value>,
    /// Elements, or what classes wrote by themselves.
    pub(super) more: Vec<Value>,
}

#[derive(Debug, Default)]
struct Class {
    name: String,
    flags: u8,
    fields: Vec<(u8, String)>,
    above: Option<Rc<Class>>,
}

#[derive(Debug)]
enum Handle {
    Class(Rc<Class>),
    Text(String),
    Thing(Thing),
}

/// A stream that is read.
#[derive(Debug)]
pub(super) struct Reader<R> {
    source: R,
    handles: Vec<Handle>,
    depth: usize,
}

fn nonsense(what: &str) -> Error {
    Error::new(
        ErrorKind::InvalidData,
        format!("what was answered is no Java object: {what}"),
    )
}

impl<R: Read> Reader<R> {
    /// A stream from its head on.
    pub(super) fn new(mut source: R) -> Result<Self> {
        let mut head = [0; 4];
        source.read_exact(&mut head)?;
        if head != HEAD {
            return Err(nonsense("it begins with other bytes"));
        }
        Ok(Self {
            source,
            handles: Vec::new(),
            depth: 0,
        })
    }

    /// What a handle stands for, once all of it was read.
    pub(super) fn thing(&self, value: &Value) -> Option<&Thing> {
        match value {
            Value::Thing(at) => match self.handles.get(*at)? {
                Handle::Thing(thing) => Some(thing),
                Handle::Class(_) | Handle::Text(_) => None,
            },
            _ => None,
        }
    }

    /// The next value.
    pub(super) fn value(&mut self) -> Result<Value> {
        let tag = self.byte()?;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(nonsense("it is nested too deeply"));
        }
        let value = match tag {
            0x70 => Value::Nothing,
            0x71 => self.mentioned()?,
            0x72 | 0x7D => {
                self.class_of(tag)?;
                Value::Mark
            }
            0x73 => self.object()?,
            0x74 | 0x7C => self.string(tag)?,
            0x75 => self.array()?,
            0x76 => {
                let class = self.some_class()?;
                self.handles.push(Handle::Class(class));
                Value::Mark
            }
            0x77 => {
                let size = u64::from(self.byte()?);
                Value::Block(self.bytes(size)?)
            }
            0x7A => {
                let size = u64::from(self.number::<4>()?);
                Value::Block(self.bytes(size)?)
            }
            0x78 => Value::Mark,
            0x7E => {
                let class = self.some_class()?;
                let at = self.begin(&class);
                let name = self.value()?;
                self.at(at).more.push(name);
                Value::Thing(at)
            }
            other => return Err(nonsense(&format!("there is a tag {other:#x}"))),
        };
        self.depth -= 1;
        Ok(value)
    }

    fn mentioned(&mut self) -> Result<Value> {
        let at = self.handle()?;
        Ok(match &self.handles[at] {
            Handle::Class(_) => Value::Mark,
            Handle::Text(text) => Value::Text(text.clone()),
            Handle::Thing(_) => Value::Thing(at),
        })
    }

    fn object(&mut self) -> Result<Value> {
        let class = self.some_class()?;
        let at = self.begin(&class);
        let mut classes = vec![Rc::clone(&class)];
        while let Some(above) = classes.last().and_then(|class| class.above.clone()) {
            classes.push(above);
        }
        for class in classes.iter().rev() {
            let [writes, serializable, externalizable, blocks] =
                [1, 2, 4, 8].map(|flag| class.flags & flag != 0);
            if serializable {
                for (kind, name) in &class.fields {
                    let value = self.primitive_or_other(*kind)?;
                    self.at(at).fields.insert(name.clone(), value);
                }
            }
            if externalizable && !blocks {
                return Err(nonsense(&format!(
                    "{} is written in a way of its own",
                    class.name
                )));
            }
            if externalizable || serializable && writes {
                let more = self.until_end()?;
                self.at(at).more.extend(more);
            }
        }
        Ok(Value::Thing(at))
    }

    fn array(&mut self) -> Result<Value> {
        let class = self.some_class()?;
        let at = self.begin(&class);
        let kind = class.name.as_bytes().get(1).copied().unwrap_or(b'L');
        for _ in 0..self.number::<4>()? {
            let value = self.primitive_or_other(kind)?;
            self.at(at).more.push(value);
        }
        Ok(Value::Thing(at))
    }

    fn string(&mut self, tag: u8) -> Result<Value> {
        let text = match tag {
            0x74 => self.text()?,
            _ => {
                let mut size = [0; 8];
                self.source.read_exact(&mut size)?;
                let bytes = self.bytes(u64::from_be_bytes(size))?;
                String::from_utf8_lossy(&bytes).into_owned()
            }
        };
        self.handles.push(Handle::Text(text.clone()));
        Ok(Value::Text(text))
    }

    fn primitive_or_other(&mut self, kind: u8) -> Result<Value> {
        Ok(Value::Number(match kind {
            b'B' | b'Z' => i64::from(self.byte()?),
            b'C' | b'S' => i64::from(self.number::<2>()?),
            b'F' | b'I' => i64::from(self.number::<4>()?),
            b'D' | b'J' => {
                let mut bytes = [0; 8];
                self.source.read_exact(&mut bytes)?;
                i64::from_be_bytes(bytes)
            }
            b'[' | b'L' => return self.value(),
            other => return Err(nonsense(&format!("there is a type {other:#x}"))),
        }))
    }

    fn until_end(&mut self) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        loop {
            match self.value()? {
                Value::Mark => return Ok(all),
                value => all.push(value),
            }
        }
    }

    fn some_class(&mut self) -> Result<Rc<Class>> {
        let tag = self.byte()?;
        self.class_of(tag)?.ok_or_else(|| nonsense("a class is missing"))
    }

    fn class_of(&mut self, tag: u8) -> Result<Option<Rc<Class>>> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(nonsense("it is nested too deeply"));
        }
        let class = match tag {
            0x70 => None,
            0x71 => {
                let at = self.handle()?;
                match &self.handles[at] {
                    Handle::Class(class) => Some(Rc::clone(class)),
                    Handle::Text(_) | Handle::Thing(_) => return Err(nonsense("a class is none")),
                }
            }
            0x72 | 0x7D => Some(self.new_class(tag == 0x7D)?),
            other => return Err(nonsense(&format!("there is a tag {other:#x} for a class"))),
        };
        self.depth -= 1;
        Ok(class)
    }

    fn new_class(&mut self, is_proxy: bool) -> Result<Rc<Class>> {
        let mut class = Class::default();
        if !is_proxy {
            class.name = self.text()?;
            self.bytes(8)?;
        }
        let at = self.handles.len();
        self.handles.push(Handle::Class(Rc::default()));
        if is_proxy {
            for _ in 0..self.number::<4>()? {
                self.text()?;
            }
            class.flags = 2;
        } else {
            class.flags = self.byte()?;
            for _ in 0..self.number::<2>()? {
                let kind = self.byte()?;
                let name = self.text()?;
                if matches!(kind, b'[' | b'L') {
                    self.value()?;
                }
                class.fields.push((kind, name));
            }
        }
        self.until_end()?;
        let tag = self.byte()?;
        class.above = self.class_of(tag)?;
        let class = Rc::new(class);
        self.handles[at] = Handle::Class(Rc::clone(&class));
        Ok(class)
    }

    /// Something that has its handle before it was read.
    fn begin(&mut self, class: &Class) -> usize {
        self.handles.push(Handle::Thing(Thing {
            class: class.name.clone(),
            ..Thing::default()
        }));
        self.handles.len() - 1
    }

    fn at(&mut self, at: usize) -> &mut Thing {
        match &mut self.handles[at] {
            Handle::Thing(thing) => thing,
            Handle::Class(_) | Handle::Text(_) => unreachable!("only ever asked of what `begin` made"),
        }
    }

    fn handle(&mut self) -> Result<usize> {
        let number = self.number::<4>()?.checked_sub(FIRST_HANDLE);
        let known = number
            .map(|number| number as usize)
            .filter(|at| *at < self.handles.len());
        known.ok_or_else(|| nonsense("it mentions what was not there before"))
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.number::<1>()? as u8)
    }

    /// A number of at most four bytes, the first of which counts most.
    fn number<const SIZE: usize>(&mut self) -> Result<u32> {
        let mut bytes = [0; SIZE];
        self.source.read_exact(&mut bytes)?;
        Ok(bytes
            .iter()
            .fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    /// Nothing is reserved for bytes that do not come.
    fn bytes(&mut self, size: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.source.by_ref().take(size).read_to_end(&mut bytes)?;
        if bytes.len() as u64 == size {
            return Ok(bytes);
        }
        Err(ErrorKind::UnexpectedEof.into())
    }

    /// Java's own UTF-8; characters beyond the first 65,536 are not read as what they are.
    fn text(&mut self) -> Result<String> {
        let size = u64::from(self.number::<2>()?);
        Ok(String::from_utf8_lossy(&self.bytes(size)?).into_owned())
    }
}
