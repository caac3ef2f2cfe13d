//! Rows as the bytes of a Parquet file, and back. Blocking.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, Type as Physical, ZstdLevel};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{
    BoolType, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, Type};

use super::cell::{Column, Data};
use super::manifest::ColumnEntry;

/// One row group: who wants part of a day asks for a file. Whole numbers are kept as differences, which is smaller and eight times as
/// quick as a dictionary of them, and repeated values are left to zstd.
pub(super) fn encode(columns: &[Column], entries: &[ColumnEntry]) -> Result<Vec<u8>, ParquetError> {
    let fields = entries.iter().map(|entry| entry.kind.field(&entry.name));
    let schema = Type::group_type_builder("rows")
        .with_fields(fields.collect::<Result<_, _>>()?)
        .build()?;
    let mut properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by(concat!("ostler ", env!("CARGO_PKG_VERSION")).to_owned());
    for entry in entries {
        if matches!(entry.kind.physical(), Physical::INT32 | Physical::INT64) {
            let column = ColumnPath::new(vec![entry.name.clone()]);
            properties = properties.set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
        }
    }
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, Arc::new(schema), Arc::new(properties.build()))?;
    let mut group = writer.next_row_group()?;
    for column in columns {
        let Some(mut writer) = group.next_column()? else {
            return Err(ParquetError::General("there are more columns than fields".into()));
        };
        let present = Some(column.present.as_slice());
        match &column.data {
            Data::Bool(values) => writer.typed::<BoolType>().write_batch(values, present, None)?,
            Data::Int32(values) => writer.typed::<Int32Type>().write_batch(values, present, None)?,
            Data::Int64(values) => writer.typed::<Int64Type>().write_batch(values, present, None)?,
            Data::Float(values) => writer.typed::<FloatType>().write_batch(values, present, None)?,
            Data::Double(values) => writer.typed::<DoubleType>().write_batch(values, present, None)?,
            Data::Bytes(values) => writer
                .typed::<ByteArrayType>()
                .write_batch(values, present, None)?,
            Data::Fixed(values) => writer
                .typed::<FixedLenByteArrayType>()
                .write_batch(values, present, None)?,
        };
        writer.close()?;
    }
    group.close()?;
    writer.close()?;
    Ok(bytes)
}

/// The columns of a file that has these. The bytes are known to be those that were written.
pub(super) fn decode(bytes: Bytes, entries: &[ColumnEntry]) -> Result<Vec<Column>, ParquetError> {
    let file = SerializedFileReader::new(bytes)?;
    let fields = file.metadata().file_metadata().schema_descr_ptr();
    let fits = fields.num_columns() == entries.len()
        && entries.iter().enumerate().all(|(at, entry)| {
            let field = fields.column(at);
            field.name() == entry.name && field.physical_type() == entry.kind.physical()
        });
    if !fits {
        return Err(ParquetError::General("its columns are others".into()));
    }
    let mut columns: Vec<Column> = entries.iter().map(|entry| Column::new(entry.kind)).collect();
    for group in 0..file.num_row_groups() {
        let group = file.get_row_group(group)?;
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        for (at, column) in columns.iter_mut().enumerate() {
            let present = &mut column.present;
            match (group.get_column_reader(at)?, &mut column.data) {
                (ColumnReader::BoolColumnReader(reader), Data::Bool(values)) => {
                    read::<BoolType>(reader, rows, present, values)?;
                }
                (ColumnReader::Int32ColumnReader(reader), Data::Int32(values)) => {
                    read::<Int32Type>(reader, rows, present, values)?;
                }
                (ColumnReader::Int64ColumnReader(reader), Data::Int64(values)) => {
                    read::<Int64Type>(reader, rows, present, values)?;
                }
                (ColumnReader::FloatColumnReader(reader), Data::Float(values)) => {
                    read::<FloatType>(reader, rows, present, values)?;
                }
                (ColumnReader::DoubleColumnReader(reader), Data::Double(values)) => {
                    read::<DoubleType>(reader, rows, present, values)?;
                }
                (ColumnReader::ByteArrayColumnReader(reader), Data::Bytes(values)) => {
                    read::<ByteArrayType>(reader, rows, present, values)?;
                }
                (ColumnReader::FixedLenByteArrayColumnReader(reader), Data::Fixed(values)) => {
                    read::<FixedLenByteArrayType>(reader, rows, present, values)?;
                }
                _ => return Err(ParquetError::General(format!("column {at} is of another type"))),
            }
        }
    }
    Ok(columns)
}

fn read<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    rows: usize,
    present: &mut Vec<i16>,
    values: &mut Vec<T::T>,
) -> Result<(), ParquetError> {
    let mut left = rows;
    while left > 0 {
        let (records, ..) = reader.read_records(left, Some(present), None, values)?;
        if records == 0 {
            return Err(ParquetError::EOF("it ends before its rows do".into()));
        }
        left -= records;
    }
    Ok(())
}
