// Makes the buttons of Plotly's figures work by keyboard and be read out, once for each browser tab.
(() => {
  if (window.figureButtonsReady) return;
  window.figureButtonsReady = true;

  // Plotly keeps which button is on with the menu; its colour says nothing, as a mouse over it
  // has the same.
  const attributes = button => ({
    tabindex: 0, role: 'button', 'aria-label': button.textContent,
    'aria-pressed': button.parentNode.__data__?.active >= 0,
  });
  const update = () => document.querySelectorAll('.updatemenu-button').forEach(button =>
    Object.entries(attributes(button)).forEach(([name, value]) => button.setAttribute(name, value))
  );
  new MutationObserver(update).observe(document.body, {childList: true, subtree: true});
  document.addEventListener('click', () => requestAnimationFrame(update));
  document.addEventListener('keydown', event => {
    const isButton = event.target.matches?.('.updatemenu-button');
    if (!isButton || ![' ', 'Enter'].includes(event.key)) return;
    event.preventDefault();
    event.target.dispatchEvent(new MouseEvent('click', {bubbles: true}));
  });
})();
