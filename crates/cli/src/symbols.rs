//! From module, offset and build id to function, file and line: outside the host, from the module's own debug information or from
//! separate debug files. A file whose build id is not the frame's is another one: nothing is taken from it.
use addr2line::Loader;
use forkguard_report::event::{Frame, Site};
use forkguard_report::text::Plain;
use object::read::ReadCache;
use object::{File, Object, ObjectSection};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Resolves frames; what was loaded is kept, by module and build id.
pub(crate) struct Symbols<'a> {
    places: &'a DebugFiles,
    loaded: HashMap<(String, String), Option<Loader>>,
}

impl<'a> Symbols<'a> {
    pub(crate) fn new(places: &'a DebugFiles) -> Symbols<'a> {
        Symbols { places, loaded: HashMap::new() }
    }

    /// One line of a report with the native frames that can be resolved. Whatever else it is, it stays as it was.
    pub(crate) fn resolve<'l>(&mut self, line: &'l [u8]) -> Cow<'l, [u8]> {
        let Ok(mut event) = serde_json::from_slice::<Value>(line) else { return line.into() };
        if !self.walk(&mut event) {
            return line.into();
        }
        if event["event"] == "finding" {
            name_lines(&mut event);
        }
        event.to_string().into_bytes().into()
    }

    /// Frames with the native ones resolved, and whether any was.
    pub(crate) fn frames(&mut self, frames: Vec<Frame<'static>>) -> (Vec<Frame<'static>>, bool) {
        if frames.iter().all(|frame| frame.build_id.is_none()) {
            return (frames, false);
        }
        let mut values: Vec<Value> = frames.iter().filter_map(|frame| serde_json::to_value(frame).ok()).collect();
        let resolved = self.expand(&mut values);
        match Vec::deserialize(Value::from(values)) {
            Ok(found) if resolved => (found.into_iter().map(plain).collect(), true),
            _ => (frames, false),
        }
    }

    /// True when something was resolved in `value`.
    fn walk(&mut self, value: &mut Value) -> bool {
        let mut resolved = false;
        match value {
            Value::Object(frame) if frame.contains_key("build_id") => {
                // A single frame is the start of a function: what is inlined there says nothing.
                if let Some(outermost) = self.frame(frame).pop() {
                    *value = outermost;
                    resolved = true;
                }
            }
            Value::Object(object) => {
                for (key, value) in object {
                    resolved |= match value {
                        Value::Array(frames) if key == "frames" => self.expand(frames),
                        value => self.walk(value),
                    };
                }
            }
            Value::Array(list) => list.iter_mut().for_each(|value| resolved |= self.walk(value)),
            _ => {}
        }
        resolved
    }

    /// Resolves a stack: inlined functions get frames of their own. The library, which knows lines but not what was inlined, gives an
    /// address one frame: where there are several different ones, they were found before.
    fn expand(&mut self, frames: &mut Vec<Value>) -> bool {
        let mut resolved = false;
        let before = std::mem::take(frames);
        for (index, frame) in before.iter().enumerate() {
            let place = |frame: &Value| (frame["module"].clone(), frame["offset"].clone());
            let next_to = |other: Option<&Value>| other.is_some_and(|other| other != frame && place(other) == place(frame));
            let known = next_to(index.checked_sub(1).and_then(|index| before.get(index))) || next_to(before.get(index + 1));
            let found = frame.as_object().filter(|_| !known).map(|frame| self.frame(frame)).unwrap_or_default();
            resolved |= !found.is_empty();
            if found.is_empty() {
                frames.push(frame.clone());
            } else {
                frames.extend(found);
            }
        }
        resolved
    }

    /// What stands at the frame's address, innermost first; nothing where that is unknown.
    fn frame(&mut self, frame: &Map<String, Value>) -> Vec<Value> {
        let text = |key| frame.get(key).and_then(Value::as_str);
        let (Some(module), Some(id), Some(offset)) =
            (text("module"), text("build_id"), frame.get("offset").and_then(Value::as_u64))
        else {
            return Vec::new();
        };
        let key = (module.to_owned(), id.to_owned());
        let loader = self.loaded.entry(key).or_insert_with(|| self.places.load(Path::new(module), id)).as_ref();
        let mut found = loader.map(|loader| sources(loader, offset)).unwrap_or_default();
        let plain = |name: &str| addr2line::demangle_auto(name.into(), None).into_owned();
        let symbol = || loader.and_then(|loader| loader.find_symbol(offset)).map(plain);
        if found.is_empty() {
            let name = text("function").map_or_else(symbol, |name| Some(plain(name)));
            let new = name.filter(|name| text("function") != Some(name));
            found.extend(new.map(|name| Source { function: Some(name), ..Source::default() }));
        }
        if let Some(outermost) = found.last_mut().filter(|source| source.function.is_none()) {
            outermost.function = symbol();
        }
        found.into_iter().map(|source| source.fill(frame)).collect()
    }
}

