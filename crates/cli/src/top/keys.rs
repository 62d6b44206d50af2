//! What keys do: a state, and the next one.
use super::rows::Order;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Rows that page up and page down move by.
const PAGE: usize = 10;

/// What is on the screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Page {
    #[default]
    Table,
    /// One process, from this line on.
    Details {
        pid: u32,
        line: usize,
    },
    Help,
}

/// What the keys have come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Steering {
    pub(super) page: Page,
    pub(super) order: Order,
    /// The row that is marked.
    pub(super) row: usize,
    pub(super) ends: bool,
}

impl Steering {
    /// After a key; `pids` are the rows of the table, `lines` those of the details.
    pub(super) fn press(mut self, key: KeyEvent, pids: &[u32], lines: usize) -> Steering {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match (key.code, self.page) {
            (KeyCode::Char('c'), _) if control => self.ends = true,
            (KeyCode::Char('q') | KeyCode::Esc, Page::Table) => self.ends = true,
            (KeyCode::Char('q') | KeyCode::Esc | KeyCode::Backspace | KeyCode::Left, _) => self.page = Page::Table,
            (KeyCode::Char('?' | 'h'), Page::Help) => self.page = Page::Table,
            (KeyCode::Char('?' | 'h'), _) => self.page = Page::Help,
            (KeyCode::Char('s'), Page::Table) => self.order = self.order.next(),
            (KeyCode::Enter | KeyCode::Right, Page::Table) => {
                if let Some(&pid) = pids.get(self.row) {
                    self.page = Page::Details { pid, line: 0 };
                }
            }
            (KeyCode::Enter, _) => self.page = Page::Table,
            (code, Page::Table) => self.row = moved(self.row, code, pids.len()),
            (code, Page::Details { pid, line }) => self.page = Page::Details { pid, line: moved(line, code, lines) },
            _ => {}
        }
        self
    }

    /// The mark stays within the table.
    pub(super) fn within(self, rows: usize) -> Steering {
        Steering { row: self.row.min(rows.saturating_sub(1)), ..self }
    }
}

/// Where a key leads from `place` in a list.
fn moved(place: usize, code: KeyCode, length: usize) -> usize {
    let last = length.saturating_sub(1);
    match code {
        KeyCode::Up | KeyCode::Char('k') => place.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => (place + 1).min(last),
        KeyCode::PageUp => place.saturating_sub(PAGE),
        KeyCode::PageDown | KeyCode::Char(' ') => (place + PAGE).min(last),
        KeyCode::Home | KeyCode::Char('g') => 0,
        KeyCode::End | KeyCode::Char('G') => last,
        _ => place,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(keys: &str) -> Steering {
        let press = |steering: Steering, letter| {
            let code = match letter {
                '\n' => KeyCode::Enter,
                '^' => KeyCode::Esc,
                letter => KeyCode::Char(letter),
            };
            steering.press(code.into(), &[10, 11, 12], 100)
        };
        keys.chars().fold(Steering::default(), press)
    }

    #[test]
    fn keys_as_people_expect() {
        assert_eq!(pressed("jjjjk").row, 1);
        assert_eq!(pressed("G").row, 2);
        assert_eq!(pressed("j\n").page, Page::Details { pid: 11, line: 0 });
        assert_eq!(pressed("\njj").page, Page::Details { pid: 10, line: 2 });
        assert_eq!(pressed("\nq").page, Page::Table);
        assert_eq!(pressed("?").page, Page::Help);
        assert_eq!(pressed("??").page, Page::Table);
        assert_eq!(pressed("ss").order, Order::Growth);
        assert!(pressed("q").ends && pressed("^").ends && !pressed("\n^").ends);
        let control = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert!(pressed("\n").press(control, &[], 0).ends);
        assert_eq!(pressed("G").within(1).row, 0);
    }
}
