//! The pages of the project: links between them hold, and the files that they name exist.
mod common;

use common::server::repository;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders whose files a page names in backquotes.
const FOLDERS: [&str; 9] = ["src/", "crates/", "tests/", "c-tests/", "scripts/", "include/", "docs/", "python/", "packaging/"];

/// Every page: README.md, CHANGELOG.md, those of `docs` and below, and of `c-tests`.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![repository("README.md"), repository("CHANGELOG.md"), repository("c-tests/README.md")];
    let mut folders = vec![repository("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("docs").map(|entry| entry.expect("entry").path()) {
            match entry.is_dir() {
                true => folders.push(entry),
                false if entry.extension().is_some_and(|extension| extension == "md") => pages.push(entry),
                false => {}
            }
        }
    }
    pages
}

fn text_of(page: &Path) -> String {
    fs::read_to_string(page).unwrap_or_else(|error| panic!("{}: {error}", page.display()))
}

/// The lines of a page that are no code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with("    "))
}

/// A heading's name in a link, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter.to_ascii_lowercase() }).collect()
}

/// True when `link`, which stands on `page`, leads to a file, and to a heading if it names one.
fn leads_somewhere(page: &Path, link: &str) -> bool {
    let (path, heading) = link.split_once('#').unwrap_or((link, ""));
    let target = if path.is_empty() { page.to_path_buf() } else { page.with_file_name(path) };
    target.exists()
        && (heading.is_empty()
            || prose(&text_of(&target))
                .any(|line| line.starts_with('#') && anchor(line.trim_start_matches('#').trim()) == heading))
}

#[test]
fn links_between_pages_hold() {
    let mut dead = Vec::new();
    for page in pages() {
        let text = text_of(&page);
        let links = prose(&text).flat_map(|line| line.split("](").skip(1)).filter_map(|rest| Some(rest.split_once(')')?.0));
        let own = links.filter(|link| !link.contains("://") && !leads_somewhere(&page, link));
        dead.extend(own.map(|link| format!("{}: {link}", page.display())));
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn files_that_pages_name_exist() {
    let mut missing = Vec::new();
    for page in pages() {
        let text = text_of(&page);
        let quoted = prose(&text).flat_map(|line| line.split('`').skip(1).step_by(2));
        let paths = quoted.filter(|name| {
            FOLDERS.iter().any(|folder| name.starts_with(folder))
                && !name.contains(|letter| "* {<…".contains(letter))
                && **name == name.to_lowercase()
        });
        missing.extend(paths.filter(|path| !repository(path).exists()).map(|path| format!("{}: {path}", page.display())));
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Every guard that the report knows has a page, and the index leads to every page.
#[test]
fn every_guard_has_its_page() {
    let index = text_of(&repository("docs/guards/README.md"));
    let schema = forkguard_report::schema();
    let guards: Vec<&str> = schema["$defs"]["Guard"]["oneOf"]
        .as_array()
        .expect("guards")
        .iter()
        .filter_map(|guard| guard["const"].as_str())
        .collect();
    assert!(guards.len() >= 10, "{guards:?}");
    for guard in guards {
        assert!(index.contains(&format!("]({guard}.md)")), "{guard} is not in the index");
    }
    for entry in fs::read_dir(repository("docs/guards")).expect("docs/guards") {
        let name = entry.expect("entry").file_name().to_string_lossy().into_owned();
        assert!(name == "README.md" || index.contains(&format!("]({name})")), "{name} is not in the index");
    }
}

/// The table of options in README.md has every option of `crates/options/src/table.rs`.
#[test]
fn every_option_is_in_the_table() {
    let (readme, source) = (text_of(&repository("README.md")), text_of(&repository("crates/options/src/table.rs")));
    let names: Vec<&str> = source.split("name: c\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0)).collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        assert!(readme.contains(&format!("| `{name}` |")), "{name}");
    }
}
