//! All rows as compact JSON: `{"count": n, "columns": [{"name": …, "values": […], "index": […]}, …]}`.
//!
//! Cell r of a column is `values[index[r]]`. Most columns repeat a few values, so that ten thousand rows take a few
//! megabytes less than as rows. The texts are those of the CSV, to the last digit; a number that is none is empty. The last
//! column is not in the CSV: the commands that repeat the cell.

use std::collections::HashMap;

use serde::Serialize;

use crate::distrust::reproduction;
use crate::record::Record;
use crate::table;

/// Every row, column by column.
#[derive(Debug, Serialize)]
struct Table {
    count: usize,
    columns: Vec<Column>,
}

/// The different texts of a column, and which of them each row has.
#[derive(Debug, Default, Serialize)]
struct Column {
    name: String,
    values: Vec<String>,
    index: Vec<usize>,
    #[serde(skip)]
    known: HashMap<String, usize>,
}

impl Column {
    fn push(&mut self, text: &str) {
        // The CSV of a number that is none.
        let text = if matches!(text, "NaN" | "inf" | "-inf") { "" } else { text };
        let next = self.values.len();
        let index = self.known.get(text).copied().unwrap_or_else(|| {
            self.known.insert(text.to_owned(), next);
            self.values.push(text.to_owned());
            next
        });
        self.index.push(index);
    }
}

/// The rows as JSON that can stand between script tags: `<` is escaped.
pub fn json(records: &[Record]) -> String {
    let bytes = table::of_records(records);
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let written = "the crate wrote these bytes as CSV";
    let named = |name: &str| Column { name: name.to_owned(), ..Column::default() };
    let mut columns: Vec<Column> = reader.headers().expect(written).iter().map(named).collect();
    for row in reader.records() {
        for (column, text) in columns.iter_mut().zip(row.expect(written).iter()) {
            column.push(text);
        }
    }
    let mut commands = named("reproduction");
    for record in records {
        commands.push(&reproduction(record).join("\n"));
    }
    columns.push(commands);
    let table = Table { count: records.len(), columns };
    let json = serde_json::to_string(&table).expect("texts and whole numbers are JSON");
    json.replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::record;

    #[test]
    fn rows_are_kept_to_the_last_digit_and_absent_is_empty() {
        let third = Record { proved: Some(1.0 / 3.0), relaxation_lower: Some(f64::NAN), ..record("</script>", "m") };
        let text = json(&[record("net", "m"), third, record("net", "m")]);
        assert!(!text.contains('<'), "{text}");
        let table: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let column = |name: &str| {
            let columns = table["columns"].as_array().expect("columns");
            columns.iter().find(|column| column["name"] == name).expect("a column").clone()
        };
        assert_eq!(column("proved")["values"], serde_json::json!(["2.0", "0.3333333333333333"]));
        assert_eq!(column("network")["index"], serde_json::json!([0, 1, 0]));
        assert_eq!(column("network")["values"][1], "</script>");
        assert_eq!(column("relaxation_lower")["values"], serde_json::json!([""]));
        assert!(
            column("reproduction")["values"][0].as_str().expect("text").starts_with("tightlip bound data/net.onnx")
        );
    }

    #[test]
    fn no_rows_are_an_empty_table() {
        assert!(json(&[]).starts_with("{\"count\":0"));
    }
}
