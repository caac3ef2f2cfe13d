//! What statements are given.

/// A parameter of a statement. One that is NULL has its type too, which PostgreSQL wants to know.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number, a time in milliseconds, or 0 and 1 for no and yes.
    Integer(Option<i64>),
    /// A number with a fraction.
    Real(Option<f64>),
    /// Text.
    Text(Option<String>),
    /// Bytes.
    Bytes(Option<Vec<u8>>),
}

/// What can be a parameter.
pub trait ToValue {
    /// It as a parameter.
    fn to_value(&self) -> Value;
    /// A parameter that is NULL where one of these could be.
    fn none() -> Value
    where
        Self: Sized;
}

/// The parameters of a statement: `values![name, epoch, owner]` are its `?1`, `?2`, `?3`.
#[macro_export]
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        [$($crate::ToValue::to_value(&$value)),*]
    };
}

macro_rules! integer {
    ($($type:ty),*) => {$(
        impl ToValue for $type {
            fn to_value(&self) -> Value {
                Value::Integer(Some(i64::from(*self)))
            }

            fn none() -> Value {
                Value::Integer(None)
            }
        }
    )*};
}

integer!(i64, u32, bool);

impl ToValue for f64 {
    fn to_value(&self) -> Value {
        Value::Real(Some(*self))
    }

    fn none() -> Value {
        Value::Real(None)
    }
}

macro_rules! text {
    ($($type:ty),*) => {$(
        impl ToValue for $type {
            fn to_value(&self) -> Value {
                Value::Text(Some((*self).to_string()))
            }

            fn none() -> Value {
                Value::Text(None)
            }
        }
    )*};
}

text!(&str, String, &String, &&str);

macro_rules! bytes {
    ($($type:ty),*) => {$(
        impl ToValue for $type {
            fn to_value(&self) -> Value {
                Value::Bytes(Some(self.to_vec()))
            }

            fn none() -> Value {
                Value::Bytes(None)
            }
        }
    )*};
}

bytes!(Vec<u8>, &[u8], &[u8; 32]);

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value {
        self.as_ref().map_or_else(T::none, T::to_value)
    }

    fn none() -> Value {
        T::none()
    }
}

impl<T: ToValue> ToValue for &Option<T> {
    fn to_value(&self) -> Value {
        (*self).to_value()
    }

    fn none() -> Value {
        T::none()
    }
}
