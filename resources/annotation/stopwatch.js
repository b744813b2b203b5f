// Time spent on an item: only while the page is visible and somebody is there.

const IDLE_MILLISECONDS = 120_000;
const TICK_MILLISECONDS = 500;

/** Calls `onElapsed(seconds)` about twice a second of attention. */
class Stopwatch {
  constructor(onElapsed) {
    this.onElapsed = onElapsed;
    this.lastTick = performance.now();
    this.lastSign = this.lastTick;
    for (const sign of ["keydown", "pointerdown", "pointermove", "scroll", "wheel", "touchmove"]) {
      document.addEventListener(sign, () => { this.lastSign = performance.now(); }, { passive: true, capture: true });
    }
    setInterval(() => this.tick(), TICK_MILLISECONDS);
  }

  tick() {
    const now = performance.now();
    const attended = !document.hidden && now - this.lastSign < IDLE_MILLISECONDS;
    // a tick that comes late, as after sleep, counts no more than a few
    if (attended) this.onElapsed(Math.min(now - this.lastTick, 4 * TICK_MILLISECONDS) / 1000);
    this.lastTick = now;
  }
}

/** "about 12 min left", from the median time of the items labeled so far; "" while there is too little to go by. */
function timeLeft(seconds, remaining) {
  const known = seconds.filter((value) => value > 0).sort((a, b) => a - b);
  if (known.length < 3 || remaining === 0) return "";
  const minutes = (known[Math.floor(known.length / 2)] * remaining) / 60;
  if (minutes < 1) return "less than a minute left";
  return minutes < 90 ? `about ${Math.round(minutes)} min left` : `about ${(minutes / 60).toFixed(1)} h left`;
}
