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
        Numbers::between(|byte| b"=,:; \0".contains(&byte))
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

/// Reads numbers that name a descriptor out of the bytes of an argument, which come one by one, the NUL last: the whole argument (`7`), the end
/// of one (`--socket=7`, `/dev/fd/7`), what stands behind `fd`, and a shell's redirections (`>&7`, `7<`). Not that of `sleep 3` in a command.
#[derive(Default)]
pub struct NamedDescriptors {
    /// The three bytes before the number; zeros before the argument's first, one for a number before.
    before: [u8; 3],
    number: Option<i32>,
}

impl NamedDescriptors {
    /// The descriptor whose name ends before this byte.
    pub fn take(&mut self, byte: u8) -> Option<i32> {
        if byte.is_ascii_digit() {
            // A number too large for a descriptor stays too large.
            let longer = self.number.unwrap_or(0).saturating_mul(10).saturating_add(i32::from(byte & 15));
            self.number = Some(longer);
            return None;
        }
        let number = self.number.take();
        let named = number.filter(|_| self.is_name_before(byte));
        if number.is_some() {
            self.push(b'0');
        }
        self.push(byte);
        named
    }

    fn push(&mut self, byte: u8) {
        let [_, two, three] = self.before;
        self.before = [two, three, byte.to_ascii_lowercase()];
    }

    fn is_name_before(&self, next: u8) -> bool {
        match (self.before, next) {
            ([_, b'f', b'd'] | [b'f', b'd', b'/' | b'=' | b':' | b' '] | [_, _, b'&'], _) => true,
            ([.., last], b'<' | b'>') => !last.is_ascii_alphanumeric(),
            ([.., 0 | b'=' | b':' | b'/' | b','], 0 | b',') => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::NamedDescriptors;

    fn names(argument: &str, expected: &[i32]) -> bool {
        let mut reader = NamedDescriptors::default();
        argument.bytes().chain([0]).filter_map(|byte| reader.take(byte)).eq(expected.iter().copied())
    }

    #[test]
    fn arguments_name_descriptors() {
        let named =
            ["7", "--fd=7", "--fd 7 --x", "-fd7", "--socket=7", "/dev/fd/7", "cat <&7", "exec 7>out", "FD=7 ./helper", "fd:7"];
        named.into_iter().for_each(|argument| assert!(names(argument, &[7]), "{argument}"));
        assert!(names("3,4", &[3, 4]));
        assert!(names("2>&1", &[2, 1]));
    }

    #[test]
    fn other_numbers_name_none() {
        let others = ["sleep 3", "-n3", "python3", "k7>out", "head -3 file", "3 times", "99999999999999999999x"];
        others.into_iter().for_each(|argument| assert!(names(argument, &[]), "{argument}"));
    }
}
