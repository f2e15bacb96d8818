/**
 * Reads a header field that the message can be served without; one that is malformed counts as absent. RFC 3261 §8.2.2:
 * a UAS "SHOULD ignore any malformed header fields that are not necessary for processing requests".
 */
export function readOr<Value>(absent: Value, read: () => Value): Value {
  try {
    return read()
  } catch {
    return absent
  }
}
