//! Short texts, and how much of a file is read.

/// Names that are longer are cut; paths are left out.
pub const NAME: usize = 200;
pub(crate) const PATH: usize = 500;

/// A short text as the file has it: bytes.
pub struct Bytes<const N: usize> {
    length: usize,
    bytes: [u8; N],
}

impl<const N: usize> Bytes<N> {
    pub(crate) const fn new() -> Bytes<N> {
        Bytes { length: 0, bytes: [0; N] }
    }

    pub(crate) fn clear(&mut self) {
        self.length = 0;
    }

    /// False when there is no room.
    pub(crate) fn push(&mut self, byte: u8) -> bool {
        let place = self.bytes.get_mut(self.length);
        let room = place.is_some();
        if let Some(place) = place {
            *place = byte;
            self.length += 1;
        }
        room
    }

    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// At most so many addresses are looked up together.
pub const TOGETHER: usize = 32;
