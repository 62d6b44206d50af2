//! Memory that frames are read from.

/// The memory of a process, read by address.
pub trait Memory: Copy {
    /// Fills `into` from `address`; false when that cannot be.
    fn read(self, address: usize, into: &mut [u8]) -> bool;

    /// A value.
    #[inline(always)]
    fn value<V: Value>(self, address: usize) -> Option<V> {
        V::read(self, address)
    }
}

/// What a memory can hold: integers, and words in a row.
pub trait Value: Sized {
    /// The value at an address; None when it cannot be read.
    fn read(memory: impl Memory, address: usize) -> Option<Self>;
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl Value for $integer {
            #[inline(always)]
            fn read(memory: impl Memory, address: usize) -> Option<Self> {
                let mut bytes = [0; size_of::<$integer>()];
                memory.read(address, &mut bytes).then(|| Self::from_ne_bytes(bytes))
            }
        }
    )*};
}
integers!(u8, u32, i32, usize);

impl<const N: usize> Value for [usize; N] {
    #[inline(always)]
    fn read(memory: impl Memory, address: usize) -> Option<Self> {
        let mut bytes = [[0; size_of::<usize>()]; N];
        memory.read(address, bytes.as_flattened_mut()).then(|| bytes.map(usize::from_ne_bytes))
    }
}

/// Bytes of an object, read in chunks.
pub struct Bytes<M> {
    memory: M,
    address: usize,
    left: usize,
    chunk: [u8; 128],
    at: usize,
    filled: usize,
}

impl<M: Memory> Bytes<M> {
    /// The `length` bytes from `address` on.
    pub fn new(memory: M, address: usize, length: usize) -> Bytes<M> {
        Bytes { memory, address, left: length, chunk: [0; 128], at: 0, filled: 0 }
    }
}

impl<M: Memory> Iterator for Bytes<M> {
    type Item = u8;

    #[inline]
    fn next(&mut self) -> Option<u8> {
        if self.at == self.filled {
            let take = self.left.min(self.chunk.len());
            if take == 0 || !self.memory.read(self.address, &mut self.chunk[..take]) {
                return None;
            }
            (self.at, self.filled) = (0, take);
            self.address += take;
            self.left -= take;
        }
        self.at += 1;
        Some(self.chunk[self.at - 1])
    }
}
