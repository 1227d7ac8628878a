/** As in package.json, which is not part of what is built. */
export const version = '0.1.0';
