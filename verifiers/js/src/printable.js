// Text from a file, made safe to show: controls and marks that reorder or hide text become visible.

const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/gu;

/** Keeps line feeds and tabs only where `lines` is set. */
export function printable(text, lines = false) {
  const shown = text.replace(
    HIDDEN,
    (mark) => `[U+${mark.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}]`,
  );
  return lines ? shown : shown.replace(/[\n\t]/g, (mark) => (mark === '\n' ? '[U+000A]' : '[U+0009]'));
}
