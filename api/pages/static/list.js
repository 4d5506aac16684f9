// A list that has only the rows which can be seen: a queue of 10,000 files is as quick as one of ten.

const MORE = 4; // rows beyond each edge, so that the Tab key finds a next one

export class RowList {
  #scroller;
  #body;
  #make;
  #items = [];
  #rows = new Map();
  #height = 0;
  #planned = false;

  /**
   * @param scroller what scrolls; @param body what holds the rows (role "list").
   * @param make item -> {element, update(), drop()}.
   */
  constructor(scroller, body, make) {
    this.#scroller = scroller;
    this.#body = body;
    this.#make = make;
    scroller.addEventListener("scroll", () => this.#plan(), { passive: true });
    new ResizeObserver(() => {
      this.#height = 0;
      this.#plan();
    }).observe(scroller);
  }

  /** Show these items, in this order. */
  setItems(items) {
    this.#items = items;
    this.#plan();
  }

  /** An item has changed. */
  refresh(item) {
    this.#rows.get(item.id)?.update();
  }

  /** The row of an item, if it is there. */
  row(item) {
    return this.#rows.get(item?.id);
  }

  /** Draw now, where the caller is about to move the focus. */
  draw() {
    this.#planned = false;
    const height = this.#rowHeight();
    this.#body.style.height = `${this.#items.length * height}px`;
    const { scrollTop, clientHeight } = this.#scroller;
    const first = Math.max(0, Math.floor(scrollTop / height) - MORE);
    const last = Math.min(this.#items.length, Math.ceil((scrollTop + clientHeight) / height) + MORE);
    const wanted = this.#items.slice(first, last);
    this.#dropAllBut(new Set(wanted.map((item) => item.id)));
    let place = this.#body.firstChild;
    wanted.forEach((item, offset) => {
      const { element } = this.#rowOf(item);
      element.style.top = `${(first + offset) * height}px`;
      element.setAttribute("aria-posinset", first + offset + 1);
      element.setAttribute("aria-setsize", this.#items.length);
      // Only where it is not in its place: an element that is moved loses the focus.
      if (element === place) place = place.nextSibling;
      else this.#body.insertBefore(element, place);
    });
  }

  #plan() {
    if (this.#planned) return;
    this.#planned = true;
    requestAnimationFrame(() => {
      if (this.#planned) this.draw();
    });
  }

  #rowOf(item) {
    if (!this.#rows.has(item.id)) this.#rows.set(item.id, this.#make(item));
    return this.#rows.get(item.id);
  }

  #dropAllBut(wanted) {
    for (const [id, row] of this.#rows) {
      if (wanted.has(id)) continue;
      row.drop();
      row.element.remove();
      this.#rows.delete(id);
    }
  }

  #rowHeight() {
    if (!this.#height) {
      const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
      this.#height = parseFloat(getComputedStyle(this.#scroller).getPropertyValue("--row")) * rem;
    }
    return this.#height;
  }
}
