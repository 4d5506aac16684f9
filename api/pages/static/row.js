// One file of the queue as a row: preview, name, progress and the buttons that its state allows.

import { el, namedButton, placeholder, setText, show } from "./dom.js";
import { bytes } from "./format.js";
import { imageUrl } from "./http.js";
import { CANCELLED, DONE, FAILED, REFUSED, SENDING, WAITING } from "./queue.js";

const LOOK_MS = 120;
const BUTTONS = {
  [WAITING]: ["Cancel"],
  [SENDING]: ["Cancel"],
  [FAILED]: ["Retry", "Remove"],
  [CANCELLED]: ["Retry", "Remove"],
  [REFUSED]: ["Remove"],
  [DONE]: ["Remove"],
};

export class Row {
  #item;
  #act;
  #bytesOf;
  #thumb = el("span", { class: "thumb", "aria-hidden": "true" });
  #status = el("p", { class: "status" });
  #progress;
  #buttons = el("div", { class: "actions" });
  #state = "";
  #timer = 0;
  #url = "";

  /**
   * @param act (what, item) for "Cancel", "Retry" and "Remove".
   * @param bytesOf item -> Promise of its File or null, for the preview.
   */
  constructor(item, act, bytesOf) {
    this.#item = item;
    this.#act = act;
    this.#bytesOf = bytesOf;
    this.#progress = el("progress", { max: 1, value: 0, "aria-label": `Upload of ${item.name}` });
    const name = el("p", { class: "name", dir: "auto", title: item.name }, item.name);
    const middle = el("div", {}, name, this.#status, this.#progress);
    this.element = el("div", { class: "row", role: "listitem" }, this.#thumb, middle, this.#buttons);
    // Not at once: who scrolls past a thousand rows does not want a thousand pictures decoded.
    this.#timer = setTimeout(() => this.#preview(), LOOK_MS);
    this.update();
  }

  /** Show the item as it now is. */
  update() {
    const item = this.#item;
    if (item.state !== this.#state) this.#changed(item);
    setText(this.#status, statusOf(item));
    this.#status.title = item.error ?? "";
    if (item.state === SENDING) this.#progress.value = item.size ? item.sent / item.size : 0;
  }

  /** The row goes: let its preview's memory go too. */
  drop() {
    clearTimeout(this.#timer);
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = "";
  }

  /** Put the focus on the row's first button. */
  focus() {
    this.#buttons.querySelector("button")?.focus();
  }

  #changed(item) {
    this.#state = item.state;
    this.element.dataset.state = item.state;
    show(this.#progress, item.state === SENDING);
    const had = this.#buttons.contains(document.activeElement);
    const made = BUTTONS[item.state].map((what) => namedButton(what, item.name, () => this.#act(what, item)));
    this.#buttons.replaceChildren(...made);
    // The button that was pressed is gone; without this the keyboard would start over at the top of the page.
    if (had) this.focus();
  }

  async #preview() {
    const { type, state, key } = this.#item;
    if (state === REFUSED) return;
    if (type === "image/tiff") {
      this.#thumb.replaceChildren(placeholder("", "TIFF"));
      return;
    }
    const file = key ? null : await this.#bytesOf(this.#item);
    if (!this.element.isConnected || (!file && !key)) return;
    if (file) this.#url = URL.createObjectURL(file);
    const image = el("img", { src: this.#url || imageUrl(key), alt: "", decoding: "async", loading: "lazy" });
    image.addEventListener("error", () => image.remove(), { once: true });
    this.#thumb.replaceChildren(image);
  }
}

function statusOf(item) {
  const size = bytes(item.size);
  switch (item.state) {
    case WAITING:
      return `${size} · waiting`;
    case SENDING: {
      const part = item.size ? Math.floor((100 * item.sent) / item.size) : 0;
      if (item.sent >= item.size && item.size) return `${size} · being checked`;
      return `${size} · ${part}%${item.speed ? ` · ${bytes(item.speed)}/s` : ""}`;
    }
    case DONE:
      return `${size} · uploaded`;
    case CANCELLED:
      return `${size} · cancelled`;
    default:
      return item.error;
  }
}
