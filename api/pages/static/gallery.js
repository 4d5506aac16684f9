// The owner's images beneath the queue: endless, with a button for those who do not scroll; copy link, delete, undo.

import { byId, el, guardImages, placeholder, setText, show, thumbnail } from "./dom.js";
import { bytes, localTimes, plural } from "./format.js";
import { address, ask, imageUrl, undelete } from "./http.js";
import { toast } from "./toast.js";

const VIEWABLE = /^image\/(?:jpeg|png|gif|webp|bmp|avif)$/;

export class Gallery {
  #list = byId("gallery");
  #template = byId("tile").content.firstElementChild;
  #more = el("button", { type: "button", class: "button", id: "more" }, "Load more");
  #error = byId("gallery-error");
  #keys = new Set();
  #label;
  #limit;
  #cursor;
  #announcer;
  #loading = false;

  constructor(label, limit, announcer) {
    this.#label = label;
    this.#limit = limit;
    this.#announcer = announcer;
    for (const tile of this.#list.children) this.#keys.add(tile.dataset.key);
    localTimes(this.#list);
    guardImages(this.#list);
    const link = byId("more");
    this.#cursor = link.href ? new URL(link.href).searchParams.get("cursor") : null;
    link.replaceWith(this.#more);
    show(this.#more, this.#cursor !== null);
    this.#more.addEventListener("click", () => this.#load(true));
    this.#list.addEventListener("click", (event) => this.#clicked(event));
    new IntersectionObserver((seen) => {
      if (seen.some((entry) => entry.isIntersecting) && !this.#error.textContent) this.#load(false);
    }, { rootMargin: "400px" }).observe(this.#more);
  }

  /** Put new images at the top, in the order in which they came; `images` as /api/images lists them. */
  prepend(images) {
    const tiles = images.filter((image) => this.#isNew(image)).map((image) => this.#tile(image));
    this.#list.prepend(...tiles.reverse());
    this.#showEmpty();
  }

  async #load(asked) {
    if (this.#loading || this.#cursor === null) return;
    this.#loading = true;
    setText(this.#more, "Loading …");
    try {
      const query = new URLSearchParams({ cursor: this.#cursor, limit: this.#limit });
      const page = await ask("GET", address(`/api/images/${this.#label}?${query}`));
      const tiles = page.images.filter((image) => this.#isNew(image)).map((image) => this.#tile(image));
      this.#list.append(...tiles);
      this.#cursor = page.cursor ?? null;
      setText(this.#error, "");
      this.#announcer.say(`${plural(tiles.length, "more image")} in the gallery.`);
      if (asked && this.#cursor === null) tiles[0]?.querySelector("a").focus();
    } catch (refused) {
      setText(this.#error, refused.message);
      this.#announcer.say(refused.message);
    }
    this.#loading = false;
    setText(this.#more, this.#error.textContent ? "Try again" : "Load more");
    show(this.#more, this.#cursor !== null);
    // The observer only tells of changes, and a short page may have left the button in view.
    if (!this.#error.textContent && this.#more.getBoundingClientRect().top < innerHeight + 400) this.#load(false);
  }

  #isNew(image) {
    if (this.#keys.has(image.key)) return false;
    this.#keys.add(image.key);
    return true;
  }

  #tile(image) {
    const tile = this.#template.cloneNode(true);
    const name = image.title || image.original_filename || image.key;
    const kind = image.content_type.split("/")[1].toUpperCase();
    const link = imageUrl(image.key);
    Object.assign(tile.dataset, { key: image.key, name });
    const thumb = tile.querySelector(".thumb");
    thumb.href = link;
    thumb.replaceChildren(VIEWABLE.test(image.content_type) ? thumbnail(link, name, kind) : placeholder(name, kind));
    tile.querySelector(".name").textContent = name;
    tile.querySelector(".name").title = name;
    tile.querySelector(".size").textContent = `${bytes(image.file_size)} · ${image.width} × ${image.height}`;
    tile.querySelector("time").dateTime = image.uploaded_at;
    for (const named of tile.querySelectorAll(".named")) named.textContent = name;
    localTimes(tile);
    return tile;
  }

  #clicked(event) {
    const button = event.target.closest("button[data-action]");
    const tile = button?.closest(".tile");
    if (button?.dataset.action === "copy") this.#copy(tile, button);
    if (button?.dataset.action === "delete") this.#delete(tile, button);
  }

  async #copy(tile, button) {
    const link = new URL(imageUrl(tile.dataset.key), location.href).href;
    try {
      await navigator.clipboard.writeText(link);
      this.#announcer.say(`Link to ${tile.dataset.name} copied.`);
      toast("Link copied.", { seconds: 4 });
    } catch {
      // Only pages on https and localhost may write to the clipboard, and people may forbid it.
      const field = el("input", { readonly: true, value: link, "aria-label": `Link to ${tile.dataset.name}` });
      toast("Copy this link:", { content: field, closed: (focused) => focused && button.focus() });
      field.select();
    }
  }

  async #delete(tile, button) {
    const { key, name } = tile.dataset;
    button.disabled = true;
    tile.classList.add("leaving");
    try {
      await ask("DELETE", address(`/delete/${encodeURIComponent(key)}`), { headers: this.#headers() });
    } catch (refused) {
      if (refused.status !== 404) {
        tile.classList.remove("leaving");
        button.disabled = false;
        button.focus();
        toast(refused.message);
        this.#announcer.say(refused.message);
        return;
      }
    }
    const next = tile.nextElementSibling ?? tile.previousElementSibling;
    const away = (focused) => focused && (next?.isConnected ? next.querySelector("a") : byId("gallery-heading")).focus();
    const box = toast(`${name} deleted.`, { action: "Undo", act: () => this.#undo(tile, button), closed: away });
    tile.remove();
    this.#keys.delete(key);
    this.#showEmpty();
    this.#announcer.say(`${name} deleted. Undo is available.`);
    box.querySelector("button").focus({ preventScroll: true });
  }

  async #undo(tile, button) {
    try {
      await undelete(tile.dataset.key, this.#headers());
    } catch (refused) {
      toast(refused.message, { action: "Try again", act: () => this.#undo(tile, button) }).querySelector("button").focus();
      this.#announcer.say(refused.message);
      return;
    }
    tile.classList.remove("leaving");
    button.disabled = false;
    this.#keys.add(tile.dataset.key);
    const moment = tile.querySelector("time").dateTime;
    const older = [...this.#list.children].find((other) => other.querySelector("time").dateTime < moment);
    this.#list.insertBefore(tile, older ?? null);
    this.#showEmpty();
    this.#announcer.say(`${tile.dataset.name} is back.`);
    button.focus();
  }

  #headers() {
    return { "X-User-ID": this.#label };
  }

  #showEmpty() {
    show(byId("empty"), this.#list.children.length === 0 && this.#cursor === null);
  }
}
