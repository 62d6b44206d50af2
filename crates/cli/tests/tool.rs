//! The tool as a person meets it: help, completions, the manual, explanations.
use forkguard_report::event::FindingKind;
use std::process::{Command, Output};

fn tool(arguments: &[&str]) -> Command {
    let mut tool = Command::new(env!("CARGO_BIN_EXE_forkguard"));
    tool.args(arguments);
    for name in ["COLUMNS", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        tool.env_remove(name);
    }
    tool
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

/// What it printed; it succeeded and complained of nothing.
fn printed(arguments: &[&str]) -> String {
    let output: Output = tool(arguments).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    text(&output.stdout).to_owned()
}

#[test]
fn explain_lists_all_kinds() {
    let list = printed(&["explain", "--list"]);
    for kind in FindingKind::ALL {
        assert!(list.contains(&format!("  {} ", kind.name())), "{}: {list}", kind.name());
        let explained = printed(&["explain", kind.name()]);
        for part in ["What", "When", "Severity", "Reproduce", "Cure", "Cannot know", "The place"] {
            assert!(explained.contains(&format!("\n{part}\n")), "{}: {part}: {explained}", kind.name());
        }
        assert!(explained.lines().all(|line| line.starts_with("    ") || line.chars().count() <= 80), "{explained}");
    }
    insta::assert_snapshot!("explain", printed(&["explain", "timer-lost"]));
}

#[test]
fn explain_takes_the_id_of_a_finding() {
    assert_eq!(printed(&["explain", "12.1:thread-lost:7"]), printed(&["explain", "thread-lost"]));
}

#[test]
fn a_misspelt_kind_is_told_apart() {
    let output = tool(&["explain", "lock-orphan"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        "forkguard: no kind of finding is called lock-orphan; lock-orphaned?\n  next: forkguard explain lock-orphaned\n"
    );
    let output = tool(&["explain", "\u{1b}[2J"]).output().unwrap();
    let complaint = "forkguard: no kind of finding is called \\u{1b}[2J\n  next: forkguard explain --list\n";
    assert_eq!(text(&output.stderr), complaint);
}

/// What the page says that a command prints.
fn pasted(page: &str, command: &str) -> Vec<String> {
    let block = page.split(&format!("\n    $ {command}\n")).nth(1).unwrap();
    let lines = block.lines().map_while(|line| if line.is_empty() { Some("") } else { line.strip_prefix("    ") });
    lines.filter(|line| !matches!(line.trim(), "" | "…")).map(str::to_owned).collect()
}

#[test]
fn the_page_of_the_tool_shows_what_it_prints() {
    let page = include_str!("../../../docs/tool.md");
    let mut report = tool(&["report", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shop")]);
    let report = report.env("COLUMNS", "110").output().unwrap();
    let explained = printed(&["explain", "timer-lost"]);
    for (command, output) in
        [("forkguard report /srv/reports", text(&report.stdout)), ("forkguard explain timer-lost", &explained)]
    {
        let pasted = pasted(page, command);
        assert!(pasted.len() > 10, "{pasted:?}");
        for line in pasted {
            assert!(output.lines().any(|printed| printed == line), "{command} does not print {line}");
        }
    }
    for command in ["report", "explain", "inspect", "resolve", "clean", "completions", "man"] {
        assert!(
            page.contains(&format!("\n    forkguard {command} ")) || page.contains(&format!("\n    forkguard {command}\n")),
            "{command}"
        );
    }
}

#[test]
fn colours_are_printed_where_they_are_wanted() {
    assert!(!printed(&["explain", "--list"]).contains('\u{1b}'));
    assert!(printed(&["explain", "--list", "--color", "always"]).contains("\u{1b}[1m"));
    let never = tool(&["explain", "--list", "--color", "never"]).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(!text(&never.stdout).contains('\u{1b}'));
}

#[test]
fn shells_complete_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = printed(&["completions", shell]);
        for command in ["clean", "completions", "explain", "man", "report", "resolve"] {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
    let script = printed(&["completions", "bash"]);
    let sourced = Command::new("bash").args(["-c", &format!("{script}\ncomplete -p forkguard")]).output().unwrap();
    assert!(sourced.status.success(), "{sourced:?}");
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let page = printed(&["man"]);
    assert!(page.contains(".TH forkguard 1") && page.contains("Examples:"), "{page}");
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(printed(&["man", "--dir", directory.path().to_str().unwrap()]), "");
    for name in ["forkguard.1", "forkguard-report.1", "forkguard-explain.1"] {
        assert!(directory.path().join(name).is_file(), "{name}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    for arguments in [&["explain", "--list"][..], &["man"], &["completions", "bash"], &["explain", "thread-lost"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = tool(arguments).stdout(writer).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
    }
}
