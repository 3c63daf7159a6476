// Has the page made anew when the browser, or its reader, turns it light or dark: figures are drawn
// by the server, in the colours of the theme that it was told.

export default function ({ parentElement, data, setTriggerValue }) {
  const page = parentElement.ownerDocument;
  const root = page.querySelector('[data-testid="stApp"]');
  if (!root) return undefined;
  const shown = () => getComputedStyle(root).colorScheme;
  const look = () => {
    // Once for each turn: a server that knows no theme is not asked for ever.
    if (shown() === data.drawn || shown() === page.themeAsked) return;
    page.themeAsked = shown();
    setTriggerValue("turned", shown());
  };
  if (page.themeAsked === undefined || shown() === data.drawn) page.themeAsked = data.drawn;
  // Another theme is another class of the app.
  const turns = new MutationObserver(look);
  turns.observe(root, { attributeFilter: ["class"] });
  look();
  return () => turns.disconnect();
}
