// Calipers over an ECG that Plotly drew: moved in the browser alone, so nothing is drawn anew but them.
// A caliper is kept as seconds and mV of its lead; it is placed where the paper prints that.

const SVG = 'http://www.w3.org/2000/svg';
const STEP_S = 0.01, STEP_MV = 0.05, LARGE = 4, NEW_S = 0.8, NEW_MV = [-0.1, 0.9];
const LEAST_PX = 4, GRIP_PX = 22, LEG_PX = 8, END_S = 10;
const EDGES = {from: 'start', to: 'end', high: 'top', low: 'bottom'};

// By ECG, as long as the page is open: they outlive whatever is drawn anew around them.
const kept = (window.protoecgCalipers ??= new Map());

const element = (name, attributes, parent) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent?.append(made);
  return made;
};
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

export function reading(caliper) {
  const ms = Math.round(1000 * (caliper.to - caliper.from));
  const rate = ms ? [`${Math.round(60000 / ms)} bpm`] : [];
  return [`${ms} ms`, ...rate, `${(caliper.high - caliper.low).toFixed(2)} mV`].join(' · ');
}

// What the figure prints: a stretch of a lead each, with the height of its zero line.
function pieces(plot, leads) {
  return plot._fullData.filter(trace => leads[trace.name] && trace.customdata).map(trace => {
    const {name, x0, dx, y, customdata} = trace;
    const {lead, sign} = leads[name];
    return {lead, sign, start: x0, end: x0 + dx * y.length, step: dx, y, zero: y[0] - customdata[0]};
  });
}

// The piece whose tracing runs through a box or, where none does, comes nearest.
function pieceAt(all, from, to, low, high) {
  const middle = (from + to) / 2;
  const away = piece => {
    const first = Math.max(Math.floor((from - piece.start) / piece.step) - 1, 0);
    const last = Math.min(Math.ceil((to - piece.start) / piece.step) + 1, piece.y.length - 1);
    let sum = 0;
    for (let i = first; i <= last; i++) sum += Math.abs(piece.y[i] - clamp(piece.y[i], low, high));
    return sum / (last - first + 1) + 1e-3 * Math.abs(piece.zero - (low + high) / 2);
  };
  return all.filter(piece => piece.start <= middle && middle < piece.end)
    .sort((one, other) => away(one) - away(other))[0];
}

class Calipers {
  constructor(parent, data) {
    this.parent = parent;
    this.room = parent.closest('[class*="st-key-measured-"]');
    this.leads = data.leads;
    this.theme = data.theme;
    if (!kept.has(data.ecg)) kept.set(data.ecg, {list: [], chosen: -1});
    this.state = kept.get(data.ecg);
    this.update = () => this.draw();
    this.observer = new MutationObserver(() => this.attach());
    this.observer.observe(this.room, {childList: true, subtree: true});
    this.buttons();
    this.attach();
  }

  get list() { return this.state.list; }

  get chosen() { return this.list[this.state.chosen]; }

  // The figure comes later than this, and may be another one after a change of the page.
  attach() {
    const plot = this.room.querySelector('.js-plotly-plot');
    if (!plot?._fullLayout?.xaxis?._offset || !plot.querySelector('.modebar-container')) {
      if (!this.waiting) this.waiting = setTimeout(() => { this.waiting = 0; this.attach(); }, 50);
      return;
    }
    if (plot === this.plot && this.svg.isConnected) return;
    this.detach();
    this.plot = plot;
    this.svg = element('svg', {class: `calipers ${this.theme}`});
    // Below the figure's own buttons, which lie over the paper.
    plot.querySelector('.modebar-container').before(this.svg);
    this.svg.addEventListener('pointerdown', event => this.press(event));
    this.svg.addEventListener('keydown', event => this.key(event));
    for (const name of ['plotly_afterplot', 'plotly_relayout', 'plotly_relayouting']) {
      plot.on(name, this.update);
    }
    this.draw();
  }

