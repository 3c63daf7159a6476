// Hands the keys of an item to its buttons one after the other: each waits until the page has
// taken in the one before, so that none is lost to, or meant for, what is still drawn.
const PATIENCE_MS = 10000, GONE_MS = 1500, AGAIN_MS = 30, IMPATIENT_MS = 500;
const FIELDS = "input, textarea, select, [contenteditable=true], [role=combobox]";

class Keys {
  constructor(page) {
    this.page = page;
    this.waiting = [];
    // Before Streamlit's own shortcuts, which meet whatever button is drawn just then.
    page.defaultView.addEventListener("keydown", (event) => this.press(event), true);
  }

  press(event) {
    const typed = event.key.toLowerCase();
    if (!(typed in (this.data?.all ?? {})) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.(FIELDS)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    // A key that is held down answers one question.
    if (event.repeat || this.isImpatient(typed)) return;
    this.waiting.push({ typed, since: Date.now() });
    this.work();
  }

  // Whoever presses a key again because nothing has happened yet means the same question.
  isImpatient(typed) {
    const last = this.waiting.at(-1) ?? this.sent;
    return last?.typed === typed && Date.now() - last.since > IMPATIENT_MS;
  }

  now(data) {
    this.data = data;
    this.isLeft = false;
    this.work();
  }

  // What is waited for may still come; keys of other pages are none of ours.
  leave(data) {
    this.isLeft = this.data === data;
    if (!this.sent) this.end();
  }

  work() {
    clearTimeout(this.timer);
    if (this.sent && !this.isTakenIn()) {
      if (Date.now() - this.sent.handed > PATIENCE_MS) this.forget();
    } else if (this.waiting.length) {
      this.end();
      if (this.data) this.hand(this.waiting[0]);
    } else {
      this.end();
    }
    if (this.sent || this.waiting.length) this.timer = setTimeout(() => this.work(), AGAIN_MS);
  }

  isTakenIn() {
    const { item, turn, refused } = this.data, { before } = this.sent;
    if (item !== before.item) return true;
    // What follows a step that led nowhere was meant for another item.
    if (this.sent.steps && refused !== before.refused) this.forget();
    return !this.sent || (!this.sent.steps && turn !== before.turn);
  }

  hand(key) {
    const named = this.data.keys[key.typed];
    const button = named && this.page.querySelector(`.${CSS.escape(named)} button`);
    if (button && !button.disabled) {
      this.waiting.shift();
      const steps = key.typed in this.data.steps;
      this.sent = { ...key, handed: Date.now(), before: this.data, steps, button };
      button.dataset.pressed = "";
      button.click();
    } else if (!named || Date.now() - key.since > GONE_MS) {
      this.waiting.shift();
    }
  }

  end() {
    if (this.sent) delete this.sent.button.dataset.pressed;
    this.sent = null;
    if (this.isLeft) [this.data, this.waiting] = [null, []];
  }

  forget() {
    this.end();
    this.waiting = [];
  }
}

export default function ({ parentElement, data }) {
  const page = parentElement.ownerDocument;
  page.protoecgKeys ??= new Keys(page);
  page.protoecgKeys.now(data);
  return () => page.protoecgKeys.leave(data);
}
