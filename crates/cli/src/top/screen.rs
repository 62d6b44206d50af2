//! What is drawn: a table, one process, or the keys.
use super::keys::{Page, Steering};
use super::plain::NUMBERS;
use super::rows::{HEADS, Row};
use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Text};
use ratatui::widgets::{Cell, Paragraph, Row as Cells, Table, TableState};

/// Widths of the columns but for the name and the state, which share the rest.
const WIDTHS: [u16; 8] = [7, 14, 6, 6, 6, 4, 13, 0];
/// The name has more room where there is more.
const WIDE: u16 = 120;
const WIDE_NAME: u16 = 32;

const KEYS: &str = "q end  ↑↓ move  Enter stacks  s sort  ? help";

const HELP: [&str; 14] = [
    "q, Esc       ends, or goes back to the table",
    "↑ ↓, j k     another process, or another line",
    "PgUp, PgDn   ten of them",
    "Home, End    the first, the last (g, G)",
    "Enter        the process with its threads and their stacks",
    "s            sorts: tree, PSS, growth, CPU, age",
    "?            these keys",
    "",
    "PSS          memory, that which is shared by halves, thirds …",
    "GROWTH       private memory that came since the worker began to wait for work, or since this was started",
    "CPU%         of one processor, in the last second",
    "FINDINGS     what the library has found in it: what bit (hit), what may (open)",
    "STATE        red: it hangs in a wait that no thread of its own can end",
    "",
];

/// Draws the page that the keys have come to.
pub(super) fn draw(frame: &mut Frame, steering: &Steering, rows: &[Row], details: Option<&[String]>) {
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Fill(1), Constraint::Length(1)]).areas(frame.area());
    frame.render_widget(Line::from(title(steering, rows)).style(Modifier::BOLD), head);
    match steering.page {
        Page::Table => table(frame, body, steering, rows),
        Page::Details { line, .. } => match details {
            Some(lines) => frame.render_widget(text(lines.iter().skip(line)), body),
            None => frame.render_widget("looking …", body),
        },
        Page::Help => frame.render_widget(text(HELP.iter()), body),
    }
    frame.render_widget(Line::from(KEYS).style(Modifier::DIM), foot);
}

fn title(steering: &Steering, rows: &[Row]) -> String {
    let hang = rows.iter().filter(|row| row.hangs.is_some()).count();
    let hang = if hang == 0 { String::new() } else { format!(", {hang} hung") };
    match steering.page {
        Page::Table => format!("forkguard top: {} processes{hang}, by {}", rows.len(), steering.order.name()),
        Page::Details { pid, .. } => format!("forkguard top: process {pid}"),
        Page::Help => "forkguard top: keys and columns".to_owned(),
    }
}

fn text<'a>(lines: impl Iterator<Item = &'a (impl AsRef<str> + ?Sized + 'a)>) -> Paragraph<'a> {
    Paragraph::new(Text::from(lines.map(|line| Line::from(line.as_ref())).collect::<Vec<_>>()))
}

fn table(frame: &mut Frame, area: Rect, steering: &Steering, rows: &[Row]) {
    if rows.is_empty() {
        return frame
            .render_widget("No process of yours has forked under forkguard's library. It is looked for every second.", area);
    }
    let mut widths = WIDTHS;
    if area.width >= WIDE {
        widths[1] = WIDE_NAME;
    }
    let last = widths.len() - 1;
    let constraints = widths.iter().enumerate().map(|(column, &width)| match column == last {
        true => Constraint::Fill(1),
        false => Constraint::Length(width),
    });
    let shown = rows.iter().map(|row| Cells::new(cells(row.cells())).style(colour(row)));
    let table = Table::new(shown, constraints)
        .header(Cells::new(cells(HEADS.map(str::to_owned))).style(Modifier::UNDERLINED))
        .column_spacing(1)
        .row_highlight_style(Modifier::REVERSED);
    frame.render_stateful_widget(table, area, &mut TableState::default().with_selected(steering.row));
}

fn cells(texts: [String; 8]) -> impl Iterator<Item = Cell<'static>> {
    texts.into_iter().zip(NUMBERS).map(|(text, number)| {
        let side = if number { Alignment::Right } else { Alignment::Left };
        Cell::from(Text::from(text).alignment(side))
    })
}

fn colour(row: &Row) -> Style {
    match (&row.hangs, row.findings.hit) {
        (Some(_), _) => Style::new().fg(Color::Red),
        (None, 1..) => Style::new().fg(Color::Yellow),
        _ => Style::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::Order;
    use super::super::samples::rows;
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    fn drawn(columns: u16, steering: Steering, details: Option<&[String]>) -> String {
        let mut terminal = Terminal::new(TestBackend::new(columns, 10)).unwrap();
        let rows = steering.order.sorted(&rows());
        terminal.draw(|frame| draw(frame, &steering, &rows, details)).unwrap();
        terminal.backend().to_string()
    }

    fn has(drawn: &str, parts: &[&str]) {
        parts.iter().for_each(|part| assert!(drawn.contains(part), "{part} is missing:\n{drawn}"));
    }

    #[test]
    fn a_table_at_any_width() {
        let table = Steering::default();
        insta::assert_snapshot!("table_80", drawn(80, table, None));
        insta::assert_snapshot!("table_200", drawn(200, table, None));
        has(&drawn(80, Steering { order: Order::Age, ..table }, None), &["by age"]);
        // Nothing panics however small the terminal is.
        (1..80).for_each(|columns| drop(drawn(columns, table, None)));
    }

    #[test]
    fn one_process_and_the_keys() {
        let lines: Vec<String> = (0..30).map(|line| format!("line {line}")).collect();
        let details = Steering { page: Page::Details { pid: 4712, line: 3 }, ..Steering::default() };
        let page = drawn(80, details, Some(&lines));
        has(&page, &["process 4712", "line 3", "line 10"]);
        assert!(!page.contains("line 0"), "{page}");
        has(&drawn(80, Steering { page: Page::Help, ..Steering::default() }, None), &["keys and columns", "Enter "]);
    }
}
