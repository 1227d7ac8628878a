/** What is remembered under that key; an empty memory at first. */
export function remembered<T extends object>(memories: Map<string, T>, key: string): T {
  let memory = memories.get(key);
  if (!memory) {
    memory = {} as T;
    memories.set(key, memory);
  }
  return memory;
}
