/** Resolves as soon as `condition` holds (looked at every few ms of real time); fails, saying `what`, after `within` ms. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, within = 10_000): Promise<void> {
  const end = performance.now() + within;
  while (!(await condition())) {
    if (performance.now() > end) {
      throw new Error(`not within ${within / 1000} s: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
