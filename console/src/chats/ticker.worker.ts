/** Ticks at an even pace. A page in the background has its own timers slowed to one a minute, a worker has not. */
const PACE_MS = 1000;

setInterval(() => postMessage(null), PACE_MS);
