//! Rows as Apache Parquet.

use std::io::{Error, Result, Write};
use std::sync::Arc;

use parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

use crate::flat::{Column, Kind, Layout, Row, Value};

/// Rows that are written at once: enough for the columns to be small, few enough for memory.
const GROUP: usize = 32_768;

/// A Parquet file that is being written.
pub(super) struct ParquetRows<W: Write + Send> {
    layout: Arc<Layout>,
    columns: Vec<Column>,
    waiting: Vec<Row>,
    file: SerializedFileWriter<W>,
}

impl<W: Write + Send> ParquetRows<W> {
    pub(super) fn new(layout: Arc<Layout>, columns: &[Column], out: W) -> Result<Self> {
        let fields = columns.iter().map(|column| field(column).map(Arc::new)).collect::<Result<Vec<_>>>()?;
        let schema = Type::group_type_builder("alignment").with_fields(fields).build().map_err(into_io)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::GZIP(Default::default()))
            .set_created_by(concat!("dmarcstat ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let file = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties)).map_err(into_io)?;
        Ok(ParquetRows { layout, columns: columns.to_vec(), waiting: Vec::new(), file })
    }

    pub(super) fn write(&mut self, row: Row) -> Result<()> {
        self.waiting.push(row);
        if self.waiting.len() >= GROUP { self.write_group() } else { Ok(()) }
    }

    fn write_group(&mut self) -> Result<()> {
        let mut group = self.file.next_row_group().map_err(into_io)?;
        for column in &self.columns {
            let Some(writer) = group.next_column().map_err(into_io)? else { break };
            let values = self.waiting.iter().map(|row| self.layout.value(row, column));
            write_column(column.kind, values, writer).map_err(into_io)?;
        }
        group.close().map_err(into_io)?;
        self.waiting.clear();
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<W> {
        if !self.waiting.is_empty() {
            self.write_group()?;
        }
        self.file.into_inner().map_err(into_io)
    }
}

fn field(column: &Column) -> Result<Type> {
    let physical = match column.kind {
        Kind::Text | Kind::Json => Physical::BYTE_ARRAY,
        Kind::Number => Physical::INT64,
        Kind::Truth => Physical::BOOLEAN,
    };
    let mut builder = Type::primitive_type_builder(column.name, physical).with_repetition(Repetition::OPTIONAL);
    if physical == Physical::BYTE_ARRAY {
        // Lists too: not every reader takes JSON for text.
        builder = builder.with_logical_type(Some(LogicalType::String)).with_converted_type(ConvertedType::UTF8);
    }
    builder.build().map_err(into_io)
}

fn write_column<'v>(
    kind: Kind,
    values: impl Iterator<Item = &'v Value>,
    mut writer: SerializedColumnWriter<'_>,
) -> std::result::Result<(), ParquetError> {
    let mut levels: Vec<i16> = Vec::new();
    let mut note = |value: &Value| levels.push(i16::from(*value != Value::Null));
    match kind {
        Kind::Text | Kind::Json => {
            let texts = values.inspect(|value| note(value)).filter_map(Value::as_text);
            let texts: Vec<ByteArray> = texts.map(|text| ByteArray::from(text.as_bytes().to_vec())).collect();
            writer.typed::<ByteArrayType>().write_batch(&texts, Some(&levels), None)?;
        }
        Kind::Number => {
            let numbers: Vec<i64> = values.inspect(|value| note(value)).filter_map(Value::as_number).collect();
            writer.typed::<Int64Type>().write_batch(&numbers, Some(&levels), None)?;
        }
        Kind::Truth => {
            let numbers = values.inspect(|value| note(value)).filter_map(Value::as_number);
            let truths: Vec<bool> = numbers.map(|number| number != 0).collect();
            writer.typed::<BoolType>().write_batch(&truths, Some(&levels), None)?;
        }
    }
    writer.close()
}

fn into_io(error: ParquetError) -> Error {
    match error {
        ParquetError::External(error) => match error.downcast::<Error>() {
            Ok(error) => *error,
            Err(other) => Error::other(other),
        },
        other => Error::other(other),
    }
}
