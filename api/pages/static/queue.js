// What is to be uploaded and how far it is. Knows nothing of the page, of the network or of the browser's database.

export const WAITING = "waiting";
export const SENDING = "sending";
export const DONE = "done";
export const FAILED = "failed"; // trying again can help
export const REFUSED = "refused"; // it can not: the file itself is not taken
export const CANCELLED = "cancelled";

const OF_THE_FILE = new Set([400, 413, 415, 422]);
const GIVE_UP_AFTER = 3;

export class UploadQueue {
  items = new Map();
  counts = { [WAITING]: 0, [SENDING]: 0, [DONE]: 0, [FAILED]: 0, [REFUSED]: 0, [CANCELLED]: 0 };
  /** Why nothing is started at the moment, and until when: {reason, until} or null. */
  pause = null;
  #start;
  #on;
  #parallel;
  #waiting = [];
  #taken = 0;
  #first = [];
  #running = new Map();
  #bytes = 0;
  #doneBytes = 0;
  #troubles = 0;
  #timer = 0;
  #expecting = false;
  #round = { done: 0, failed: 0, cancelled: 0 };

  /**
   * @param start (item, {progress}) -> {outcome, abort}, see transport.js; outcomes "gone" are files that vanished.
   * @param on `changed(item, before)` after each change of state, `progressed(item)`, `paused()`, `idle({done, failed,
   *   cancelled})` when there is nothing more to do.
   */
  constructor(start, on, parallel = 3) {
    this.#start = start;
    this.#on = on;
    this.#parallel = parallel;
  }

  /** Take items {id, name, size, state, ...}; those that wait are started as places become free. */
  add(items) {
    for (const item of items) {
      Object.assign(item, { sent: 0, speed: 0 });
      this.items.set(item.id, item);
      this.counts[item.state] += 1;
      this.#count(item, 1);
      if (item.state === WAITING) this.#waiting.push(item.id);
    }
    this.#pump();
  }

  /** Whether more is about to be added: then nothing is over yet when all that is there is done. */
  expect(more) {
    this.#expecting = more;
    this.#pump();
  }

  cancel(id) {
    const item = this.items.get(id);
    if (item?.state !== WAITING && item?.state !== SENDING) return;
    this.#round.cancelled += 1;
    this.#set(item, CANCELLED);
    this.#running.get(id)?.abort();
    this.#pump();
  }

  cancelAll() {
    // Those that wait first: else each that is aborted would make room for one of them.
    for (const state of [WAITING, SENDING]) {
      for (const item of this.items.values()) if (item.state === state) this.cancel(item.id);
    }
  }

  retry(id) {
    this.#again(this.items.get(id));
    this.#pump();
  }

  /** Start over what failed and can succeed; returns how many. */
  retryFailed() {
    const failed = [...this.items.values()].filter((item) => item.state === FAILED);
    for (const item of failed) this.#again(item);
    this.resume();
    return failed.length;
  }

  remove(id) {
    this.cancel(id);
    const item = this.items.get(id);
    if (!item) return;
    this.items.delete(id);
    this.counts[item.state] -= 1;
    this.#count(item, -1);
  }

  /** Forget what is done, cancelled or refused; returns those items. */
  clear() {
    const ended = [...this.items.values()].filter((item) => [DONE, CANCELLED, REFUSED].includes(item.state));
    for (const item of ended) this.remove(item.id);
    return ended;
  }

