// Building pages without ever parsing text as markup: what users supply only becomes text and attribute values.

/** The element with this id; it is an error of ours when it is not there. */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/** A new element. `attributes` are set as such; functions among them listen to the event of their name. */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** A button that reads "Cancel" and is named "Cancel photo.jpg": among many rows each button needs a name of its own. */
export function namedButton(text, name, listener, kind = "small") {
  const more = el("span", { class: "unseen" }, ` ${name}`);
  return el("button", { type: "button", class: `button ${kind}`, click: listener }, text, more);
}

/** Show or hide. */
export function show(element, shown) {
  element.hidden = !shown;
}

/** Set the text only when it differs: each setting costs a layout, and is read again by some screen readers. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** An image that gives way to a placeholder when the browser can not show it. */
export function thumbnail(source, alt, kind) {
  const image = el("img", { src: source, alt, loading: "lazy", decoding: "async" });
  image.addEventListener("error", () => image.replaceWith(placeholder(alt, kind)), { once: true });
  return image;
}

/** What stands where no image can be shown; screen readers hear `alt`. */
export function placeholder(alt, kind) {
  return el("span", { class: "no-view" }, el("span", { class: "unseen" }, alt), el("span", { class: "kind" }, kind || "no preview"));
}

/** Make the placeholder rule hold for images that the server wrote, also those that failed before this ran. */
export function guardImages(root) {
  for (const image of root.querySelectorAll(".thumb img")) {
    const give = () => image.replaceWith(placeholder(image.alt, ""));
    if (image.complete && image.naturalWidth === 0 && image.loading !== "lazy") give();
    else image.addEventListener("error", give, { once: true });
  }
}
