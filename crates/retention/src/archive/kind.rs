//! How the values of a column are kept.

use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::errors::ParquetError;
use parquet::schema::types::{Type, TypePtr};
use serde::{Deserialize, Serialize};

/// How the values of a column are kept. What has no kind of its own is text, as the server writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// BOOLEAN
    Boolean,
    /// INT32 of 16 bits
    Smallint,
    /// INT32
    Integer,
    /// INT64
    Bigint,
    /// FLOAT
    Real,
    /// DOUBLE
    Double,
    /// INT32, days since 1970; the greatest and the least are infinite.
    Date,
    /// INT64, microseconds since 1970 by a clock of no zone; the greatest and the least are infinite.
    Timestamp,
    /// INT64, microseconds since 1970; the greatest and the least are infinite.
    Moment,
    /// 16 bytes
    Uuid,
    /// Bytes of any kind.
    Bytes,
    /// Bytes that are JSON.
    Json,
    /// Bytes that are UTF-8.
    Text,
}

impl Kind {
    /// The kind for a type of SQL, by its name without length or precision.
    #[must_use]
    pub fn of(type_name: &str) -> Self {
        match type_name {
            "boolean" => Self::Boolean,
            "smallint" => Self::Smallint,
            "integer" => Self::Integer,
            "bigint" => Self::Bigint,
            "real" => Self::Real,
            "double precision" => Self::Double,
            "date" => Self::Date,
            "timestamp without time zone" => Self::Timestamp,
            "timestamp with time zone" => Self::Moment,
            "uuid" => Self::Uuid,
            "bytea" => Self::Bytes,
            "json" | "jsonb" => Self::Json,
            _ => Self::Text,
        }
    }

    /// A type of SQL for values of this kind.
    #[must_use]
    pub fn sql(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Smallint => "smallint",
            Self::Integer => "integer",
            Self::Bigint => "bigint",
            Self::Real => "real",
            Self::Double => "double precision",
            Self::Date => "date",
            Self::Timestamp => "timestamp without time zone",
            Self::Moment => "timestamp with time zone",
            Self::Uuid => "uuid",
            Self::Bytes => "bytea",
            Self::Json | Self::Text => "text",
        }
    }

    /// What Parquet calls it.
    pub(super) fn physical(self) -> Physical {
        match self {
            Self::Boolean => Physical::BOOLEAN,
            Self::Smallint | Self::Integer | Self::Date => Physical::INT32,
            Self::Bigint | Self::Timestamp | Self::Moment => Physical::INT64,
            Self::Real => Physical::FLOAT,
            Self::Double => Physical::DOUBLE,
            Self::Uuid => Physical::FIXED_LEN_BYTE_ARRAY,
            Self::Bytes | Self::Json | Self::Text => Physical::BYTE_ARRAY,
        }
    }

    fn logical(self) -> Option<LogicalType> {
        match self {
            Self::Smallint => Some(LogicalType::integer(16, true)),
            Self::Date => Some(LogicalType::Date),
            Self::Timestamp => Some(LogicalType::timestamp(false, TimeUnit::MICROS)),
            Self::Moment => Some(LogicalType::timestamp(true, TimeUnit::MICROS)),
            Self::Uuid => Some(LogicalType::Uuid),
            Self::Json => Some(LogicalType::Json),
            Self::Text => Some(LogicalType::String),
            _ => None,
        }
    }

    /// A column of a file.
    pub(super) fn field(self, name: &str) -> Result<TypePtr, ParquetError> {
        let length = if self == Self::Uuid { 16 } else { -1 };
        let field = Type::primitive_type_builder(name, self.physical())
            .with_repetition(Repetition::OPTIONAL)
            .with_length(length)
            .with_logical_type(self.logical())
            .build()?;
        Ok(field.into())
    }
}
