//! Decimal numbers in strings that a program is given.

/// Reads numbers out of the bytes of a string, which come one by one, the NUL last.
pub struct Numbers {
    number: Option<i32>,
    /// Nothing but digits since the last separator.
    whole: bool,
    separates: fn(u8) -> bool,
}

impl Numbers {
    /// Of an argument: every run of digits (`7`, `--fd=7`, `-f7`, `/dev/fd/7`).
    pub fn of_argument() -> Numbers {
        Numbers::between(|byte| !byte.is_ascii_digit())
    }

    /// Of a variable of the environment: one that is a whole value, or one of a list. That of `UTF-8` is none.
    pub fn of_variable() -> Numbers {
        Numbers::between(|byte| b"=,: \0".contains(&byte))
    }

    fn between(separates: fn(u8) -> bool) -> Numbers {
        Numbers { number: None, whole: true, separates }
    }

    /// The number that ends before this byte.
    pub fn take(&mut self, byte: u8) -> Option<i32> {
        if (self.separates)(byte) {
            self.whole = true;
            return self.number.take();
        }
        let digit = byte.is_ascii_digit() && self.whole;
        let longer = self.number.unwrap_or(0).checked_mul(10).and_then(|n| n.checked_add(i32::from(byte & 15)));
        self.number = longer.filter(|_| digit);
        self.whole = self.number.is_some();
        None
    }
}
