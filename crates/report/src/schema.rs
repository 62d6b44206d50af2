//! The JSON Schema of a report's lines, made from the types.
use crate::event::Line;
use crate::story::Story;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// The JSON Schema (draft 2020-12) of one line of a report.
///
/// It is stricter than a reader should be: a property that the types do not have is an error.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<Line>().to_value();
    close(&mut schema);
    schema
}

/// The JSON Schema (draft 2020-12) of a story: what `forkguard report --format json` prints.
pub fn story_schema() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<Story>().to_value()
}

/// Forbids unknown properties. An event's own share one object with the line's, so only the line can tell which are unknown.
fn close(line: &mut Value) {
    let events: Vec<String> = line["oneOf"]
        .as_array()
        .expect("a line is one of the events")
        .iter()
        .map(|event| event["$ref"].as_str().expect("an event has its own type").replace("#/$defs/", ""))
        .collect();
    line["unevaluatedProperties"] = Value::Bool(false);
    let types = line["$defs"].as_object_mut().expect("the events' types are definitions");
    for (_, definition) in types.iter_mut().filter(|(name, _)| !events.contains(name)) {
        if definition["type"] == "object" {
            definition["additionalProperties"] = Value::Bool(false);
        }
    }
}
