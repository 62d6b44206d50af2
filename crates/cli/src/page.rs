//! `docs/findings.md`, which the tool carries with it: the one source of what a kind of finding means.
use forkguard_report::event::FindingKind;

const PAGE: &str = include_str!("../../../docs/findings.md");

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Block {
    /// Prose on one line, with the label that it begins with: "What", "Cure".
    Prose(Option<String>, String),
    /// Lines of an example.
    Code(Vec<String>),
    /// Something and what is said of it.
    Item(String, String),
}

/// The section of a kind, as Markdown.
pub(crate) fn section(kind: FindingKind) -> &'static str {
    let heading = format!("\n## {}\n", kind.name());
    let start = PAGE.find(&heading).map_or(PAGE.len(), |at| at + heading.len());
    let rest = &PAGE[start..];
    rest.split("\n## ").next().unwrap_or_default().trim()
}

/// The section of a kind, block by block.
pub(crate) fn blocks(kind: FindingKind) -> Vec<Block> {
    parse(section(kind))
}

/// The first block of a kind's section with this label.
pub(crate) fn part(kind: FindingKind, label: &str) -> Option<String> {
    blocks(kind).into_iter().find_map(|block| match block {
        Block::Prose(Some(found), text) if found == label => Some(text),
        _ => None,
    })
}

/// The row of a kind in the tables at the top: what it is, and its severity.
pub(crate) fn summary(kind: FindingKind) -> (String, String) {
    let row = PAGE.lines().map(cells).find(|cells| cells.len() == 3 && cells[0] == kind.name());
    row.map(|mut cells| (cells.swap_remove(1), cells.swap_remove(1))).unwrap_or_default()
}

/// Where each server runs code of the application in a new worker.
pub(crate) fn places() -> Vec<(String, String)> {
    let table = PAGE.lines().skip_while(|line| *line != "| server | the place |").skip(2);
    table.map_while(|line| <[String; 2]>::try_from(cells(line)).ok().map(Into::into)).collect()
}

/// The cells of a table's row; none of another line.
fn cells(line: &str) -> Vec<String> {
    let row = line.strip_prefix("| ").and_then(|row| row.strip_suffix(" |"));
    row.map(|row| row.split(" | ").map(plain).collect()).unwrap_or_default()
}

fn parse(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            blocks.push(Block::Code(lines.by_ref().take_while(|line| !line.starts_with("```")).map(str::to_owned).collect()));
        } else if let cells @ [_, _, ..] = &*cells(line) {
            blocks.extend((!line.starts_with("|--")).then(|| Block::Item(cells[0].clone(), cells[1..].join("; "))));
        } else if !line.is_empty() && !line.starts_with('|') {
            let mut prose = line.to_owned();
            while let Some(more) =
                lines.next_if(|next| !next.is_empty() && !next.starts_with(['|', '-']) && !next.starts_with("```"))
            {
                prose = prose + " " + more.trim();
            }
            blocks.push(labelled(&prose));
        }
    }
    blocks
}

/// `**What.** …` with its label taken off; an item of a list with a dash for it.
fn labelled(prose: &str) -> Block {
    match prose.strip_prefix("**").and_then(|rest| rest.split_once(".**")) {
        Some((label, text)) => Block::Prose(Some(label.to_owned()), plain(text.trim())),
        None => match prose.strip_prefix("- ") {
            Some(item) => Block::Item("-".to_owned(), plain(item)),
            None => Block::Prose(None, plain(prose)),
        },
    }
}

/// Markdown as plain words: links are their text, backquotes and stars go.
fn plain(markdown: &str) -> String {
    let mut text = String::new();
    let mut rest = markdown;
    while let Some((before, (label, after))) =
        rest.split_once('[').and_then(|(before, rest)| Some((before, rest.split_once("](")?)))
    {
        text += before;
        text += label;
        rest = after.split_once(')').map_or("", |(_, rest)| rest);
    }
    (text + rest).replace("**", "").replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_on_the_page() {
        for kind in FindingKind::ALL {
            let (what, severity) = summary(kind);
            assert!(!what.is_empty() && !severity.is_empty(), "{}", kind.name());
            assert!(part(kind, "What").is_some_and(|text| text.starts_with(kind.explain())), "{}", kind.name());
            for label in ["When", "Severity", "Cure", "Cannot know"] {
                assert!(part(kind, label).is_some(), "{}: {label}", kind.name());
            }
            assert!(blocks(kind).iter().any(|block| matches!(block, Block::Code(_))), "{}", kind.name());
        }
    }

    #[test]
    fn places_of_servers() {
        let servers: Vec<String> = places().into_iter().map(|(server, _)| server).collect();
        for server in ["gunicorn", "uWSGI", "Unicorn", "Puma", "celery", "php-fpm", "multiprocessing"] {
            assert!(servers.iter().any(|it| it == server), "{server}: {servers:?}");
        }
    }

    #[test]
    fn markdown_becomes_words() {
        assert_eq!(plain("a [link](x.md#y), `code` and **bold**"), "a link, code and bold");
        let blocks = parse("**What.** One\n`two`.\n```c\nint x;\n```\n- first\n  goes on\n");
        assert_eq!(
            blocks,
            [
                Block::Prose(Some("What".into()), "One two.".into()),
                Block::Code(vec!["int x;".into()]),
                Block::Item("-".into(), "first goes on".into())
            ]
        );
    }
}