  detach() {
    this.svg?.remove();
    for (const name of ['plotly_afterplot', 'plotly_relayout', 'plotly_relayouting']) {
      this.plot?.removeListener?.(name, this.update);
    }
  }

  end() {
    clearTimeout(this.waiting);
    this.observer.disconnect();
    this.detach();
  }

  buttons() {
    const act = {
      new: () => this.place(),
      march: () => { if (this.chosen) { this.chosen.march = !this.chosen.march; this.draw(); } },
      remove: () => this.remove(),
      clear: () => { this.list.length = 0; this.state.chosen = -1; this.draw(); },
    };
    for (const button of this.parent.querySelectorAll('button')) {
      button.onclick = act[button.dataset.does];
    }
  }

  // Where the mouse or finger is, in seconds and mV of the paper.
  at(event) {
    const {xaxis, yaxis} = this.plot._fullLayout, edge = this.plot.getBoundingClientRect();
    return [
      clamp(xaxis.p2d(event.clientX - edge.x - xaxis._offset), 0, END_S),
      yaxis.p2d(event.clientY - edge.y - yaxis._offset),
    ];
  }

  px(seconds, millivolts) {
    const {xaxis, yaxis} = this.plot._fullLayout;
    return [xaxis._offset + xaxis.d2p(seconds), yaxis._offset + yaxis.d2p(millivolts)];
  }

  add(piece, from, to, low, high) {
    const [one, other] = [low, high].map(height => piece.sign * (height - piece.zero));
    this.list.push({
      lead: piece.lead, from, to, low: Math.min(one, other), high: Math.max(one, other), march: false,
    });
    this.state.chosen = this.list.length - 1;
  }

  // A caliper in the middle of what is in sight, to be moved from there.
  place() {
    if (!this.plot) return;
    const {xaxis, yaxis} = this.plot._fullLayout, plot = this.plot.getBoundingClientRect();
    const frame = this.plot.closest('[class*="st-key-frame-"]').getBoundingClientRect();
    const [left, right] = [frame.left, frame.right].map(x => xaxis.p2d(x - plot.x - xaxis._offset));
    const from = clamp((left + right - NEW_S) / 2, 0, END_S - NEW_S);
    const seen = [Math.max(plot.top, 0), Math.min(plot.bottom, window.innerHeight)];
    const middle = yaxis.p2d((seen[0] + seen[1]) / 2 - plot.y - yaxis._offset);
    const all = pieces(this.plot, this.leads);
    const there = all.filter(p => p.start <= from + NEW_S / 2 && from + NEW_S / 2 < p.end)
      .sort((one, other) => Math.abs(one.zero - middle) - Math.abs(other.zero - middle))[0];
    if (!there) return;
    this.add(there, from, from + NEW_S, ...NEW_MV.map(mv => there.zero + mv));
    this.draw();
    this.svg.querySelector(`[data-n="${this.state.chosen}"][data-edge="to"]`)?.focus();
  }

  remove() {
    if (!this.chosen) return;
    this.list.splice(this.state.chosen, 1);
    this.state.chosen = this.list.length - 1;
    this.draw();
  }

  press(event) {
    if (event.button) return;
    const {n, edge, sign} = event.target.dataset;
    if (n === undefined) {
      // A finger on the paper scrolls the page: it begins with "New caliper".
      if (event.pointerType !== 'touch') this.begin(event);
      return;
    }
    event.preventDefault();
    this.state.chosen = +n;
    event.target.focus();
    const start = this.at(event), before = {...this.chosen};
    this.follow(event, now => {
      const moved = [now[0] - start[0], +sign * (now[1] - start[1])];
      this.move(before, edge, ...moved);
    });
  }

  begin(event) {
    const start = this.at(event), first = [event.clientX, event.clientY];
    let made = null;
    event.preventDefault();
    this.follow(event, (now, moved) => {
      const far = Math.hypot(moved.clientX - first[0], moved.clientY - first[1]) >= LEAST_PX;
      if (!far && !made) return;
      const [from, to] = [start[0], now[0]].sort((a, b) => a - b);
      const [low, high] = [start[1], now[1]].sort((a, b) => a - b);
      const piece = pieceAt(pieces(this.plot, this.leads), from, to, low, high);
      if (!piece) return;
      if (made) this.list.splice(this.list.indexOf(made), 1);
      this.add(piece, from, to, low, high);
      made = this.chosen;
      this.draw();
    });
  }

