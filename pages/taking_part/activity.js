// Tells the server, now and then, that somebody is at work: that a pointer, a key or a wheel was
// moved since it last did. What was moved stays here.
const EVERY_MS = 20000;
const EVENTS = ["pointermove", "pointerdown", "keydown", "wheel", "scroll", "touchmove"];

export default function ({ parentElement, setTriggerValue }) {
  const page = parentElement.ownerDocument;
  let active = false;
  const note = () => { active = true; };
  const beat = () => {
    if (!active) return;
    active = false;
    setTriggerValue("active", Date.now());
  };
  const options = { capture: true, passive: true };
  EVENTS.forEach((name) => page.addEventListener(name, note, options));
  const timer = setInterval(beat, EVERY_MS);
  return () => {
    clearInterval(timer);
    EVENTS.forEach((name) => page.removeEventListener(name, note, options));
  };
}
