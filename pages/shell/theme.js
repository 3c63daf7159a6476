// Has the page made anew when the browser, or its reader, turns it light or dark: figures are drawn
// by the server, in the colours of the theme that it was told.
const EVERY_MS = 200;

export default function ({ parentElement, data, setTriggerValue }) {
  const page = parentElement.ownerDocument;
  const root = page.querySelector('[data-testid="stApp"]');
  if (!root) return undefined;
  const look = () => {
    const shown = getComputedStyle(root).colorScheme;
    // Once for each turn: a server that knows no theme is not asked for ever.
    if (shown === data.drawn || shown === page.themeTold) return;
    page.themeTold = shown;
    setTriggerValue("turned", shown);
  };
  if (page.themeTold === undefined || getComputedStyle(root).colorScheme === data.drawn) {
    page.themeTold = data.drawn;
  }
  const timer = setInterval(look, EVERY_MS);
  return () => clearInterval(timer);
}
