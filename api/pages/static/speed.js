// Bytes per second, smoothed: what was sent just now weighs more than what was sent a while ago.

const SHORTEST_S = 0.1;

export class Speed {
  #seconds;
  #last = performance.now();
  #sent = 0;
  #rate = 0;

  /** @param seconds how far back it looks, roughly; @param sent bytes that were sent before. */
  constructor(seconds, sent = 0) {
    this.#seconds = seconds;
    this.#sent = sent;
  }

  /** Take that `sent` bytes are sent by now; returns the speed. */
  at(sent) {
    const now = performance.now();
    const passed = (now - this.#last) / 1000;
    if (passed >= SHORTEST_S) {
      const current = Math.max(0, sent - this.#sent) / passed;
      const weight = this.#rate ? 1 - Math.exp(-passed / this.#seconds) : 1;
      this.#rate += (current - this.#rate) * weight;
      this.#last = now;
      this.#sent = sent;
    }
    return this.#rate;
  }
}
