/**
 * Wall-clock time as the API server wants a `metav1.MicroTime`: RFC 3339 with exactly six digits (three are answered by 400).
 */
export function microTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('Z', '000Z');
}
