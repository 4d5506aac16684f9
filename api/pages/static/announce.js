// One voice for screen readers. Each step is said once; steps that come close together are said in one sentence, and in a
// long row of them only every ten seconds: a thousand files are not a thousand announcements.

import { plural } from "./format.js";

const PAUSE_MS = 900;
const LONG_PAUSE_MS = 10_000;
const EMPTY_MS = 100; // less than the shorter pause
const OUTCOMES = ["uploaded", "cancelled", "failed"];

export class Announcer {
  #region;
  #texts = [];
  #conclusion = "";
  #outcomes = new Map();
  #timer = 0;
  #due = 0;
  #tallied = -LONG_PAUSE_MS;

  /** @param region the aria-live element. */
  constructor(region) {
    this.#region = region;
  }

  /** Say a sentence. */
  say(text) {
    this.#texts.push(text);
    this.#soon();
  }

  /** Say a sentence that sums up what came before it. */
  conclude(text) {
    this.#conclusion = text;
    this.#soon();
  }

  /** A file was "uploaded" or "cancelled", or "failed" for a reason. */
  outcome(what, name, why = "") {
    if (!this.#outcomes.has(what)) this.#outcomes.set(what, []);
    this.#outcomes.get(what).push(why ? `${name} ${what}: ${why}` : `${name} ${what}.`);
    this.#soon(this.#tallied + LONG_PAUSE_MS - performance.now());
  }

  #soon(wait = 0) {
    const due = performance.now() + Math.max(PAUSE_MS, wait);
    if (this.#timer && this.#due <= due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => this.#flush(), due - performance.now());
  }

  #flush() {
    this.#timer = 0;
    const said = this.#texts;
    for (const what of OUTCOMES) {
      const of = this.#outcomes.get(what) ?? [];
      if (of.length === 1) said.push(of[0]);
      else if (of.length && !this.#conclusion) said.push(`${plural(of.length, "file")} ${what}.`);
      if (of.length > 1) this.#tallied = performance.now();
    }
    if (this.#conclusion) said.push(this.#conclusion);
    this.#speak(said.join(" "));
    this.#texts = [];
    this.#conclusion = "";
    this.#outcomes.clear();
  }

  /** Screen readers are only told of text that differs: what is said twice in a row needs an empty region between. */
  #speak(text) {
    const again = this.#region.textContent === text;
    this.#region.textContent = again ? "" : text;
    if (again) setTimeout(() => { this.#region.textContent = text; }, EMPTY_MS);
  }
}
