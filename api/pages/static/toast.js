// Short messages with one action, at the lower edge. They stay while the pointer or the keyboard's focus is on them.

import { byId, el } from "./dom.js";

const SECONDS = 15;
const MOST = 4;

/**
 * Show a message.
 * @param text what to say.
 * @param options `action` names a button that calls `act`; `content` is one more element; `closed` is called when the
 *   message goes without its action, with whether the focus was in it.
 * @returns {HTMLElement} the message; its first button is the action.
 */
export function toast(text, { action = "", act = null, content = null, closed = () => {}, seconds = SECONDS } = {}) {
  const box = el("div", { class: "toast" }, el("p", {}, text), content);
  let left = seconds;
  const end = (acted) => {
    clearInterval(timer);
    const focused = box.contains(document.activeElement);
    box.remove();
    if (!acted) closed(focused);
  };
  if (action) {
    box.append(el("button", { type: "button", class: "button main small", click: () => { end(true); act(); } }, action));
  }
  box.append(el("button", { type: "button", class: "button small", click: () => end(false) }, "Dismiss"));
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") end(false);
  });
  // Counted in seconds that nobody looked at it: one who reads slowly, or is on the button, does not lose it.
  const timer = setInterval(() => {
    if (!box.matches(":hover, :has(:focus-visible)")) left -= 1;
    if (left <= 0) end(false);
  }, 1000);
  const region = byId("toasts");
  region.append(box);
  const older = region.querySelectorAll(".toast");
  if (older.length > MOST) older[0].querySelector("button:last-child").click();
  return box;
}
