//! The buffer that headers are emitted into, held against a plain vector.

use stack::wire::Buffer;

/// Longer packets make nothing new.
const MOST: usize = 4096;

/// `data` is pairs of a choice and a number: bytes at the front, at the end, less of them at either, none.
///
/// # Panics
/// At a finding.
pub fn buffer(data: &[u8]) {
    let Some((capacity, operations)) = data.split_first() else { return };
    let (mut buffer, mut model) = match capacity % 3 {
        0 => (Buffer::default(), Vec::new()),
        1 => (Buffer::with_capacity((*capacity).into()), Vec::new()),
        _ => (Buffer::with_payload(operations), operations.to_vec()),
    };
    for pair in operations.chunks_exact(2) {
        let count = usize::from(pair[1]);
        match pair[0] % 7 {
            0 => {
                let header = buffer.prepend(count);
                assert!(header.iter().all(|byte| *byte == 0), "a header with old bytes");
                header.fill(pair[0]);
                model.splice(0..0, std::iter::repeat_n(pair[0], count));
            }
            1 => {
                buffer.append(pair);
                model.extend(pair);
            }
            2 => {
                buffer.append_zeros(count).fill(pair[1]);
                model.resize(model.len() + count, pair[1]);
            }
            3 => {
                buffer.truncate(count);
                model.truncate(count);
            }
            4 => {
                if let Some(byte) = buffer.get_mut(count) {
                    *byte ^= 1;
                    model[count] ^= 1;
                }
            }
            5 => {
                buffer.trim_front(count);
                model.drain(..count.min(model.len()));
            }
            _ => {
                buffer = buffer.cleared();
                model.clear();
            }
        }
        if model.len() > MOST {
            break;
        }
    }
    assert_eq!(*buffer, *model, "the buffer's bytes");
    let copy = buffer.clone();
    assert_eq!(copy, buffer, "a copy of the buffer");
    let told = model
        .iter()
        .fold(format!("Buffer({} bytes:", model.len()), |text, byte| format!("{text} {byte:02x}"));
    assert_eq!(format!("{buffer:?}"), format!("{told})"), "what is told of the buffer");
    assert_eq!(buffer.into_vec(), model, "the buffer in a vector");
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_buffer_is_its_model() {
        super::buffer(&[0, 0, 3, 1, 9, 2, 4, 4, 1, 3, 6, 0, 200]);
        super::buffer(&[2, 3, 0, 0, 1]);
        super::buffer(&[1, 1, 9, 5, 1, 0, 3, 5, 200, 1, 7, 6, 0, 0, 80]);
    }
}