  follow(event, step) {
    const move = moved => step(this.at(moved), moved);
    const done = () => {
      window.removeEventListener('pointermove', move);
      window.removeEventListener('pointerup', done);
      window.removeEventListener('pointercancel', done);
    };
    window.addEventListener('pointermove', move);
    window.addEventListener('pointerup', done);
    window.addEventListener('pointercancel', done);
  }

  // Move one edge, or all of it, by seconds and mV from where it was.
  move(before, edge, seconds, millivolts) {
    const caliper = this.chosen;
    if (edge === 'all') {
      const shift = clamp(seconds, -before.from, END_S - before.to);
      caliper.from = before.from + shift;
      caliper.to = before.to + shift;
      caliper.low = before.low + millivolts;
      caliper.high = before.high + millivolts;
    }
    if (edge === 'from') caliper.from = clamp(before.from + seconds, 0, before.to);
    if (edge === 'to') caliper.to = clamp(before.to + seconds, before.from, END_S);
    if (edge === 'low') caliper.low = Math.min(before.low + millivolts, before.high);
    if (edge === 'high') caliper.high = Math.max(before.high + millivolts, before.low);
    this.draw();
  }

  key(event) {
    const {n, edge, sign} = event.target.dataset;
    if (n === undefined) return;
    this.state.chosen = +n;
    const far = event.shiftKey ? LARGE : 1;
    const across = {ArrowLeft: -1, ArrowRight: 1}[event.key] ?? 0;
    const up = {ArrowDown: -1, ArrowUp: 1}[event.key] ?? 0;
    if (across || up) {
      // A slider may be moved by either pair of keys.
      const both = edge === 'from' || edge === 'to' ? [across || up, 0] : [0, up || across];
      const [x, y] = edge === 'all' ? [across, up] : both;
      this.move({...this.chosen}, edge, far * STEP_S * x, far * STEP_MV * y * +sign);
    } else if (event.key === 'Delete' || event.key === 'Backspace') {
      this.remove();
    } else if (event.key.toLowerCase() === 'm') {
      this.chosen.march = !this.chosen.march;
      this.draw();
    } else {
      return;
    }
    event.preventDefault();
    // Take part has keys of its own for its answers.
    event.stopPropagation();
  }

  draw() {
    const {width, height} = this.plot.getBoundingClientRect(), {xaxis, yaxis} = this.plot._fullLayout;
    const focused = document.activeElement?.closest?.('svg.calipers') && document.activeElement.id;
    this.svg.replaceChildren();
    this.svg.setAttribute('width', width);
    this.svg.setAttribute('height', height);
    const paper = {x: xaxis._offset, y: yaxis._offset, width: xaxis._length, height: yaxis._length};
    element('rect', {class: 'paper', ...paper}, this.svg);
    const clip = `calipers-${(this.number ??= Math.random().toString(36).slice(2))}`;
    element('rect', paper, element('clipPath', {id: clip}, this.svg));
    const group = element('g', {'clip-path': `url(#${clip})`}, this.svg);
    const all = pieces(this.plot, this.leads);
    const shown = this.list.map((caliper, n) => {
      const middle = (caliper.from + caliper.to) / 2;
      const there = all.filter(p => p.lead === caliper.lead && p.start <= middle && middle < p.end);
      there.forEach((piece, i) => this.drawOne(group, caliper, n, piece, i));
      return there.length > 0;
    });
    if (focused) document.getElementById(focused)?.focus();
    this.tell(shown);
  }

