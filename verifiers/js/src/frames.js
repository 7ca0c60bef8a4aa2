// Files one after the other on a stream, each as 4 bytes of its length (big-endian) and its bytes.

/** Yields the files; throws where the stream ends inside one. */
export async function* readFrames(stream) {
  let buffer = Buffer.alloc(0);
  const chunks = stream[Symbol.asyncIterator]();
  const fill = async (length) => {
    const parts = [buffer];
    let total = buffer.length;
    while (total < length) {
      const { value, done } = await chunks.next();
      if (done) break;
      parts.push(value);
      total += value.length;
    }
    buffer = parts.length === 1 ? buffer : Buffer.concat(parts);
    return total >= length;
  };
  for (;;) {
    if (!(await fill(4))) {
      if (buffer.length === 0) return;
      throw new Error('the input ends inside a file');
    }
    const length = buffer.readUInt32BE(0);
    if (!(await fill(4 + length))) throw new Error('the input ends inside a file');
    // A copy: files may be examined after the buffer has moved on.
    yield new Uint8Array(buffer.subarray(4, 4 + length));
    buffer = buffer.subarray(4 + length);
  }
}
