"""Switches of a figure for keyboards, screen readers and dark pages: Plotly's are for a mouse."""

from __future__ import annotations

STYLE = """
.updatemenu-button .updatemenu-item-rect { fill: transparent !important; }
.updatemenu-button .updatemenu-item-text { fill: currentColor !important; }
.updatemenu-button[aria-pressed="true"] .updatemenu-item-text { font-weight: 700 !important; }
.updatemenu-button[aria-pressed="false"] .updatemenu-item-rect { stroke-opacity: 0.4 !important; }
.updatemenu-button[aria-pressed="false"] .updatemenu-item-text { opacity: 0.75; }
.updatemenu-button:focus-visible { outline: 3px solid currentColor; }
"""

# Plotly keeps which button is on with the menu; its colour tells nothing, as a mouse over it has
# the same.
SCRIPT = """
(() => {
  if (window.dressesSwitches) return;
  window.dressesSwitches = true;
  const attributes = button => ({
    tabindex: 0, role: 'button', 'aria-label': button.textContent,
    'aria-pressed': button.parentNode.__data__?.active >= 0,
  });
  const dress = () => document.querySelectorAll('.updatemenu-button').forEach(button =>
    Object.entries(attributes(button)).forEach(([name, value]) => button.setAttribute(name, value))
  );
  new MutationObserver(dress).observe(document.body, {childList: true, subtree: true});
  document.addEventListener('click', () => requestAnimationFrame(dress));
  document.addEventListener('keydown', event => {
    const switched = event.target.matches?.('.updatemenu-button');
    if (!switched || ![' ', 'Enter'].includes(event.key)) return;
    event.preventDefault();
    event.target.dispatchEvent(new MouseEvent('click', {bubbles: true}));
  });
})();
"""
