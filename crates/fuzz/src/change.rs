//! Changes of what a corpus holds: the same ones in the same order for the same seed.

/// Numbers that lengths and offsets go wrong at.
const EDGES: [u64; 10] = [0, 1, 0x7f, 0x80, 0xff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, i64::MAX as u64, u64::MAX];
/// No input grows beyond it.
const LONGEST: usize = 1 << 16;

/// A source of changes.
pub struct Changes(u64);

impl Changes {
    /// The changes of this seed.
    pub fn new(seed: u64) -> Changes {
        Changes(seed | 1)
    }

    /// xorshift64 (Marsaglia, 2003).
    fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`; 0 where that is 0.
    fn below(&mut self, end: usize) -> usize {
        (self.number() % end.max(1) as u64) as usize
    }

    /// One of the corpus's inputs with a few changes: bytes, words, parts of it and of another input.
    pub fn of(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = corpus[self.below(corpus.len())].clone();
        for _ in 0..=self.below(4) {
            self.change(&mut input, corpus);
        }
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        let length = self.below(32).min(input.len() - at);
        match self.below(6) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 if at < input.len() => input[at] = self.number() as u8,
            2 => {
                let number = EDGES[self.below(EDGES.len())].to_le_bytes();
                let size = [1, 2, 4, 8][self.below(4)].min(input.len() - at);
                input[at..at + size].copy_from_slice(&number[..size]);
            }
            3 => _ = input.drain(at..at + length),
            4 => input.truncate(at),
            _ => {
                let other = &corpus[self.below(corpus.len())];
                let from = self.below(other.len() + 1);
                let part = &other[from..(from + self.below(64)).min(other.len())];
                input.splice(at..at + length, part.iter().copied());
            }
        }
        input.truncate(LONGEST);
    }
}
