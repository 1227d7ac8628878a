/** Wall clock at the beginning, milliseconds since 1970. */
export const storyBegin = Date.UTC(2026, 0, 1);

/** Milliseconds. */
export const second = 1000;
export const minute = 60 * second;