  /** Start nothing for `seconds` (0: until told); what is under way goes on. */
  hold(reason, seconds) {
    clearTimeout(this.#timer);
    this.pause = { reason, until: seconds ? Date.now() + seconds * 1000 : 0 };
    if (seconds) this.#timer = setTimeout(() => this.resume(), seconds * 1000);
    this.#on.paused();
  }

  resume() {
    clearTimeout(this.#timer);
    this.#troubles = 0;
    if (this.pause) {
      this.pause = null;
      this.#on.paused();
    }
    this.#pump();
  }

  /** Everything together, in bytes: {sent, total}. */
  progress() {
    let sent = this.#doneBytes;
    for (const { item } of this.#running.values()) if (item.state === SENDING) sent += item.sent;
    return { sent, total: this.#bytes };
  }

  #again(item) {
    if (item?.state !== FAILED && item?.state !== CANCELLED) return;
    // Unless it was in a round that is over, it is no longer one of those left out.
    if (item.state === CANCELLED && this.#round.cancelled > 0) this.#round.cancelled -= 1;
    item.error = "";
    this.#set(item, WAITING);
    this.#waiting.push(item.id);
  }

  #pump() {
    while (!this.pause && this.#running.size < this.#parallel) {
      const item = this.#next();
      if (!item) break;
      this.#run(item);
    }
    const over = this.#running.size === 0 && this.counts[WAITING] === 0 && !this.#expecting;
    if (!over) return;
    const round = this.#round;
    this.#round = { done: 0, failed: 0, cancelled: 0 };
    if (round.done + round.failed > 0) this.#on.idle(round);
  }

  #next() {
    for (;;) {
      const id = this.#first.pop() ?? this.#waiting[this.#taken++];
      if (id === undefined) {
        this.#waiting = [];
        this.#taken = 0;
        return null;
      }
      const item = this.items.get(id);
      // Cancelled or removed meanwhile, or cancelled and asked for again: an old upload may not have ended yet.
      if (item?.state === WAITING && !this.#running.has(id)) return item;
    }
  }

  async #run(item) {
    Object.assign(item, { sent: 0, speed: 0, error: "" });
    const upload = this.#start(item, {
      progress: (sent, speed) => {
        Object.assign(item, { sent, speed });
        this.#on.progressed(item);
      },
    });
    this.#running.set(item.id, { item, abort: upload.abort });
    this.#set(item, SENDING);
    const result = await upload.outcome;
    this.#running.delete(item.id);
    item.speed = 0;
    if (item.state === SENDING && this.items.get(item.id) === item) this.#settle(item, result);
    else if (item.state === WAITING) this.#waiting.push(item.id); // asked for again while the old upload was ending
    this.#pump();
  }

  #settle(item, result) {
    if (result.kind === "stored") {
      this.#troubles = 0;
      this.#round.done += 1;
      item.result = result.body;
      this.#set(item, DONE);
      return;
    }
    if (result.status === 429) {
      // The file is as good as before: it keeps its place, and nothing is asked of the server until it says so.
      this.#first.push(item.id);
      this.#set(item, WAITING);
      this.hold("The server asks to slow down.", Math.min(result.wait || 10, 300));
      return;
    }
    this.#round.failed += 1;
    item.error = sentence(result);
    const final = result.kind === "gone" || OF_THE_FILE.has(result.status);
    this.#set(item, final ? REFUSED : FAILED);
    this.#troubles = final ? 0 : this.#troubles + 1;
    if (this.#troubles >= GIVE_UP_AFTER && this.counts[WAITING] > 0 && !this.pause) {
      this.hold("Several uploads failed in a row; the rest waits.", 0);
    }
  }

  #set(item, state) {
    const before = item.state;
    this.counts[before] -= 1;
    this.#count(item, -1);
    item.state = state;
    this.counts[state] += 1;
    this.#count(item, 1);
    this.#on.changed(item, before);
  }

  #count(item, sign) {
    if ([FAILED, REFUSED, CANCELLED].includes(item.state)) return; // nothing is under way or to come
    this.#bytes += sign * item.size;
    if (item.state === DONE) this.#doneBytes += sign * item.size;
  }
}

function sentence(result) {
  if (result.kind === "lost") return "The connection was lost.";
  if (result.kind === "gone") return "The file has changed or is gone; choose it again.";
  return result.error ?? "The upload was stopped.";
}
