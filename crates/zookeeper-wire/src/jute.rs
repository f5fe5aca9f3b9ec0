//! Jute: big endian, strings and buffers with their length before them.

/// Bytes that do not decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed bytes: {expected} expected at offset {offset}")]
pub struct Malformed {
    /// What should have been there.
    pub expected: &'static str,
    /// Where, in bytes from the start.
    pub offset: usize,
}

/// Writes jute.
///
/// ```
/// use zookeeper_wire::{Decoder, Encoder};
///
/// let mut encoder = Encoder::new();
/// encoder.int(7).string("/a").bool(true);
/// let bytes = encoder.finish();
/// let mut decoder = Decoder::new(&bytes);
/// assert_eq!((decoder.int()?, decoder.string()?, decoder.bool()?), (7, "/a".to_owned(), true));
/// # Ok::<(), zookeeper_wire::Malformed>(())
/// ```
#[derive(Debug, Default)]
pub struct Encoder(Vec<u8>);

impl Encoder {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One byte.
    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.0.push(u8::from(value));
        self
    }

    /// Four bytes.
    pub fn int(&mut self, value: i32) -> &mut Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    /// Eight bytes.
    pub fn long(&mut self, value: i64) -> &mut Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    /// Length and bytes. Lengths above `i32::MAX` cannot be said; they are cut to it.
    pub fn buffer(&mut self, value: &[u8]) -> &mut Self {
        self.int(i32::try_from(value.len()).unwrap_or(i32::MAX));
        self.0.extend(value);
        self
    }

    /// As [`buffer`](Self::buffer); `None` is null, which is not the same as empty.
    pub fn nullable_buffer(&mut self, value: Option<&[u8]>) -> &mut Self {
        match value {
            Some(value) => self.buffer(value),
            None => self.int(-1),
        }
    }

    /// Length and UTF-8.
    pub fn string(&mut self, value: &str) -> &mut Self {
        self.buffer(value.as_bytes())
    }

    /// A count and the items, each written by `item`.
    pub fn vector<T>(
        &mut self,
        items: impl ExactSizeIterator<Item = T>,
        mut item: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.int(i32::try_from(items.len()).unwrap_or(i32::MAX));
        items.for_each(|value| item(self, value));
        self
    }

    /// Bytes as they are, that another one has written, say.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend(bytes);
        self
    }

    /// What was written.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Reads jute.
#[derive(Debug, Clone)]
pub struct Decoder<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Decoder<'a> {
    /// At the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// One byte; anything but 0 is true.
    pub fn bool(&mut self) -> Result<bool, Malformed> {
        Ok(self.take(1, "a bool")?[0] != 0)
    }

    /// Four bytes.
    pub fn int(&mut self) -> Result<i32, Malformed> {
        Ok(i32::from_be_bytes(self.array("an int")?))
    }

    /// Eight bytes.
    pub fn long(&mut self) -> Result<i64, Malformed> {
        Ok(i64::from_be_bytes(self.array("a long")?))
    }

    /// Length and bytes, which are not copied; null reads as empty.
    pub fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        match self.int()? {
            -1 => Ok(&[]),
            length => {
                let length = usize::try_from(length).map_err(|_| self.malformed("a length"))?;
                self.take(length, "a buffer")
            }
        }
    }

    /// Length and UTF-8, which are not copied; null reads as empty.
    pub fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| self.malformed("UTF-8"))
    }

    /// Length and bytes; null reads as empty.
    pub fn buffer(&mut self) -> Result<Vec<u8>, Malformed> {
        Ok(self.nullable_buffer()?.unwrap_or_default())
    }

    /// Length and bytes; null reads as `None`.
    pub fn nullable_buffer(&mut self) -> Result<Option<Vec<u8>>, Malformed> {
        match self.int()? {
            -1 => Ok(None),
            length => {
                let length = usize::try_from(length).map_err(|_| self.malformed("a length"))?;
                Ok(Some(self.take(length, "a buffer")?.to_vec()))
            }
        }
    }

    /// Length and UTF-8; null reads as empty.
    pub fn string(&mut self) -> Result<String, Malformed> {
        String::from_utf8(self.buffer()?).map_err(|_| self.malformed("UTF-8"))
    }

    /// Length and text, as Java reads it: what is not UTF-8 is replaced, and null is `None`.
    pub fn lossy_string(&mut self) -> Result<Option<String>, Malformed> {
        let bytes = self.nullable_buffer()?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// A count and that many items; null reads as empty.
    pub fn vector<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        (0..self.int()?).map(|_| item(self)).collect()
    }

    /// Whether everything was read.
    pub fn is_empty(&self) -> bool {
        self.offset == self.bytes.len()
    }

    fn take(&mut self, count: usize, expected: &'static str) -> Result<&'a [u8], Malformed> {
        let rest = &self.bytes[self.offset..];
        let taken = rest.get(..count).ok_or_else(|| self.malformed(expected))?;
        self.offset += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, expected: &'static str) -> Result<[u8; N], Malformed> {
        let malformed = self.malformed(expected);
        self.take(N, expected)?.try_into().map_err(|_| malformed)
    }

    pub(crate) fn malformed(&self, expected: &'static str) -> Malformed {
        Malformed { expected, offset: self.offset }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_reads_as_empty() {
        let mut encoder = Encoder::new();
        encoder.int(-1).int(-1);
        let bytes = encoder.finish();
        let mut decoder = Decoder::new(&bytes);
        assert_eq!(decoder.string(), Ok(String::new()));
        assert_eq!(decoder.vector(Decoder::int), Ok(vec![]));
        assert!(decoder.is_empty());
    }

    #[test]
    fn truncation_and_bad_lengths_are_told() {
        assert_eq!(Decoder::new(&[0, 0]).int(), Err(Malformed { expected: "an int", offset: 0 }));
        assert_eq!(
            Decoder::new(&[0, 0, 0, 9, 1]).buffer(),
            Err(Malformed { expected: "a buffer", offset: 4 })
        );
        assert_eq!(Decoder::new(&[0xff; 3]).long(), Err(Malformed { expected: "a long", offset: 0 }));
        assert!(Decoder::new(&[0x80, 0, 0, 0]).buffer().is_err());
    }
}
