// Makes the buttons of Plotly's figures work by keyboard and be read out, and wide tables scroll by
// it, once for each browser tab.
(() => {
  if (window.keyboardReady) return;
  window.keyboardReady = true;

  // Plotly keeps which button is on with the menu; its colour says nothing, as a mouse over it
  // has the same.
  const attributes = button => ({
    tabindex: 0, role: 'button', 'aria-label': button.textContent,
    'aria-pressed': button.parentNode.__data__?.active >= 0,
  });
  const update = () => {
    document.querySelectorAll('.updatemenu-button').forEach(button =>
      Object.entries(attributes(button)).forEach(([name, value]) => button.setAttribute(name, value))
    );
    // Streamlit scrolls a table in a box that no key reaches.
    document.querySelectorAll('[data-testid="stTable"] > :has(> table)').forEach(box => {
      box.tabIndex = box.scrollWidth > box.clientWidth ? 0 : -1;
    });
  };
  let next;
  const soon = () => { cancelAnimationFrame(next); next = requestAnimationFrame(update); };
  new MutationObserver(soon).observe(document.body, {childList: true, subtree: true});
  ['click', 'resize'].forEach(event => addEventListener(event, soon));
  document.addEventListener('keydown', event => {
    const isButton = event.target.matches?.('.updatemenu-button');
    if (!isButton || ![' ', 'Enter'].includes(event.key)) return;
    event.preventDefault();
    event.target.dispatchEvent(new MouseEvent('click', {bubbles: true}));
  });
})();
