// Whether the server has a file whose answer never came: sending it again would store it twice.

import { address, askTimed } from "./http.js";

const SLACK_MS = 3000; // the server tells its time in whole seconds, and the question takes its own
const LOOKS_MS = [0, 1000, 2000]; // what a reload has cut off may just be stored

export class Reconciler {
  #label;
  #claimed = new Set();

  constructor(label) {
    this.#label = label;
  }

  /** An image that came of an item is no other item's, however alike the two files are. */
  claim(key) {
    if (key) this.#claimed.add(key);
  }

  /**
   * The image that came of sending `file` for `item` since `item.sentAt`, or null: then it may be sent again.
   * @param wanted () -> whether anybody still waits for the answer.
   * @throws {Refused} when the server does not say.
   */
  async find(item, file, wanted) {
    if (!crypto.subtle) return null; // only on https and localhost
    for (const wait of LOOKS_MS) {
      await new Promise((resolve) => setTimeout(resolve, wait));
      const image = wanted() ? await this.#look(item, file) : null;
      if (image) return image;
    }
    return null;
  }

  async #look(item, file) {
    const name = item.name.split(/[\\/]/).pop().normalize().trim(); // as the server keeps it
    const since = (item.sentAt ?? 0) - SLACK_MS;
    let cursor = null;
    let digest = null;
    do {
      const query = new URLSearchParams({ limit: 100, ...(cursor && { cursor }) });
      const { members, ahead } = await this.#page(query);
      // Newest first; what was stored before this file was first sent is another upload of the same picture.
      const recent = members.images.filter((image) => Date.parse(image.uploaded_at) >= since + ahead);
      for (const image of recent) {
        if (image.file_size !== file.size || image.original_filename !== name || this.#claimed.has(image.key)) continue;
        digest ??= await sha256(file);
        if (image.sha256 !== digest || this.#claimed.has(image.key)) continue;
        this.claim(image.key); // at once: an item just like this one may be looking too
        return image;
      }
      cursor = recent.length === members.images.length ? members.cursor : null;
    } while (cursor);
    return null;
  }

  async #page(query) {
    try {
      return await askTimed("GET", address(`/api/images/${this.#label}?${query}`));
    } catch (refused) {
      const passing = refused.status === 0 || refused.status === 429 || refused.status >= 500;
      if (passing) throw refused; // asked again before the file is sent again
      return { members: { images: [] }, ahead: 0 }; // it will never say; a file twice is better than none
    }
  }
}

async function sha256(file) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
