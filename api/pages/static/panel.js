// The queue as people see it: summary, overall progress, buttons for all, and the list.

import { byId, setText, show } from "./dom.js";
import { bytes, count, plural, remaining } from "./format.js";
import { RowList } from "./list.js";
import { CANCELLED, DONE, FAILED, REFUSED, SENDING, WAITING } from "./queue.js";
import { Row } from "./row.js";
import { Speed } from "./speed.js";

const SPEED_S = 5;

export class QueuePanel {
  #queue;
  #list;
  #shown = [];
  #stale = false;
  #planned = false;
  #tick = 0;
  #speed = null;
  #scroller = byId("queue-list");
  #onlyFailed = byId("only-failed");
  #remove;

  /**
   * @param bytesOf item -> Promise of its File or null.
   * @param remove called with the items that are to be forgotten.
   */
  constructor(queue, bytesOf, remove) {
    this.#queue = queue;
    this.#remove = remove;
    const act = (what, item) => this.#act(what, item);
    this.#list = new RowList(this.#scroller, byId("rows"), (item) => new Row(item, act, bytesOf));
    byId("retry-failed").addEventListener("click", () => queue.retryFailed());
    byId("cancel-all").addEventListener("click", () => queue.cancelAll());
    byId("clear").addEventListener("click", () => this.#clear());
    byId("resume").addEventListener("click", () => queue.resume());
    this.#onlyFailed.addEventListener("change", () => this.itemsChanged());
  }

  /** Items came, went, or changed their state. */
  itemsChanged() {
    this.#stale = true;
    this.changed();
  }

  /** Something about an item, or about all, changed; drawn with the next frame. */
  changed(item = null) {
    if (item) this.#list.refresh(item);
    if (this.#planned) return;
    this.#planned = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#planned = false;
    const { counts, items } = this.#queue;
    const failed = counts[FAILED] + counts[REFUSED];
    show(byId("queue"), items.size > 0);
    if (failed === 0 && this.#onlyFailed.checked) {
      this.#onlyFailed.checked = false;
      this.#stale = true;
    }
    if (this.#stale) this.#refill();
    this.#summary(counts, failed);
    this.#offer("only-failed-label", failed > 0 && failed < items.size);
    this.#offer("retry-failed", counts[FAILED] > 0);
    this.#offer("cancel-all", counts[WAITING] + counts[SENDING] > 0);
    this.#offer("clear", counts[DONE] + counts[CANCELLED] + counts[REFUSED] > 0);
    this.#pause();
  }

  #refill() {
    this.#stale = false;
    const all = [...this.#queue.items.values()];
    this.#shown = this.#onlyFailed.checked ? all.filter(({ state }) => state === FAILED || state === REFUSED) : all;
    this.#list.setItems(this.#shown);
  }

  #summary(counts, failed) {
    const { sent, total } = this.#queue.progress();
    const files = counts[DONE] + counts[WAITING] + counts[SENDING] + failed;
    const parts = [`${count(counts[DONE])} of ${plural(files, "file")} uploaded`];
    if (failed) parts.push(`${count(failed)} failed`);
    if (counts[CANCELLED]) parts.push(`${count(counts[CANCELLED])} cancelled`);
    if (counts[SENDING]) {
      this.#speed ??= new Speed(SPEED_S, sent);
      const speed = this.#speed.at(sent);
      parts.push(`${bytes(sent)} of ${bytes(total)}`);
      if (speed > 0) parts.push(`${bytes(speed)}/s`, remaining((total - sent) / speed));
    } else if (counts[WAITING] === 0) this.#speed = null;
    setText(byId("queue-summary"), parts.filter(Boolean).join(" · "));
    byId("queue-progress").value = total ? sent / total : 0;
  }

  #pause() {
    // One timer, however often the panel is drawn: each would draw again, and set one more.
    clearTimeout(this.#tick);
    const { pause } = this.#queue;
    show(byId("pause"), pause !== null);
    if (!pause) return;
    const seconds = Math.ceil((pause.until - Date.now()) / 1000);
    setText(byId("pause-reason"), seconds > 0 ? `${pause.reason} Going on in ${seconds} s.` : pause.reason);
    if (pause.until) this.#tick = setTimeout(() => this.changed(), 1000);
  }

  /** Show or hide a control; one that goes while it has the focus passes it on. */
  #offer(id, offered) {
    const control = byId(id);
    const lost = !offered && control.contains(document.activeElement);
    show(control, offered);
    if (lost) (this.#queue.items.size ? this.#scroller : byId("file")).focus();
  }

  #act(what, item) {
    if (what === "Cancel") this.#queue.cancel(item.id);
    if (what === "Retry") this.#queue.retry(item.id);
    if (what !== "Remove") return;
    const place = this.#shown.indexOf(item);
    this.#queue.remove(item.id);
    this.#remove([item]);
    this.#refill();
    this.#list.draw();
    const next = this.#list.row(this.#shown[Math.min(place, this.#shown.length - 1)]);
    if (next) next.focus();
    else byId("file").focus();
    this.changed();
  }

  #clear() {
    this.#remove(this.#queue.clear());
    this.itemsChanged();
  }
}
