/**
 * Runs `work` once the calls have paused for `quiet` milliseconds, with the arguments of the last call.
 *
 * For a search box: nobody wants eleven requests for "tangerines". Also for saving a draft, and for
 * measuring after the window has been resized. Not for scrolling, where something should happen *during*
 * the movement: throttle that instead.
 *
 * `longest` bounds the delay when the calls never pause, otherwise somebody who writes without a break
 * never gets a saved draft.
 */
export function debounce<A extends unknown[]>(
  work: (...args: A) => void,
  quiet: number,
  longest = Infinity,
): { (...args: A): void; flush(): void; cancel(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let firstCall = 0;
  let latest: A | undefined;

  function run(): void {
    clearTimeout(timer);
    timer = undefined;
    const args = latest;
    latest = undefined;
    if (args) work(...args);
  }

  function call(...args: A): void {
    const now = performance.now();
    if (latest === undefined) firstCall = now;
    latest = args;
    clearTimeout(timer);
    // Whichever comes first: a pause, or the end of the reader's patience.
    timer = setTimeout(run, Math.max(0, Math.min(quiet, firstCall + longest - now)));
  }

  return Object.assign(call, {
    /** Do it now, for instance when the tab is closed. */
    flush: run,
    /** Forget it: the component is gone and its answer would arrive nowhere. */
    cancel(): void {
      clearTimeout(timer);
      timer = undefined;
      latest = undefined;
    },
  });
}