  drawOne(parent, caliper, n, piece, i) {
    const heights = [caliper.low, caliper.high].map(mv => piece.zero + piece.sign * mv);
    const [left, bottom] = this.px(caliper.from, Math.min(...heights));
    const [right, top] = this.px(caliper.to, Math.max(...heights));
    const chosen = n === this.state.chosen ? ' chosen' : '';
    const group = element('g', {class: `caliper${chosen}`}, parent);
    if (caliper.march) this.march(group, caliper, piece, top, bottom);
    const line = (x1, y1, x2, y2) => element('line', {x1, y1, x2, y2}, group);
    line(left, top - LEG_PX, left, bottom + LEG_PX);
    line(right, top - LEG_PX, right, bottom + LEG_PX);
    line(left, top, right, top);
    line(left, bottom, right, bottom);
    const words = element('text', {x: left, y: top - LEG_PX - 4}, group);
    words.textContent = `${n + 1}: ${reading(caliper)}`;
    this.stay(words, left);
    const grip = (edge, x, y, width, height, now, words) => {
      const attributes = {
        id: `caliper-${this.number}-${n}-${i}-${edge}`, 'data-n': n, 'data-edge': edge,
        'data-sign': piece.sign, tabindex: 0, role: 'slider', class: `grip ${edge}`,
        'aria-label': `Caliper ${n + 1} in ${piece.lead}, ${words}`,
        'aria-valuenow': now.toFixed(3), 'aria-valuetext': reading(caliper),
      };
      element('rect', {...attributes, x, y, width: Math.max(width, 1), height: Math.max(height, 1)}, group);
    };
    const half = GRIP_PX / 2;
    grip('all', left, top, right - left, bottom - top, caliper.from, 'all of it');
    const top_ = piece.sign > 0 ? 'high' : 'low', low_ = piece.sign > 0 ? 'low' : 'high';
    grip(top_, left, top - half, right - left, GRIP_PX, caliper[top_], EDGES.high);
    grip(low_, left, bottom - half, right - left, GRIP_PX, caliper[low_], EDGES.low);
    const tall = bottom - top + 2 * LEG_PX;
    grip('from', left - half, top - LEG_PX, GRIP_PX, tall, caliper.from, EDGES.from);
    grip('to', right - half, top - LEG_PX, GRIP_PX, tall, caliper.to, EDGES.to);
  }

  // Equal intervals repeated along the strip, to both sides.
  march(group, caliper, piece, top, bottom) {
    const span = caliper.to - caliper.from, {xaxis} = this.plot._fullLayout;
    if (span * xaxis._m < LEAST_PX) return;
    const first = Math.ceil(-caliper.from / span), last = Math.floor((END_S - caliper.from) / span);
    for (let step = first; step <= last; step++) {
      const [x] = this.px(caliper.from + step * span, piece.zero);
      element('line', {class: 'march', x1: x, x2: x, y1: top - LEG_PX, y2: bottom + LEG_PX}, group);
    }
  }

  // Words at the right edge end there.
  stay(words, left) {
    const {xaxis} = this.plot._fullLayout, edge = xaxis._offset + xaxis._length;
    const wide = words.getComputedTextLength();
    if (left + wide > edge) words.setAttribute('x', edge - wide);
  }

  tell(shown) {
    const list = this.parent.querySelector('ol'), pressed = !!this.chosen?.march;
    list.replaceChildren(...this.list.map((caliper, n) => {
      const line = document.createElement('li');
      const when = `${caliper.from.toFixed(2)} to ${caliper.to.toFixed(2)} s`;
      const where = `${caliper.lead}, ${when}${shown[n] ? '' : ' (not printed here)'}`;
      line.textContent = `${reading(caliper)} · ${where}`;
      return line;
    }));
    for (const button of this.parent.querySelectorAll('button')) {
      if (button.dataset.does !== 'new') button.disabled = !this.chosen;
      if (button.dataset.does === 'march') button.setAttribute('aria-pressed', pressed);
    }
  }
}

const living = new WeakMap();

export default function ({parentElement, data}) {
  living.get(parentElement)?.end();
  const calipers = new Calipers(parentElement, data);
  living.set(parentElement, calipers);
  return () => calipers.end();
}