/// What debug information says is as little to be trusted as the report.
fn plain(mut frame: Frame<'static>) -> Frame<'static> {
    for text in [&mut frame.function, &mut frame.file].into_iter().flatten() {
        *text = Plain(text).to_string().into();
    }
    frame
}

/// Names the lines that a person would edit, now that more of them are known.
fn name_lines(finding: &mut Value) {
    let Ok(sites) = Vec::<Site>::deserialize(&finding["sites"]) else { return };
    let mut lines: Vec<Value> = Vec::new();
    for frame in sites.iter().filter_map(Site::application) {
        let line = format!("{frame:#}").into();
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    finding["at"] = lines.into();
}

/// What debug information says of an address.
#[derive(Default)]
struct Source {
    function: Option<String>,
    file: Option<String>,
    line: Option<u32>,
}

impl Source {
    fn fill(self, frame: &Map<String, Value>) -> Value {
        // In the order of the schema's own writer.
        let mut filled = Map::new();
        filled.extend(frame.get("language").map(|language| ("language".to_owned(), language.clone())));
        let function = self.function.map(Value::from).or_else(|| frame.get("function").cloned());
        filled.extend(function.map(|function| ("function".to_owned(), function)));
        filled.extend(self.file.map(|file| ("file".to_owned(), file.into())));
        filled.extend(self.line.map(|line| ("line".to_owned(), line.into())));
        for (key, value) in frame {
            filled.entry(key).or_insert_with(|| value.clone());
        }
        filled.into()
    }
}

fn sources(loader: &Loader, offset: u64) -> Vec<Source> {
    let mut found = Vec::new();
    let Ok(mut frames) = loader.find_frames(offset) else { return found };
    while let Ok(Some(frame)) = frames.next() {
        let Some((file, line)) = frame.location.and_then(|location| Some((location.file?, location.line))) else { continue };
        let function = frame.function.and_then(|function| Some(function.demangle().ok()?.into_owned()));
        found.push(Source { function, file: Some(file.to_owned()), line });
    }
    found
}

/// Where separate debug files are.
#[derive(clap::Args)]
pub(crate) struct DebugFiles {
    /// Where separate debug files lie, as .build-id/xx/yyyy.debug
    #[arg(long, value_name = "DIR", default_value = DEBUG_FILES)]
    debug_files: PathBuf,
}

const DEBUG_FILES: &str = "/usr/lib/debug";

impl Default for DebugFiles {
    fn default() -> Self {
        DebugFiles { debug_files: DEBUG_FILES.into() }
    }
}

impl DebugFiles {
    /// The module's debug information: its own, or that of a separate file; else its symbols alone.
    fn load(&self, module: &Path, id: &str) -> Option<Loader> {
        let separate = self.separate(id);
        let with_lines = [Some(module), separate.as_deref()].into_iter().flatten().find(|file| has_id(file, id, true));
        let file = with_lines.or_else(|| has_id(module, id, false).then_some(module))?;
        Loader::new_with_sup(file, self.supplement(file)).ok()
    }

    /// The separate debug file of a build id.
    fn separate(&self, id: &str) -> Option<PathBuf> {
        let (directory, rest) = id.split_at_checked(2)?;
        // The id is a report's word: it must not lead elsewhere.
        let digits = id.bytes().all(|byte| byte.is_ascii_hexdigit());
        digits.then(|| self.debug_files.join(".build-id").join(directory).join(format!("{rest}.debug")))
    }

    /// The file that dwz moved to what this debug file shares with others.
    fn supplement(&self, path: &Path) -> Option<PathBuf> {
        with_object(path, |file| {
            let (name, id) = file.gnu_debugaltlink().ok()??;
            let (name, id) = (Path::new(str::from_utf8(name).ok()?), hex(id));
            let named = path.parent()?.join(name);
            self.separate(&id).into_iter().chain([named]).find(|file| has_id(file, &id, false))
        })
    }
}

/// True for the very file that a frame is of; where asked, with lines.
fn has_id(path: &Path, id: &str, lines: bool) -> bool {
    with_object(path, |file| {
        let own = file.build_id().ok()??;
        Some(hex(own) == id && (!lines || file.section_by_name(".debug_line").is_some_and(|s| s.size() > 0)))
    }) == Some(true)
}

fn with_object<T>(path: &Path, work: impl FnOnce(&File<&ReadCache<std::fs::File>>) -> Option<T>) -> Option<T> {
    // A report names any path: what is no regular file (a FIFO, a device) is not opened.
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let cache = ReadCache::new(std::fs::File::open(path).ok()?);
    work(&File::parse(&cache).ok()?)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
