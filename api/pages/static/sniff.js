// Refusals before a byte is sent: by the file's first bytes and its size, as the server will decide, never by its name.

import { bytes } from "./format.js";

const HEAD = 32;

/** The type that the first bytes name, or null. */
export function typeOf(head) {
  const text = String.fromCharCode(...head);
  if (text.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  if (text.startsWith("GIF87a") || text.startsWith("GIF89a")) return "image/gif";
  if (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP") return "image/webp";
  if (text.startsWith("BM")) return "image/bmp";
  if (/^(?:II[*+]\0|MM\0[*+])/.test(text)) return "image/tiff";
  if (text.slice(4, 8) === "ftyp" && /avi[fs]/.test(text.slice(8))) return "image/avif";
  return null;
}

/**
 * Look at a file.
 * @returns {{type: string, refusal: string}} `refusal` is empty for a file that may be uploaded.
 */
export async function examine(file, maxSize) {
  if (file.size === 0) return refuse("The file is empty.");
  if (file.size > maxSize) return refuse(tooLarge(file.size, maxSize));
  let head;
  try {
    head = new Uint8Array(await file.slice(0, HEAD).arrayBuffer());
  } catch {
    return refuse("The file can not be read; choose it again.");
  }
  const type = typeOf(head);
  return type ? { type, refusal: "" } : refuse("Not an image of a supported type.");
}

function tooLarge(size, maxSize) {
  const rounded = bytes(size) === bytes(maxSize);
  const [found, limit] = rounded ? [`${size} bytes`, `${maxSize} bytes`] : [bytes(size), bytes(maxSize)];
  return `The file has ${found}; the limit is ${limit}.`;
}

function refuse(refusal) {
  return { type: "", refusal };
}
